"""How right the forecasts of a run's backtest were."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from backend.accuracy.schemas import MetricsIn, MetricsOut, MetricsQuery
from backend.core.cache import fingerprint
from backend.core.rate import MAX_BODY
from backend.core.responses import ServiceDep, encode, etag, is_known, json_response, not_modified, note, problems
from backend.core.service import Run, Service
from pipelines.forecasting.promotion.horizons import by_horizon
from pipelines.forecasting.read.accuracy import Means, means

router = APIRouter(tags=["metrics"])


@router.get("/metrics/historical", response_model=MetricsOut, responses=problems(304, 404))
async def metrics(query: Annotated[MetricsQuery, Query()], request: Request, service: ServiceDep) -> Response:
    """The backtest metrics of a run by series, model, horizon or cutoff: means over everything else."""
    run = await _run(service, query.workspace, query.run_id)
    note(request, query.workspace)
    tag = etag(run.id)
    if is_known(request, tag):
        return not_modified(tag)
    ids = None if query.unique_id is None else (query.unique_id,)
    wanted = MetricsIn(**query.model_dump(exclude={"unique_id"}))
    return json_response(encode(await _page(service, run, wanted, ids)), tag)


@router.post(
    "/metrics/historical", response_model=MetricsOut, responses=problems(400, 404, 413), max_body_size=MAX_BODY
)
async def metrics_of_series(wanted: MetricsIn, request: Request, service: ServiceDep) -> Response:
    """The same for several series at once."""
    run = await _run(service, wanted.workspace, wanted.run_id)
    note(request, wanted.workspace)
    ids = None if wanted.unique_ids is None else tuple(sorted(wanted.unique_ids))
    return json_response(encode(await _page(service, run, wanted, ids)))


async def _run(service: Service, workspace: str, run_id: str | None) -> Run:
    return await (service.aliased(workspace) if run_id is None else service.run(workspace, run_id))


async def _page(service: Service, run: Run, wanted: MetricsIn, ids: tuple[str, ...] | None) -> dict[str, Any]:
    metric, by, model = wanted.metric or run.config["metric"], wanted.by, wanted.model

    def load() -> Means:
        if by == "horizon":
            return by_horizon(run.folder, metric, model, ids)
        return means(run.folder, by, metric, run.clock, model, ids)

    found = await service.tables.get("metrics", fingerprint(run.folder.parts, metric, by, model, ids), load)
    return {
        "workspace": wanted.workspace,
        "run_id": run.id,
        "metric": metric,
        "by": by,
        "total": len(found.rows),
        "limit": wanted.limit,
        "offset": wanted.offset,
        "rows": found.page(wanted.offset, wanted.limit),
    }
