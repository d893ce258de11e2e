"""Liveness, readiness and metrics."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Request, Response

from backend.core.access import Anyone, Viewer
from backend.core.errors import Problem
from backend.core.keys import LOCAL
from backend.core.metrics import CONTENT_TYPE_LATEST, Metrics
from backend.core.responses import problems
from backend.core.schemas import HealthOut
from backend.core.services import provided
from backend.core.shutdown import Shutdown
from pipelines import __version__
from pipelines.core import code

router = APIRouter()


@dataclass(frozen=True)
class Readiness:
    """Readiness of the storage: `checks` returns `name`, `ok` and `detail` of each check, and may be slow."""

    checks: Callable[[], list[dict[str, object]]]


@router.get("/health/live", tags=["health"])
async def live(access: Anyone) -> HealthOut:
    """Confirms that the process is up."""
    return HealthOut(status="ok", version=__version__, commit=await asyncio.to_thread(code.commit))


@router.get("/health", tags=["health"], responses={503: problems()[503]})
@router.get("/healthz", include_in_schema=False)
@router.get("/health/ready", tags=["health"], responses={503: problems()[503]})
async def ready(
    access: Anyone,
    request: Request,
    readiness: Annotated[Readiness, provided(Readiness)],
    shutdown: Annotated[Shutdown, provided(Shutdown)],
) -> HealthOut:
    """Version, commit and readiness checks: storage reachable, production run readable. 503 names the failed checks."""
    # Workspaces are named only where no key is needed; elsewhere their names are in the log.
    checks = await asyncio.to_thread(readiness.checks)
    if shutdown.begun:
        checks.append({"name": "running", "ok": False, "detail": "the service is being stopped"})
    failing = [check for check in checks if not check["ok"]]
    if failing:
        request.state.reason = "; ".join(f"{check['name']}: {check['detail']}" for check in failing)
    if access.identity is not LOCAL:
        for check in checks:
            check["detail"] = "passed" if check["ok"] else "failed; the log has the reason"
    if failing:
        names = ", ".join(str(check["name"]) for check in failing)
        raise Problem(503, f"Not ready: {names}.", headers={"Retry-After": "5"}, checks=checks)
    return HealthOut(status="ok", version=__version__, commit=await asyncio.to_thread(code.commit), checks=checks)


@router.get("/metrics", include_in_schema=False)
async def metrics(access: Viewer, metrics: Annotated[Metrics, provided(Metrics)]) -> Response:
    """Metrics in Prometheus format."""
    return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
