"""The portfolio: totals over the series of a workspace, and the series that need attention."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from backend.core.access import Viewer
from backend.core.cache import fingerprint
from backend.core.queries import filters_of
from backend.core.responses import (
    encode,
    etag,
    is_known,
    json_response,
    not_modified,
    problems,
    revalidate,
)
from backend.portfolio.schemas import (
    DistributionOut,
    DistributionQuery,
    PortfolioOut,
    SegmentsOut,
    SegmentsQuery,
    TriageQuery,
)

router = APIRouter(prefix="/portfolio", tags=["portfolio"])


@router.get("", response_model=PortfolioOut, responses=problems(304, 404))
async def portfolio(access: Viewer, query: Annotated[TriageQuery, Query()], request: Request) -> Response:
    """Totals compared with last period and last year, and the series that need attention, most urgent first.

    Any static attribute is a filter, as for `/series`. The score of a series is the product of its percentiles, among
    all series, of its share of the total, its error and the distance of its forecast from past values; a series with a
    monitoring alert is scored by its share alone, one with a warning half way between. `attention` gives the reasons
    why a series needs attention, and is empty if nothing is unusual.
    """
    published, portfolio = await access.workspace.published(), await access.workspace.portfolio()

    def render() -> PortfolioOut:
        rows = portfolio.table.select(query.search, filters_of(query))
        needing = portfolio.needing(rows)
        listed = portfolio.triage(needing if query.needs_attention else rows)
        settings = published.run.settings
        return PortfolioOut(
            items=[portfolio.row(int(row)) for row in listed[query.offset : query.offset + query.limit]],
            total=len(listed),
            limit=query.limit,
            offset=query.offset,
            workspace=query.workspace,
            run_id=published.run.id,
            forecast_id=published.id,
            as_of=published.info.as_of,
            unit=settings.target.unit,
            aggregate=settings.target.aggregate,
            horizon=settings.horizon,
            metric=settings.metric,
            filters=portfolio.choices,
            summary=portfolio.summary(rows),
            totals=portfolio.totals(rows),
            n_attention=len(needing),
        )

    tag = etag(published.id, portfolio.table.version)
    if is_known(request, tag):
        return not_modified(tag)
    # Cached bytes: for 30,490 series the figures take 65 ms of a core, and stay the same until something is published.
    key = fingerprint(tag, query.model_dump_json())  # a short key for arbitrary parameters
    return json_response(await access.catalog.answers.get("answer", key, lambda: encode(render())), tag)


@router.get("/segments", responses=problems(304, 404))
async def segments(
    access: Viewer, query: Annotated[SegmentsQuery, Query()], request: Request, response: Response
) -> SegmentsOut:
    """The figures of each group of series by a static attribute, the demand class, the model or the status."""
    published, portfolio = await access.workspace.published(), await access.workspace.portfolio()
    revalidate(request, response, published.id, portfolio.table.version)

    def render() -> SegmentsOut:
        rows = portfolio.segments(query.by)
        return SegmentsOut(
            items=query.cut(rows),
            total=len(rows),
            limit=query.limit,
            offset=query.offset,
            workspace=query.workspace,
            unit=published.run.settings.target.unit,
            metric=published.run.settings.metric,
            by=query.by,
        )

    return await asyncio.to_thread(render)


@router.get("/distribution", responses=problems(304, 404))
async def distribution(
    access: Viewer, query: Annotated[DistributionQuery, Query()], request: Request, response: Response
) -> DistributionOut:
    """The distribution of error, skill or last value over the series; any static attribute is a filter."""
    table = await access.workspace.series()
    revalidate(request, response, table.version)

    def render() -> DistributionOut:
        rows = table.select(query.search, filters_of(query))
        histogram = table.distribution(query.of, rows, query.bins)
        return DistributionOut(workspace=query.workspace, of=query.of, **histogram)

    return await asyncio.to_thread(render)
