"""What can be looked up: sources, notes that people add and delete, and the search over all of them."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from backend.core.queries import Of
from backend.core.rate import MAX_BODY, key_of
from backend.core.responses import ServiceDep, note, problems, requires
from backend.knowledge.knowledge import Listed
from backend.knowledge.schemas import NoteQuery, SearchOut, SearchQuery, SourceId, SourceOut, SourcesOut, SourcesQuery

router = APIRouter(prefix="/knowledge", tags=["knowledge"])

_FILE = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
_BODY = {"required": True, "content": {"text/markdown": _FILE, "text/plain": _FILE, "application/pdf": _FILE}}


@router.get("/sources", response_model=SourcesOut, responses=problems(404))
async def sources(query: Annotated[SourcesQuery, Query()], request: Request, service: ServiceDep) -> dict[str, Any]:
    """The data dictionary, run cards, quality report, alerts, notes and documents that a search looks through."""
    found = await service.knowledge.sources(query.workspace)
    note(request, query.workspace)
    kept = [one for one in found if query.kind in (None, one.source.kind)]
    return {
        "workspace": query.workspace,
        "total": len(kept),
        "limit": query.limit,
        "offset": query.offset,
        "sources": [_row(one) for one in kept[query.offset : query.offset + query.limit]],
    }


@router.post(
    "/sources",
    status_code=201,
    response_model=SourceOut,
    responses={**problems(404, 409, 413), 200: {"model": SourceOut, "description": "It was there already."}},
    dependencies=[requires("analyst")],
    max_body_size=MAX_BODY,
    openapi_extra={"requestBody": _BODY},
)
async def add(
    query: Annotated[NoteQuery, Query()], request: Request, response: Response, service: ServiceDep
) -> dict[str, Any]:
    """Adds a note: markdown or plain text in UTF-8, or a PDF, of at most 5 MiB. The same text twice is one note, under its first name."""
    service.pointers(query.workspace)
    note(request, query.workspace)
    by = key_of(request.scope).name
    found, new = await service.knowledge.add(query.workspace, query.name, await request.body(), by)
    response.status_code = 201 if new else 200
    return _row(found)


@router.delete(
    "/sources/{source_id}",
    response_model=SourceOut,
    responses=problems(404, 409),
    dependencies=[requires("analyst")],
)
async def remove(
    source_id: Annotated[SourceId, Path()], query: Annotated[Of, Query()], request: Request, service: ServiceDep
) -> dict[str, Any]:
    """Deletes a note, and says what it was. Other sources follow from the project and cannot be deleted."""
    found = await service.knowledge.remove(query.workspace, source_id)
    note(request, query.workspace)
    return _row(found)


@router.get("/search", response_model=SearchOut, responses=problems(404))
async def search(query: Annotated[SearchQuery, Query()], request: Request, service: ServiceDep) -> dict[str, Any]:
    """The pieces of all sources that fit a question best, by vectors and by words; none, if nothing fits."""
    found = await service.knowledge.find(query.workspace, query.q, query.limit)
    note(request, query.workspace)
    return {
        "workspace": query.workspace,
        "embedding": found.embedding.kind,
        "embedding_name": found.embedding.name,
        "hits": [asdict(hit) for hit in found.hits],
    }


def _row(listed: Listed) -> dict[str, Any]:
    source = listed.source
    return {
        "source_id": source.id,
        "name": source.name,
        "kind": source.kind,
        "chunks": listed.chunks,
        "characters": len(source.text),
        "added_at": source.added_at,
        "by": source.by,
    }
