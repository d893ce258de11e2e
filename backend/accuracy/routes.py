"""How right the forecasts of a run's backtest were."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from backend.accuracy.schemas import MetricsIn, MetricsOut, MetricsQuery
from backend.core.access import Access, Viewer
from backend.core.cache import fingerprint
from backend.core.catalog import Run
from backend.core.rate import MAX_BODY
from backend.core.responses import encode, etag, is_known, json_response, not_modified, problems
from pipelines.forecasting.promotion.horizons import by_horizon
from pipelines.forecasting.read.accuracy import Means, means

router = APIRouter(tags=["metrics"])


@router.get("/metrics/historical", response_model=MetricsOut, responses=problems(304, 404))
async def metrics(access: Viewer, query: Annotated[MetricsQuery, Query()], request: Request) -> Response:
    """The backtest metrics of a run by series, model, horizon or cutoff: means over everything else."""
    run = await _run(access, query.run_id)
    tag = etag(run.id)
    if is_known(request, tag):
        return not_modified(tag)
    ids = None if query.unique_id is None else (query.unique_id,)
    wanted = MetricsIn(**query.model_dump(exclude={"unique_id"}))
    return json_response(encode(await _page(access, run, wanted, ids)), tag)


@router.post(
    "/metrics/historical", response_model=MetricsOut, responses=problems(400, 404, 413), max_body_size=MAX_BODY
)
async def metrics_of_series(access: Viewer, wanted: MetricsIn) -> Response:
    """The same for several series at once."""
    run = await _run(access, wanted.run_id)
    ids = None if wanted.unique_ids is None else tuple(sorted(wanted.unique_ids))
    return json_response(encode(await _page(access, run, wanted, ids)))


async def _run(access: Access, run_id: str | None) -> Run:
    return await (access.workspace.aliased() if run_id is None else access.workspace.run(run_id))


async def _page(access: Access, run: Run, wanted: MetricsIn, ids: tuple[str, ...] | None) -> dict[str, Any]:
    metric, by, model = wanted.metric or run.settings.metric, wanted.by, wanted.model

    def load() -> Means:
        if by == "horizon":
            return by_horizon(run.folder, metric, model, ids)
        return means(run.folder, by, metric, run.clock, model, ids)

    found = await access.catalog.tables.get("metrics", fingerprint(run.folder.place, metric, by, model, ids), load)
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
