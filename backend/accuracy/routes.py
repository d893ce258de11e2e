"""Backtest accuracy of a run."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from backend.accuracy.schemas import MetricsIn, MetricsOut, MetricsQuery
from backend.core.access import Access, Viewer
from backend.core.cache import fingerprint
from backend.core.catalog import Run
from backend.core.rate import MAX_BODY
from backend.core.responses import problems, revalidate
from pipelines.forecasting.promotion.horizons import by_horizon
from pipelines.forecasting.read.accuracy import Means, means

router = APIRouter(tags=["metrics"])


@router.get("/metrics/historical", responses=problems(304, 404))
async def metrics(
    access: Viewer, query: Annotated[MetricsQuery, Query()], request: Request, response: Response
) -> MetricsOut:
    """The backtest metrics of a run by series, model, horizon or cutoff, averaged over all other dimensions."""
    run = await _run(access, query.run_id)
    revalidate(request, response, run.id)
    ids = None if query.unique_id is None else (query.unique_id,)
    wanted = MetricsIn(**query.model_dump(exclude={"unique_id"}))
    return await _page(access, run, wanted, ids)


@router.post("/metrics/historical", responses=problems(400, 404, 413), max_body_size=MAX_BODY)
async def metrics_of_series(access: Viewer, wanted: MetricsIn, response: Response) -> MetricsOut:
    """The backtest metrics of several series at once."""
    run = await _run(access, wanted.run_id)
    ids = None if wanted.unique_ids is None else tuple(sorted(wanted.unique_ids))
    response.headers["Cache-Control"] = "no-store"
    return await _page(access, run, wanted, ids)


async def _run(access: Access, run_id: str | None) -> Run:
    return await (access.workspace.aliased() if run_id is None else access.workspace.run(run_id))


async def _page(access: Access, run: Run, wanted: MetricsIn, ids: tuple[str, ...] | None) -> MetricsOut:
    metric, by, model = wanted.metric or run.settings.metric, wanted.by, wanted.model

    def load() -> Means:
        if by == "horizon":
            return by_horizon(run.folder, metric, model, ids)
        return means(run.folder, by, metric, run.clock, model, ids)

    groups = await access.catalog.tables.get("metrics", fingerprint(run.folder.place, metric, by, model, ids), load)
    return MetricsOut(
        items=groups.page(wanted.offset, wanted.limit),
        total=len(groups.rows),
        limit=wanted.limit,
        offset=wanted.offset,
        workspace=wanted.workspace,
        run_id=run.id,
        metric=metric,
        by=by,
    )
