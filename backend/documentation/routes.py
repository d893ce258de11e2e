"""API documentation: Swagger UI at `/docs`, and a description of each type of error. Public, and without data.

The page loads nothing from another host: a library ships the files of Swagger UI. If the service has keys, reading the
contract requires one, so the page asks for it.
"""

import asyncio
import functools
import gzip
from importlib import resources
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response

from backend.core.access import Anyone
from backend.core.errors import Problem
from backend.core.keys import LOCAL
from backend.core.problem_types import TYPES, by_slug
from backend.core.responses import is_known, not_modified, problems
from backend.core.schemas import ProblemTypeOut
from pipelines import __version__

router = APIRouter()

Asset = Literal["swagger-ui-bundle.js", "swagger-ui.css", "page.js", "page.css"]

_MEDIA_TYPES = {"js": "text/javascript", "css": "text/css"}
# For this page only; all other responses allow no scripts. Swagger UI's style sheet has its icons as data: URLs.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@router.get("/docs", include_in_schema=False)
async def page(access: Anyone) -> Response:
    """Swagger UI over the contract of this service."""
    template = (resources.files("backend.documentation") / "page.html").read_text(encoding="utf-8")
    html = template.replace("{key}", "none" if access.identity is LOCAL else "needed")
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
    return Response(html, headers=headers, media_type="text/html; charset=utf-8")


@router.get("/docs/{name}", include_in_schema=False)
async def asset(access: Anyone, name: Asset, request: Request) -> Response:
    """A file of Swagger UI; it does not change until the next version."""
    tag = f'W/"{__version__}"'
    if is_known(request, tag):
        return not_modified(tag)
    headers = {"ETag": tag, "Cache-Control": "public, no-cache", "Vary": "Accept-Encoding"}
    content = await asyncio.to_thread(_compressed, name)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        content = await asyncio.to_thread(gzip.decompress, content)
    return Response(content, headers=headers, media_type=_MEDIA_TYPES[name.rpartition(".")[2]])


@router.get(
    "/errors/{slug}",
    tags=["errors"],
    response_model=ProblemTypeOut,
    responses={status: one for status, one in problems(404).items() if status in (404, 422, 429)},
)
async def problem_type(
    access: Anyone,
    slug: Annotated[str, Path(max_length=64, description="The end of the `type` of an error, such as `not-found`.")],
) -> ProblemTypeOut:
    """What an error of this type means, and what a client can do about it."""
    known = by_slug(slug)
    if known is None:
        raise Problem(404, f"There is no such type of error. Valid: {', '.join(one.slug for one in TYPES.values())}.")
    return ProblemTypeOut(type=known.uri, title=known.title, status=known.status, description=known.description)


@functools.cache
def _compressed(name: str) -> bytes:
    """The gzipped file, cached: Swagger UI has 1.5 MB."""
    ours = name.startswith("page.")
    folder = resources.files("backend.documentation") if ours else resources.files("fastapi_offline") / "static"
    return gzip.compress((folder / name).read_bytes(), mtime=0)
