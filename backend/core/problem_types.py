"""Problem types: the `type` of an error, its summary in the OpenAPI, and the page that the type resolves to.

One type per status. `GET /errors/{slug}` returns its description; docs/API.md lists all of them.
"""

import http
from dataclasses import dataclass

PREFIX = "/errors/"


@dataclass(frozen=True)
class ProblemType:
    """Meaning of an error of one status, and what a client can do about it."""

    status: int
    slug: str
    summary: str  # shown in the OpenAPI of each route
    description: str

    @property
    def title(self) -> str:
        """The name of the status in HTTP."""
        return http.HTTPStatus(self.status).phrase

    @property
    def uri(self) -> str:
        """The `type` of an error with this status, relative to the service (RFC 9457 §3.1.1)."""
        return PREFIX + self.slug


TYPES = {
    one.status: one
    for one in (
        ProblemType(
            400,
            "bad-request",
            "The body cannot be read.",
            "The request is not valid HTTP, or its body is not in the encoding or format of its Content-Type.",
        ),
        ProblemType(
            401,
            "unauthorized",
            "No valid API key.",
            "The service needs an API key. Send a valid one in the header X-API-Key.",
        ),
        ProblemType(
            403,
            "forbidden",
            "The key's role may not do this.",
            "The key is valid, but its role does not include this operation; `detail` names the role that does. "
            "Without API keys, the service answers only requests of its own machine that no page of another site sent.",
        ),
        ProblemType(
            404,
            "not-found",
            "There is no such thing.",
            "Nothing exists under this path or name, or the workspace has no data, run or forecasts yet; `detail` "
            "says which.",
        ),
        ProblemType(
            405,
            "method-not-allowed",
            "The path does not have this method.",
            "The path exists, but not with this method. The header Allow lists the valid ones.",
        ),
        ProblemType(
            408,
            "request-timeout",
            "The request arrived too slowly.",
            "The headers or the body did not arrive in time, and the connection was closed. Send the request again.",
        ),
        ProblemType(
            409,
            "conflict",
            "It cannot be done in this state.",
            "The current state does not allow the operation, or another writer was first. Read the resource again, "
            "then decide.",
        ),
        ProblemType(
            412,
            "precondition-failed",
            "It has changed since you read it.",
            "The resource has changed since the version that If-Match names. Read it again and repeat the change "
            "with the new ETag.",
        ),
        ProblemType(
            413,
            "content-too-large",
            "The body is too large.",
            "The body exceeds the limit: 5 MiB, or 32 MiB for an upload.",
        ),
        ProblemType(
            422,
            "invalid-request",
            "The request is not valid.",
            "A field is missing, unknown or has an invalid value; `errors` names each field. The data, settings or "
            "model that the request names may also rule it out; `detail` says why.",
        ),
        ProblemType(
            428,
            "precondition-required",
            "If-Match is missing.",
            "This change needs the header If-Match with the ETag of the version that was read, or `*`.",
        ),
        ProblemType(
            429,
            "too-many-requests",
            "Too many requests.",
            "The key has used up its requests per minute. Retry-After gives the seconds to wait; the RateLimit headers "
            "give the limit.",
        ),
        ProblemType(
            431,
            "headers-too-large",
            "The headers are too large.",
            "The request line and headers exceed the limit, and the connection was closed.",
        ),
        ProblemType(
            500,
            "internal-error",
            "Something failed here.",
            "An unexpected error of the service. Its log has the cause under `request_id`.",
        ),
        ProblemType(
            501,
            "library-missing",
            "A library that this needs is not installed where it computes.",
            "The model needs a library that is not installed in this service. `detail` names it.",
        ),
        ProblemType(
            503,
            "unavailable",
            "Not possible now; see Retry-After.",
            "The storage, the process that computes, or the service itself is not available at the moment, or "
            "too busy. Try again after the seconds in Retry-After.",
        ),
        ProblemType(
            504,
            "timeout",
            "It took too long.",
            "The computation did not finish within its time limit. Ask for fewer series or steps.",
        ),
    )
}


def uri_of(status: int) -> str:
    """The `type` of an error with *status*; `about:blank` for a status that the service does not use."""
    return TYPES[status].uri if status in TYPES else "about:blank"


def by_slug(slug: str) -> ProblemType | None:
    """The type whose URI ends with *slug*."""
    return next((one for one in TYPES.values() if one.slug == slug), None)
