"""The workspaces and how they stand."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from backend.deps import ServiceDep, note, problems
from backend.queries import WorkspaceName
from backend.schemas import WorkspaceOut, WorkspacesOut

router = APIRouter(tags=["workspaces"])


@router.get("/workspaces", response_model=WorkspacesOut, responses=problems())
async def workspaces(service: ServiceDep) -> dict[str, Any]:
    """All that are configured, by name. One whose files are damaged is `unreadable`, with its reason."""
    found = await asyncio.to_thread(service.standings.all)
    return {"total": len(found), "workspaces": found}


@router.get("/workspaces/{workspace}", response_model=WorkspaceOut, responses=problems(404))
async def workspace(
    workspace: Annotated[WorkspaceName, Path()], request: Request, service: ServiceDep
) -> dict[str, Any]:
    """One workspace: its data, its production run and its headline accuracy."""
    service.refuse_unknown(workspace)
    note(request, workspace)
    return await asyncio.to_thread(service.standings.of, workspace)
