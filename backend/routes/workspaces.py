"""The workspaces and how they stand."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Path, Request

from backend.deps import ServiceDep, note, problems
from backend.errors import Problem
from backend.queries import WorkspaceName
from backend.schemas import WorkspaceOut, WorkspacesOut
from backend.service import Service
from pipelines import settings
from pipelines.errors import ForecastError
from pipelines.read.clock import Clock

router = APIRouter(tags=["workspaces"])


@router.get("/workspaces", response_model=WorkspacesOut, responses=problems())
async def workspaces(service: ServiceDep) -> dict[str, Any]:
    """All that are configured, by name."""
    found = [await standing(service, name) for name in sorted(service.workspaces())]
    return {"total": len(found), "workspaces": found}


@router.get("/workspaces/{workspace}", response_model=WorkspaceOut, responses=problems(404))
async def workspace(
    workspace: Annotated[WorkspaceName, Path()], request: Request, service: ServiceDep
) -> dict[str, Any]:
    """One workspace: its data, its production run and its headline accuracy."""
    service.pointers(workspace)
    found = await standing(service, workspace)
    note(request, workspace)
    return found


async def standing(service: Service, name: str) -> dict[str, Any]:
    """One whose files are damaged does not hide the others."""
    nothing = {**dict.fromkeys(WorkspaceOut.model_fields), "name": name, "title": settings.title(name)}
    try:
        return {**nothing, **await _facts(service, name)}
    except ForecastError as error:
        structlog.get_logger("backend").error("unreadable workspace", workspace=name, reason=str(error))
        return {**nothing, "status": "unreadable"}


async def _facts(service: Service, name: str) -> dict[str, Any]:
    pointers = service.pointers(name)
    found: dict[str, Any] = {"status": "no data"}
    try:
        dataset = await service.dataset(name)
    except Problem:
        return found
    info, series = await service.info(dataset), await service.series(name)
    found |= {
        "status": "no run",
        "frequency": info["frequency"],
        "horizon": info["horizon"],
        "n_series": len(series.ids),
        "last_ds": series.last_ds,
        **_age(series.end, Clock(info["frequency"])),
        "data_version": dataset.version,
        "synthetic": info["synthetic"],
    }
    if not pointers["aliases"].get("production"):
        return found
    run = await service.aliased(name)
    config, summary = run.config, run.info.get("summary", {})
    found |= {
        "status": "no forecasts",
        "title": config["title"],
        "frequency": config["frequency"],
        "timezone": config["timezone"],
        "unit": config["target"]["unit"],
        "horizon": config["horizon"],
        "levels": config["levels"],
        "aggregate": config["target"]["aggregate"],
        "models": sorted(summary.get("leaderboard", {})),
        "production_run": run.id,
        "accuracy": {
            **{key: summary.get(key) for key in ("champion", "baseline", "skill")},
            "metric": summary.get("metric", config["metric"]),
            "coverage": summary.get("coverage", {}),
        },
    }
    if published := pointers["published"]:
        found |= {"status": "ready", "forecast_id": published["forecast_id"], "as_of": published["as_of"]}
    return found


def _age(end: datetime | None, clock: Clock) -> dict[str, Any]:
    """How old the newest value is. It is stale when two more of them, or two days, should have passed since its step ended."""
    if end is None:
        return {"age_days": None, "stale": None}
    age = datetime.now(UTC).replace(tzinfo=None) - end
    patience = max(3 * clock.longest_step, timedelta(days=2) + clock.longest_step)
    return {"age_days": round(age / timedelta(days=1), 2), "stale": age > patience}
