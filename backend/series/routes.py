"""Series of a workspace: list, history and backtest."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from backend.core.access import Viewer
from backend.core.errors import Problem
from backend.core.queries import SeriesId, filters_of
from backend.core.rate import MAX_YEARS
from backend.core.responses import encoded, etag, problems, revalidate
from backend.series.schemas import BacktestOut, BacktestQuery, HistoryOut, HistoryQuery, SeriesPage, SeriesQuery
from pipelines.core.names import printable
from pipelines.forecasting.read.backtests import backtest as windows_of
from pipelines.forecasting.read.history import history as rows_of

router = APIRouter(tags=["series"])


@router.get("/series", responses=problems(304, 404))
async def series(
    access: Viewer, query: Annotated[SeriesQuery, Query()], request: Request, response: Response
) -> SeriesPage:
    """The series with their attributes, champion and skill; any static attribute is a filter (`&store=Bath`)."""
    table, dataset = await access.workspace.series(), await access.workspace.dataset()
    production = (await access.workspace.pointers()).production
    run_id = production.run_id if production else None
    revalidate(request, response, table.version)

    def render() -> SeriesPage:
        page = table.find(query.search, filters_of(query), query.sort, query.offset, query.limit)
        return SeriesPage(
            items=page.rows,
            total=page.total,
            limit=query.limit,
            offset=query.offset,
            workspace=query.workspace,
            data_version=dataset.version,
            run_id=run_id,
            filters=table.filters,
        )

    return await asyncio.to_thread(render)


@router.get("/series/{unique_id:path}/history", response_model=HistoryOut, responses=problems(304, 404))
async def history(
    access: Viewer,
    unique_id: Annotated[SeriesId, Path()],
    query: Annotated[HistoryQuery, Query()],
    request: Request,
) -> Response:
    """The actuals of a series with its covariates, at most ten years; without a start, the latest."""
    dataset = await access.workspace.dataset()
    table, clock = await access.workspace.series(), await access.workspace.clock(dataset)
    if unique_id not in table:
        raise Problem(404, f"Workspace '{query.workspace}' has no series '{printable(unique_id)}'.")
    start, end = (None if given is None else clock.read(given) for given in (query.start, query.end))
    first = _first(start, end, table.end)
    run = await access.workspace.aliased() if (await access.workspace.pointers()).production else None
    covariates = run.settings.covariates.varying if run else []

    def render() -> HistoryOut:
        return {
            "workspace": query.workspace,
            "data_version": dataset.version,
            "unique_id": unique_id,
            "unit": run.settings.target.unit if run else "",
            "points": rows_of(dataset, unique_id, covariates, clock, first, end),
        }

    # Encoded in a thread: ten years of hours are 87,600 points, and serialising them takes 0.1 s.
    return await encoded(request, etag(dataset.version, run.id if run else None), render)


@router.get("/series/{unique_id:path}/backtest", response_model=BacktestOut, responses=problems(304, 404))
async def backtest(
    access: Viewer,
    unique_id: Annotated[SeriesId, Path()],
    query: Annotated[BacktestQuery, Query()],
    request: Request,
) -> Response:
    """The backtest forecasts of a run's models for one series, by window, with intervals and errors."""
    run_id = query.run_id
    run = await (access.workspace.aliased() if run_id is None else access.workspace.run(run_id))

    def render() -> BacktestOut:
        points = windows_of(run.folder, unique_id, run.clock, query.model)
        if not points:
            raise Problem(404, f"Run {run.id} has not tested a series '{printable(unique_id)}'.")
        return {
            "workspace": query.workspace,
            "run_id": run.id,
            "unique_id": unique_id,
            "unit": run.settings.target.unit,
            "points": points,
        }

    # Encoded in a thread: windows × steps × models are tens of thousands of points, as for the history.
    return await encoded(request, etag(run.id), render)


def _first(start: datetime | None, end: datetime | None, newest: datetime | None) -> datetime | None:
    """The start of the range to return; Problem 422 if the range is reversed or too long."""
    last = end or newest
    if last is None:
        return start
    longest = timedelta(days=366 * MAX_YEARS)
    if start is None:
        return last - longest if last - datetime.min > longest else None
    if end is not None and end < start:
        raise Problem(
            422, "The range ends before it begins.", errors=[{"field": "query.end", "message": "lies before start"}]
        )
    if last - start > longest:
        message = f"lies more than {MAX_YEARS} years before the end"
        raise Problem(422, "The range is too long.", errors=[{"field": "query.start", "message": message}])
    return start
