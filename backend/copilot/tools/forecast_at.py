"""Forecast for a date or a range of dates."""

import asyncio
from typing import Annotated

from pydantic import Field

from backend.copilot.facts import Fact, Facts, Subject
from backend.copilot.groups import select
from backend.copilot.scope import Scope, series
from backend.copilot.times import Stamp, Step, Stretch
from pipelines.forecasting.read.forecasts import Point, bounds


async def run(
    scope: Scope,
    start: Stamp,
    end: Stamp | None = None,
    unique_id: str | None = None,
    filters: Annotated[dict[str, str] | None, Field(description="Attributes with their values.")] = None,
) -> Facts:
    """How much is forecast for a date or a range of dates (both included): the value of a single step with its interval, or
    the total with the highest and the lowest step.

    Of one series, of those with some attributes, or of the whole workspace. Says how far the forecast reaches if that is
    not far enough.
    """
    asked = Stretch.of(start, end)
    published, unit = await scope.published(), await scope.unit()
    source, summed = f"forecasts/{published.id}/forecasts.parquet", published.run.settings.target.sums_over_time
    of: tuple[Subject, ...]
    points: list[Point] = []
    if unique_id is not None:
        name = await scope.which(unique_id)
        if name not in published.forecasts:
            return Facts([], "The series is not forecast: its values ended, or it is newer than the forecasts.")
        of, points = series(name), published.forecasts.points(name)
        steps = [Step(point["ds"], point["y_hat"]) for point in points if point["y_hat"] is not None]
    else:
        portfolio = await scope.data.portfolio()
        rows, of = await asyncio.to_thread(select, portfolio.table, filters)
        totals = await asyncio.to_thread(portfolio.totals, rows)
        steps = [Step(total["ds"], total["y_hat"]) for total in totals if total["y_hat"] is not None]
    if not steps:
        return Facts([], "Nothing is forecast.")
    reach = Fact("forecast_end", steps[-1].ds, "", of, "", source)
    if not (selection := asked.select(steps)):
        return Facts(
            [reach], "The forecast does not reach there: it begins after the newest actual and ends as the fact says."
        )
    if len(selection) == 1:
        point = next((one for one in points if one["ds"] == selection[0].ds), None)  # a total has no interval
        facts = _single(selection[0], point, published.forecasts.levels, of, unit, source)
    else:
        facts = _range(selection, of, unit, source, summed)
    beyond = asked.reaches_beyond(steps[-1].ds, published.run.clock.longest_step)
    return Facts([*facts, *([reach] if beyond else [])], "The forecast ends before the range does." if beyond else "")


def _single(
    step: Step, point: Point | None, levels: list[int], of: tuple[Subject, ...], unit: str, source: str
) -> list[Fact]:
    """The value with its intervals, if any."""
    facts = [
        Fact("forecast_value", step.value, unit, of, step.ds, source),
        Fact("forecast_date", step.ds, "", of, step.ds, source),
    ]
    for level in levels:
        low, high = bounds(point, level) if point else (None, None)
        if low is not None and high is not None:
            period = f"{step.ds} at {level} %"
            facts += [
                Fact("interval_level", level, "", of, period, source),
                Fact("interval", (low, high), unit, of, period, source),
            ]
    return facts


def _range(steps: list[Step], of: tuple[Subject, ...], unit: str, source: str, summed: bool) -> list[Fact]:
    period = f"{steps[0].ds}/{steps[-1].ds}"
    mean = sum(step.value for step in steps) / len(steps)
    high = max(steps, key=lambda step: step.value)
    low = min(steps, key=lambda step: step.value)
    return [
        Fact("forecast_total", mean * len(steps) if summed else mean, unit, of, period, source),
        *([Fact("forecast_mean", mean, unit, of, period, source)] if summed else []),
        Fact("forecast_period", period, "", of, period, source),
        Fact("peak_value", high.value, unit, of, high.ds, source),
        Fact("peak_date", high.ds, "", of, period, source),
        Fact("trough_value", low.value, unit, of, low.ds, source),
        Fact("trough_date", low.ds, "", of, period, source),
    ]
