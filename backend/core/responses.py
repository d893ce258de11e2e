"""Responses: documented errors, ETags, revalidation and JSON encoding."""

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import Request, Response
from pydantic_core import to_json

from backend.core.errors import PROBLEM_JSON
from backend.core.problem_types import TYPES
from pipelines import __version__

Responses = dict[int | str, dict[str, Any]]  # the framework's type: OpenAPI responses by status

ALWAYS = (401, 403, 422, 429, 500, 503)
REVALIDATED = "private, no-cache"  # clients may cache it, but must revalidate it each time


def problems(*statuses: int) -> Responses:
    """The error responses of a route, for the OpenAPI."""
    schema = {"schema": {"$ref": "#/components/schemas/ProblemOut"}}
    responses: Responses = {}
    for status in sorted({*ALWAYS, *statuses}):
        if status == 304:
            responses[status] = {"description": "Not modified."}
        else:
            responses[status] = {"description": TYPES[status].summary, "content": {PROBLEM_JSON: schema}}
    return responses


def etag(*parts: object) -> str:
    """A weak ETag of what a response depends on, including the version of the service."""
    return f'W/"{".".join(map(str, parts))}.{__version__}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether the client has the version with this `tag` (If-None-Match, RFC 9110 §13.1.2)."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    return given.strip() == "*" or tag.removeprefix("W/") in [
        one.strip().removeprefix("W/") for one in given.split(",")
    ]


class NotModified(Exception):
    """Ends a request with 304: the client has the version with this `tag`."""

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.tag = tag


def revalidate(request: Request, response: Response, *parts: object) -> None:
    """Set the ETag of a response from `parts`; NotModified if the client has it."""
    tag = etag(*parts)
    if is_known(request, tag):
        raise NotModified(tag)
    response.headers.update({"ETag": tag, "Cache-Control": REVALIDATED})


async def unchanged(request: Request, error: Exception) -> Response:
    """The handler of NotModified."""
    assert isinstance(error, NotModified)  # noqa: S101 - registered for it
    return not_modified(error.tag)


def not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": REVALIDATED})


def json_response(body: bytes, tag: str | None = None) -> Response:
    """A JSON response that clients may cache, but must revalidate each time."""
    headers = {"ETag": tag, "Cache-Control": REVALIDATED} if tag else {"Cache-Control": "no-store"}
    return Response(body, headers=headers, media_type="application/json")


def encode(content: object) -> bytes:
    """Encode a typed response as JSON without validating it again, for routes where that is slow; NaN becomes null."""
    return to_json(content, inf_nan_mode="null")


async def encoded(request: Request, tag: str, render: Callable[[], object]) -> Response:
    """Return 304 if the client has this version, else the JSON of what `render` returns; runs in a thread."""
    if is_known(request, tag):
        return not_modified(tag)
    return json_response(await asyncio.to_thread(lambda: encode(render())), tag)
