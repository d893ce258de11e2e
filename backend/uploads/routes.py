"""Uploads: receive a table, preview it, and create a workspace from it."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from backend.core.access import Creator
from backend.core.errors import Problem
from backend.core.rate import MAX_BODY, MAX_UPLOAD
from backend.core.responses import problems
from backend.core.services import provided
from backend.uploads.schemas import NewName, PreviewOut, UploadId, UploadQuery, WorkspaceIn
from backend.uploads.service import Uploads
from backend.workspaces.schemas import WorkspaceOut
from backend.workspaces.status import Statuses

router = APIRouter(tags=["uploads"])

UploadsDep = Annotated[Uploads, provided(Uploads)]

_FILE = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
_BODY = {"required": True, "content": {"text/csv": _FILE, "application/gzip": _FILE}}


@router.post(
    "/workspaces/{workspace}/uploads",
    status_code=201,
    responses=problems(413, 504),
    max_body_size=MAX_UPLOAD,
    openapi_extra={"requestBody": _BODY},
)
async def upload(
    access: Creator,
    workspace: Annotated[NewName, Path()],
    query: Annotated[UploadQuery, Query()],
    request: Request,
    response: Response,
    uploads: UploadsDep,
) -> PreviewOut:
    """Receives a CSV, plain or gzipped, of at most 32 MiB, and returns a preview. Creates or changes no workspace."""
    upload_id = await uploads.receive(workspace, request.stream())
    try:
        preview = await uploads.preview(workspace, upload_id, query.model_dump())
    except Problem as problem:
        problem.extra["upload_id"] = upload_id  # it is stored, and can be previewed later
        raise
    response.headers.update({"Location": f"{request.url.path}/{upload_id}", "Cache-Control": "no-store"})
    return preview


@router.get(
    "/workspaces/{workspace}/uploads/{upload_id}", summary="Preview an upload again", responses=problems(404, 504)
)
async def look_again(
    access: Creator,
    workspace: Annotated[NewName, Path()],
    upload_id: Annotated[UploadId, Path()],
    query: Annotated[UploadQuery, Query()],
    response: Response,
    uploads: UploadsDep,
) -> PreviewOut:
    """Previews an upload again with another mapping, without sending it again."""
    response.headers["Cache-Control"] = "no-store"
    return await uploads.preview(workspace, upload_id, query.model_dump())


@router.put(
    "/workspaces/{workspace}",
    responses={**problems(400, 404, 409, 413, 504), 201: {"model": WorkspaceOut, "description": "It is new."}},
    max_body_size=MAX_BODY,
)
async def make(
    access: Creator,
    workspace: Annotated[NewName, Path()],
    wanted: WorkspaceIn,
    response: Response,
    uploads: UploadsDep,
    statuses: Annotated[Statuses, provided(Statuses)],
) -> WorkspaceOut:
    """Creates a workspace from an upload, or updates one created by an upload. A file written by hand is left alone.

    The role is analyst, as for training: no existing data are lost, and the audit file records who and when.
    """
    new = await uploads.create_workspace(access, workspace, wanted)
    response.status_code = 201 if new else 200
    return await asyncio.to_thread(statuses.of, workspace)
