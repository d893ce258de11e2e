"""The workspaces and their status."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query

from backend.core.access import Viewer
from backend.core.queries import PageQuery, WorkspaceName
from backend.core.responses import problems
from backend.core.services import provided
from backend.workspaces import service
from backend.workspaces.schemas import WorkspaceOut, WorkspacesOut
from backend.workspaces.status import Statuses

router = APIRouter(tags=["workspaces"])

StatusesDep = Annotated[Statuses, provided(Statuses)]


@router.get("/workspaces", responses=problems())
async def workspaces(access: Viewer, query: Annotated[PageQuery, Query()], statuses: StatusesDep) -> WorkspacesOut:
    """All configured workspaces, by name. A workspace with damaged files is `unreadable`, with the reason."""
    return await asyncio.to_thread(service.listed, statuses, query)


@router.get("/workspaces/{workspace}", responses=problems(404))
async def workspace(access: Viewer, workspace: Annotated[WorkspaceName, Path()], statuses: StatusesDep) -> WorkspaceOut:
    """One workspace: its data, its production run and its headline accuracy."""
    return await asyncio.to_thread(service.described, statuses, access.workspace.name)
