"""The workspaces and how they stand."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from backend.core.queries import WorkspaceName
from backend.core.responses import ServiceDep, note, problems
from backend.workspaces.schemas import WorkspaceOut, WorkspacesOut
from pipelines.core.errors import ForecastError
from pipelines.forecasting.monitoring import alerts
from pipelines.storage.catalog import Reader

router = APIRouter(tags=["workspaces"])


@router.get("/workspaces", response_model=WorkspacesOut, responses=problems())
async def workspaces(service: ServiceDep) -> dict[str, Any]:
    """All that are configured, by name. One whose files are damaged is `unreadable`, with its reason."""
    found = await asyncio.to_thread(lambda: [_with_alerts(service.reader, one) for one in service.standings.all()])
    return {"total": len(found), "workspaces": found}


@router.get("/workspaces/{workspace}", response_model=WorkspaceOut, responses=problems(404))
async def workspace(
    workspace: Annotated[WorkspaceName, Path()], request: Request, service: ServiceDep
) -> dict[str, Any]:
    """One workspace: its data, its production run and its headline accuracy."""
    service.refuse_unknown(workspace)
    note(request, workspace)
    return await asyncio.to_thread(lambda: _with_alerts(service.reader, service.standings.of(workspace)))


def _with_alerts(reader: Reader, standing: dict[str, Any]) -> dict[str, Any]:
    """With what is unacknowledged: read at each request, since an acknowledgement changes no version."""
    try:
        found = alerts.all_of(reader, standing["name"])
        severities = [one["severity"] for one in found if one["acknowledged"] is None]
    except ForecastError:  # a log that cannot be read hides no workspace
        return {**standing, "open_alerts": None, "worst_alert": None}
    worst = "alert" if "alert" in severities else next(iter(severities), None)
    return {**standing, "open_alerts": len(severities), "worst_alert": worst}
