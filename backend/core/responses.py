"""How routes answer."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from fastapi import Request, Response

from backend.core.errors import PROBLEM_JSON
from pipelines import __version__

_DESCRIPTIONS = {
    304: "The client has it already.",
    400: "The body cannot be read.",
    401: "No valid API key.",
    403: "The key's role may not do this.",
    404: "There is no such thing.",
    409: "It cannot be done in this state.",
    412: "It was changed since it was read.",
    413: "The body is too large.",
    422: "The request is not valid.",
    428: "If-Match is missing.",
    429: "Too many requests.",
    500: "Something failed here.",
    501: "A library that this needs is not installed where it computes.",
    503: "Not possible now; see Retry-After.",
    504: "It took too long.",
}
ALWAYS = (401, 403, 422, 429, 500, 503)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The answers of a route besides its success, for the OpenAPI."""
    schema = {"schema": {"$ref": "#/components/schemas/ProblemOut"}}
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*ALWAYS, *statuses}):
        found[status] = {"description": _DESCRIPTIONS[status]}
        if status != 304:
            found[status]["content"] = {PROBLEM_JSON: schema}
    return found


def etag(*parts: object) -> str:
    """A weak tag of what an answer depends on, this version of the service included."""
    return f'W/"{".".join(map(str, parts))}.{__version__}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether the client has what `tag` stands for (If-None-Match, RFC 9110 §13.1.2)."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    return given.strip() == "*" or tag.removeprefix("W/") in [
        one.strip().removeprefix("W/") for one in given.split(",")
    ]


def not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "private, no-cache"})


def json_response(body: bytes, tag: str | None = None) -> Response:
    """An answer that a client may keep, if it asks each time whether it is still right."""
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"} if tag else {"Cache-Control": "no-store"}
    return Response(body, headers=headers, media_type="application/json")


def encode(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(errors="replace")


async def cached_json(request: Request, tag: str, render: Callable[[], Any]) -> Response:
    """304 if the client has it, else what `render` gives, made in a thread."""
    if is_known(request, tag):
        return not_modified(tag)
    return json_response(await asyncio.to_thread(lambda: encode(render())), tag)
