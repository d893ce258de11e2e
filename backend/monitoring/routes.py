"""Monitoring: status of a workspace and its series, the drift report, and alerts."""

import asyncio
import hashlib
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from backend.core.access import Analyst, Viewer
from backend.core.errors import Problem
from backend.core.queries import Of
from backend.core.rate import MAX_BODY
from backend.core.responses import (
    encode,
    etag,
    is_known,
    not_modified,
    problems,
    revalidate,
)
from backend.core.services import provided
from backend.monitoring import service
from backend.monitoring.schemas import (
    AcknowledgeIn,
    AlertId,
    AlertsOut,
    AlertsQuery,
    MonitoredPage,
    MonitoredQuery,
)
from pipelines.core.errors import NotFound
from pipelines.forecasting.monitoring import page
from pipelines.forecasting.monitoring.alerts import AlertOut
from pipelines.forecasting.read.monitoring_rows import MonitoringOut
from pipelines.storage.store import Stores

router = APIRouter(prefix="/monitoring", tags=["monitoring"])

# part of the ETag of reports: changing it invalidates copies cached by browsers
_SERVED = "sealed"


@router.get("/summary", responses=problems(304, 404))
async def summary(access: Viewer, query: Annotated[Of, Query()], request: Request, response: Response) -> MonitoringOut:
    """Status of the latest forecasts and data, its history, and the proposed actions."""
    monitored = await access.workspace.monitored()
    revalidate(request, response, monitored.id)
    return await asyncio.to_thread(monitored.summary)


@router.get("/series", responses=problems(304, 404))
async def series(
    access: Viewer, query: Annotated[MonitoredQuery, Query()], request: Request, response: Response
) -> MonitoredPage:
    """The series by severity, with the drift of each feature; with `unique_id`, that series in full detail."""
    monitored = await access.workspace.monitored()
    revalidate(request, response, monitored.id)

    def render() -> MonitoredPage:
        rows = monitored.find(**query.model_dump(exclude={"workspace"}))
        return MonitoredPage(
            items=rows.rows,
            total=rows.total,
            limit=query.limit,
            offset=query.offset,
            workspace=query.workspace,
            monitoring_id=monitored.id,
            as_of=monitored.info.as_of,
            detail=monitored.detail(query.unique_id) if query.unique_id is not None else None,
        )

    try:
        return await asyncio.to_thread(render)
    except NotFound:
        raise Problem(404, f"Nothing is known of the series '{query.unique_id}'.") from None


@router.get(
    "/report",
    response_class=Response,
    responses={**problems(304, 404), 200: {"description": "A page of HTML.", "content": {"text/html": {}}}},
)
async def report(access: Viewer, query: Annotated[Of, Query()], request: Request) -> Response:
    """Evidently's report as a page that loads nothing external and runs only Evidently's own scripts, in a sandboxed
    origin.
    """
    monitored = await access.workspace.monitored()
    if not monitored.has_report:
        raise Problem(404, f"The newest monitoring of workspace '{query.workspace}' has no report.")
    tag = etag(monitored.id, _SERVED)
    if is_known(request, tag):
        return not_modified(tag)
    shown = await access.catalog.tables.get("report", monitored.folder.place, lambda: page.served(monitored.report()))
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Content-Security-Policy": shown.policy}
    return Response(shown.html, headers=headers, media_type="text/html; charset=utf-8")


@router.get("/alerts", responses=problems(304, 404))
async def listed(
    access: Viewer, query: Annotated[AlertsQuery, Query()], request: Request, response: Response
) -> AlertsOut:
    """The alerts of a workspace, newest first."""
    alerts = await service.raised(access.workspace)
    kept = [one for one in alerts if query.keeps(one)]
    answer = AlertsOut(
        items=query.cut(kept),
        total=len(kept),
        limit=query.limit,
        offset=query.offset,
        workspace=query.workspace,
        open=sum(one["acknowledged"] is None for one in alerts),
    )
    revalidate(request, response, hashlib.sha256(encode(answer)).hexdigest()[:16])
    return answer


@router.post("/alerts/{alert_id}/acknowledge", responses=problems(400, 404, 413), max_body_size=MAX_BODY)
async def acknowledge(
    access: Analyst,
    alert_id: Annotated[AlertId, Path()],
    given: AcknowledgeIn,
    query: Annotated[Of, Query()],
    stores: Annotated[Stores, provided(Stores)],
) -> AlertOut:
    """Acknowledges an alert. The first acknowledgement is kept."""
    return await service.acknowledge(access, stores, alert_id, given.note)
