"""Knowledge: list sources, add and delete notes, and search all of them."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from backend.core.access import Analyst, Viewer
from backend.core.queries import Of
from backend.core.rate import MAX_BODY
from backend.core.responses import problems
from backend.core.services import provided
from backend.knowledge.knowledge import Knowledge, Listed
from backend.knowledge.schemas import (
    HitOut,
    NoteQuery,
    SearchOut,
    SearchQuery,
    SourceId,
    SourceOut,
    SourcesOut,
    SourcesQuery,
)

router = APIRouter(prefix="/knowledge", tags=["knowledge"])

KnowledgeDep = Annotated[Knowledge, provided(Knowledge)]

_FILE = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
_BODY = {"required": True, "content": {"text/markdown": _FILE, "text/plain": _FILE, "application/pdf": _FILE}}


@router.get("/sources", responses=problems(404))
async def sources(access: Viewer, query: Annotated[SourcesQuery, Query()], knowledge: KnowledgeDep) -> SourcesOut:
    """The searchable sources: data dictionary, run cards, quality report, alerts, notes and help; for analysts also the
    documentation of the product (`project`).
    """
    sources = await knowledge.sources(access.workspace.name)
    if access.identity.may("analyst"):
        sources += await knowledge.project_sources()
    kept = [one for one in sources if query.kind in (None, one.source.kind)]
    return SourcesOut(
        items=[_row(one) for one in query.cut(kept)],
        total=len(kept),
        limit=query.limit,
        offset=query.offset,
        workspace=query.workspace,
    )


@router.post(
    "/sources",
    status_code=201,
    responses={**problems(404, 409, 413), 200: {"model": SourceOut, "description": "It was there already."}},
    max_body_size=MAX_BODY,
    openapi_extra={"requestBody": _BODY},
)
async def add(
    access: Analyst, query: Annotated[NoteQuery, Query()], request: Request, response: Response, knowledge: KnowledgeDep
) -> SourceOut:
    """Adds a note: markdown or plain text in UTF-8, or a PDF, of at most 5 MiB. Adding the same text again keeps one
    note, under its first name.
    """
    content, by = await request.body(), access.identity.name
    note, new = await knowledge.add(access.workspace.name, query.name, content, by)
    response.status_code = 201 if new else 200
    return _row(note)


@router.delete("/sources/{source_id}", responses=problems(404, 409))
async def remove(
    access: Analyst, source_id: Annotated[SourceId, Path()], query: Annotated[Of, Query()], knowledge: KnowledgeDep
) -> SourceOut:
    """Deletes a note and returns it. Other sources are generated from the project and cannot be deleted."""
    return _row(await knowledge.remove(access.workspace.name, source_id))


@router.get("/search", responses=problems(404))
async def search(access: Viewer, query: Annotated[SearchQuery, Query()], knowledge: KnowledgeDep) -> SearchOut:
    """The chunks that match a question best, by vectors and by words; empty if none matches. Searches the sources of
    the workspace and the help; with `kind=project`, which needs the role analyst, the documentation of the product.
    """
    project = query.kind == "project"
    if project:
        access.requires("analyst")
    answer = await knowledge.search(access.workspace.name, query.q, query.limit, project=project)
    return SearchOut(
        workspace=query.workspace,
        embedding=answer.embedding.kind,
        embedding_name=answer.embedding.name,
        hits=[HitOut(**asdict(hit)) for hit in answer.hits],
    )


def _row(listed: Listed) -> SourceOut:
    source = listed.source
    return SourceOut(
        source_id=source.id,
        name=source.name,
        kind=source.kind,
        chunks=listed.chunks,
        characters=len(source.text),
        added_at=source.added_at,
        by=source.by,
    )
