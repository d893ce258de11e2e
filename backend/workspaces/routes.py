"""The workspaces and their status."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path

from backend.core.access import Viewer
from backend.core.queries import WorkspaceName
from backend.core.responses import problems
from backend.core.services import provided
from backend.workspaces import service
from backend.workspaces.schemas import WorkspaceOut, WorkspacesOut
from backend.workspaces.status import Statuses

router = APIRouter(tags=["workspaces"])

StatusesDep = Annotated[Statuses, provided(Statuses)]


@router.get("/workspaces", response_model=WorkspacesOut, responses=problems())
async def workspaces(access: Viewer, statuses: StatusesDep) -> dict[str, Any]:
    """All that are configured, by name. One whose files are damaged is `unreadable`, with its reason."""
    found = await asyncio.to_thread(service.listed, statuses)
    return {"total": len(found), "workspaces": found}


@router.get("/workspaces/{workspace}", response_model=WorkspaceOut, responses=problems(404))
async def workspace(
    access: Viewer, workspace: Annotated[WorkspaceName, Path()], statuses: StatusesDep
) -> dict[str, Any]:
    """One workspace: its data, its production run and its headline accuracy."""
    return await asyncio.to_thread(service.described, statuses, access.workspace.name)
