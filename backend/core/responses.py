"""How routes answer."""

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import Request, Response
from pydantic_core import to_json

from backend.core.errors import PROBLEM_JSON
from backend.core.problem_types import TYPES
from pipelines import __version__

Responses = dict[int | str, dict[str, Any]]  # as the framework takes them: by status, in terms of the OpenAPI

ALWAYS = (401, 403, 422, 429, 500, 503)
REVALIDATED = "private, no-cache"  # a client may keep it, if it asks each time whether it is still right


def problems(*statuses: int) -> Responses:
    """The answers of a route besides its success, for the OpenAPI."""
    schema = {"schema": {"$ref": "#/components/schemas/ProblemOut"}}
    responses: Responses = {}
    for status in sorted({*ALWAYS, *statuses}):
        if status == 304:
            responses[status] = {"description": "Not modified."}
        else:
            responses[status] = {"description": TYPES[status].summary, "content": {PROBLEM_JSON: schema}}
    return responses


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


class NotModified(Exception):
    """Ends a request with 304: the client has what `tag` stands for."""

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.tag = tag


def revalidate(request: Request, response: Response, *parts: object) -> None:
    """Tag the answer with what it depends on; NotModified if the client has it."""
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
    """An answer that a client may keep, if it asks each time whether it is still right."""
    headers = {"ETag": tag, "Cache-Control": REVALIDATED} if tag else {"Cache-Control": "no-store"}
    return Response(body, headers=headers, media_type="application/json")


def encode(content: object) -> bytes:
    """A typed answer as JSON without another validation, for what is measured to need that; NaN is null."""
    return to_json(content, inf_nan_mode="null")


async def encoded(request: Request, tag: str, render: Callable[[], object]) -> Response:
    """304 if the client has it, else the JSON of what `render` gives, both made in a thread."""
    if is_known(request, tag):
        return not_modified(tag)
    return json_response(await asyncio.to_thread(lambda: encode(render())), tag)
