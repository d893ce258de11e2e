"""Whether the process is up, and whether it can serve."""

import asyncio

from fastapi import APIRouter, Request, Response

from backend.core.errors import Problem
from backend.core.metrics import CONTENT_TYPE_LATEST
from backend.core.responses import ServiceDep, problems
from backend.core.schemas import HealthOut
from backend.core.service import Service
from pipelines import __version__

router = APIRouter()


@router.get("/health/live", tags=["health"], response_model=HealthOut)
async def live() -> HealthOut:
    """The process is up."""
    return HealthOut(status="ok", version=__version__)


@router.get("/health/ready", tags=["health"], response_model=HealthOut, responses={503: problems()[503]})
async def ready(request: Request, service: ServiceDep) -> HealthOut:
    """The storage can be reached and a production run be read; 503 with the checks that fail."""
    # Workspaces are named only where no key is needed; elsewhere the log has the names.
    checks = await asyncio.to_thread(_checks, service)
    if service.stopping:
        checks.append({"name": "running", "ok": False, "detail": "the service is being stopped"})
    failing = [check for check in checks if not check["ok"]]
    if failing:
        request.state.reason = "; ".join(f"{check['name']}: {check['detail']}" for check in failing)
    if not request.state.names_workspaces:
        for check in checks:
            check["detail"] = "passed" if check["ok"] else "failed; the log has the reason"
    if failing:
        names = ", ".join(str(check["name"]) for check in failing)
        raise Problem(503, f"Not ready: {names}.", headers={"Retry-After": "5"}, checks=checks)
    return HealthOut(status="ok", version=__version__, checks=checks)


@router.get("/metrics", include_in_schema=False)
async def metrics(service: ServiceDep) -> Response:
    """For Prometheus."""
    return Response(service.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _checks(service: Service) -> list[dict[str, object]]:
    """Storage, and that at least one workspace has a production run that can be read."""
    found = service.standings.all()
    readable = [one["name"] for one in found if one["production_run"]]
    broken = [one["name"] for one in found if one["status"] == "unreadable" and not one["production_run"]]
    if found and len(broken) == len(found):
        return [{"name": "storage", "ok": False, "detail": "nothing in it can be read; the log has the reasons"}]
    detail = f"readable: {', '.join(readable) or 'none'}" + (f"; broken: {', '.join(broken)}" if broken else "")
    return [
        {"name": "storage", "ok": True, "detail": "readable"},
        {"name": "production run", "ok": bool(readable), "detail": detail},
    ]
