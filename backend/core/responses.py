"""How routes answer."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from fastapi import Request, Response

from backend.core.errors import PROBLEM_JSON
from backend.core.problem_types import TYPES
from pipelines import __version__

ALWAYS = (401, 403, 422, 429, 500, 503)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The answers of a route besides its success, for the OpenAPI."""
    schema = {"schema": {"$ref": "#/components/schemas/ProblemOut"}}
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*ALWAYS, *statuses}):
        if status == 304:
            found[status] = {"description": "The client has it already."}
        else:
            found[status] = {"description": TYPES[status].summary, "content": {PROBLEM_JSON: schema}}
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
