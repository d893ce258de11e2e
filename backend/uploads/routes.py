"""Uploads: a table comes in, is looked at, and becomes a workspace."""

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from backend.core.errors import Problem
from backend.core.rate import MAX_BODY, MAX_UPLOAD, key_of
from backend.core.responses import ServiceDep, json_response, note, problems, requires
from backend.uploads import service as uploads
from backend.uploads.schemas import NewName, PreviewOut, UploadId, UploadQuery
from backend.workspaces.schemas import WorkspaceIn, WorkspaceOut

router = APIRouter(tags=["uploads"])

_FILE = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
_BODY = {"required": True, "content": {"text/csv": _FILE, "application/gzip": _FILE}}


@router.post(
    "/workspaces/{workspace}/uploads",
    status_code=201,
    response_model=PreviewOut,
    responses=problems(413, 504),
    dependencies=[requires("analyst")],
    max_body_size=MAX_UPLOAD,
    openapi_extra={"requestBody": _BODY},
)
async def upload(
    workspace: Annotated[NewName, Path()],
    query: Annotated[UploadQuery, Query()],
    request: Request,
    service: ServiceDep,
) -> Response:
    """Takes a CSV, plain or gzipped, of at most 32 MiB, and says what it is. No workspace is made or changed."""
    upload_id = await uploads.receive(request, service, workspace)
    try:
        body = await uploads.preview(service, workspace, upload_id, query.model_dump())
    except Problem as problem:
        problem.extra["upload_id"] = upload_id  # it is there, and can be looked at later
        raise
    headers = {"Location": f"{request.url.path}/{upload_id}", "Cache-Control": "no-store"}
    return Response(body, 201, headers, "application/json")


@router.get(
    "/workspaces/{workspace}/uploads/{upload_id}",
    response_model=PreviewOut,
    responses=problems(404, 504),
    dependencies=[requires("analyst")],
)
async def look_again(
    workspace: Annotated[NewName, Path()],
    upload_id: Annotated[UploadId, Path()],
    query: Annotated[UploadQuery, Query()],
    service: ServiceDep,
) -> Response:
    """The same upload under another mapping, without sending it again."""
    return json_response(await uploads.preview(service, workspace, upload_id, query.model_dump()))


@router.put(
    "/workspaces/{workspace}",
    response_model=WorkspaceOut,
    responses={**problems(400, 404, 409, 413, 504), 201: {"model": WorkspaceOut, "description": "It is new."}},
    dependencies=[requires("analyst")],
    max_body_size=MAX_BODY,
)
async def make(
    workspace: Annotated[NewName, Path()],
    wanted: WorkspaceIn,
    request: Request,
    response: Response,
    service: ServiceDep,
) -> dict[str, Any]:
    """Makes a workspace of an upload, or gives one that an upload made a newer one. A file written by hand is left alone.

    The role is analyst, as for training: nothing that exists is lost, and the audit file keeps who and when.
    """
    await asyncio.to_thread(uploads.refuse_handwritten, service.reader, workspace)
    given = {**wanted.model_dump(exclude={"upload_id", "mapping"}), **wanted.mapping.model_dump()}
    found = json.loads(await uploads.preview(service, workspace, wanted.upload_id, given))
    if not found["acceptable"]:
        raise Problem(422, "The upload cannot become a workspace as it is.", errors=found["problems"])
    by = key_of(request.scope).name
    new = await asyncio.to_thread(uploads.make, service.reader, workspace, wanted.upload_id, found["settings"], by)
    service.forget_workspaces()
    note(request, workspace)
    response.status_code = 201 if new else 200
    return await asyncio.to_thread(service.standings.of, workspace)
