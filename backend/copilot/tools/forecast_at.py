"""What is forecast for a date, or for a range of dates."""

import asyncio
from typing import Annotated, Any

from pydantic import Field

from backend.copilot.facts import Fact, Facts, Subject
from backend.copilot.groups import select
from backend.copilot.scope import Scope, series
from backend.copilot.times import Stamp, Stretch


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
    if unique_id is not None:
        name = await scope.which(unique_id)
        if name not in published.forecasts:
            return Facts([], "The series is not forecast: its values ended, or it is newer than the forecasts.")
        of, points = series(name), published.forecasts.points(name)
    else:
        portfolio = await scope.data.portfolio()
        rows, of = await asyncio.to_thread(select, portfolio.table, filters)
        points = [one for one in portfolio.totals(rows) if one["y_hat"] is not None]
    if not points:
        return Facts([], "Nothing is forecast.")
    reach = Fact("forecast_end", points[-1]["ds"], "", of, "", source)
    if not (found := asked.select(points)):
        return Facts(
            [reach], "The forecast does not reach there: it begins after the newest actual and ends as the fact says."
        )
    beyond = asked.reaches_beyond(points[-1]["ds"], published.run.clock.longest_step)
    levels = [] if unique_id is None else published.forecasts.levels
    facts = _single(found[0], of, unit, source, levels) if len(found) == 1 else _range(found, of, unit, source, summed)
    return Facts([*facts, *([reach] if beyond else [])], "The forecast ends before the range does." if beyond else "")


def _single(point: dict[str, Any], of: tuple[Subject, ...], unit: str, source: str, levels: list[int]) -> list[Fact]:
    ds = point["ds"]
    facts = [
        Fact("forecast_value", point["y_hat"], unit, of, ds, source),
        Fact("forecast_date", ds, "", of, ds, source),
    ]
    for level in levels:
        low, high = point[f"lo_{level}"], point[f"hi_{level}"]
        if low is not None and high is not None:
            period = f"{ds} at {level} %"
            facts += [
                Fact("interval_level", level, "", of, period, source),
                Fact("interval", (low, high), unit, of, period, source),
            ]
    return facts


def _range(points: list[dict[str, Any]], of: tuple[Subject, ...], unit: str, source: str, summed: bool) -> list[Fact]:
    period = f"{points[0]['ds']}/{points[-1]['ds']}"
    mean = sum(point["y_hat"] for point in points) / len(points)
    high = max(points, key=lambda point: point["y_hat"])
    low = min(points, key=lambda point: point["y_hat"])
    return [
        Fact("forecast_total", mean * len(points) if summed else mean, unit, of, period, source),
        *([Fact("forecast_mean", mean, unit, of, period, source)] if summed else []),
        Fact("forecast_period", period, "", of, period, source),
        Fact("peak_value", high["y_hat"], unit, of, high["ds"], source),
        Fact("peak_date", high["ds"], "", of, period, source),
        Fact("trough_value", low["y_hat"], unit, of, low["ds"], source),
        Fact("trough_date", low["ds"], "", of, period, source),
    ]
