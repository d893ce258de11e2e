"""Summary of the published forecast of one series, or of several together."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from backend.copilot.facts import Fact, Facts, Subject, Value
from backend.copilot.groups import select
from backend.copilot.scope import Scope, series
from backend.copilot.times import Step
from pipelines.forecasting.read.forecasts import Forecasts, Point, bounds
from pipelines.forecasting.read.portfolio import Portfolio
from pipelines.forecasting.read.portfolio_rows import Urgent
from pipelines.forecasting.read.series import Positions

_Said = tuple[str, Value, str, str]  # a concept, its value, unit and period


async def run(
    scope: Scope,
    unique_id: str | None = None,
    filters: Annotated[dict[str, str] | None, Field(description="Attributes with their values.")] = None,
) -> Facts:
    """How much is forecast over the horizon: total, highest and lowest step, intervals, and the change against the last
    period, the same steps a year before, and the forecast that was published before.

    Without `unique_id`: of the series with some attributes (`filters`), or of the whole workspace.
    """
    published, portfolio, unit = (
        await scope.published(),
        await scope.data.portfolio(),
        await scope.unit(),
    )
    source = f"forecasts/{published.id}/forecasts.parquet"
    if unique_id is None:
        rows, group = await asyncio.to_thread(select, portfolio.table, filters)
        as_of = published.info.as_of
        return await asyncio.to_thread(_of_many, portfolio, rows, group, unit, source, as_of)
    name = await scope.which(unique_id)
    if name not in published.forecasts:
        return Facts([], "The series is not forecast: its values ended, or it is newer than the forecasts.")
    values = _of_one(published.forecasts, name, portfolio.row(portfolio.table.place(name)), unit)
    return Facts(_facts(values, series(name), source), "Intervals are of the highest step.")


def _of_one(forecasts: Forecasts, name: str, row: Urgent, unit: str) -> list[_Said]:
    """The values to report for one series; `row`: the series in the portfolio."""
    points = forecasts.points(name)
    steps = [Step(point["ds"], point["y_hat"]) for point in points if point["y_hat"] is not None]
    if not steps:
        return []
    high, low = (pick(steps, key=lambda step: step.value) for pick in (max, min))
    mean = sum(step.value for step in steps) / len(steps)
    period = f"{points[0]['ds']}/{points[-1]['ds']}"
    reasons = {reason["kind"]: reason["value"] for reason in row["reasons"]}
    return [
        ("forecast_total", row["forecast"], unit, period),
        ("forecast_mean", mean, unit, period),
        ("forecast_period", period, "", period),
        ("forecast_steps", len(points), "steps", period),
        ("champion", forecasts.model(name), "", period),
        ("peak_value", high.value, unit, high.ds),
        ("peak_date", high.ds, "", period),
        ("trough_value", low.value, unit, low.ds),
        ("trough_date", low.ds, "", period),
        ("last_period_total", row["last_period"], unit, ""),
        ("last_year_total", row["last_year"], unit, ""),
        ("change_on_last_period", _change(row["forecast"], row["last_period"]), "", period),
        ("change_on_last_year", _change(row["forecast"], row["last_year"]), "", period),
        ("change_on_previous", reasons.get("since_previous"), "", period),
        ("share_of_total", reasons.get("share"), "", period),
        *(_interval(points, high.ds, forecasts.levels[0], unit, period) if forecasts.levels else ()),
    ]


def _interval(points: Sequence[Point], highest: str, level: int, unit: str, period: str) -> Iterator[_Said]:
    """The interval of the `highest` step, and the mean interval width relative to the mean forecast, if known."""
    intervals = {point["ds"]: bounds(point, level) for point in points}
    low, high = intervals[highest]
    if low is not None and high is not None:
        yield "interval_level", level, "", period
        yield "interval", (low, high), unit, highest
    middle = sum(abs(point["y_hat"] or 0.0) for point in points) / len(points)
    widths = [upper - lower for lower, upper in intervals.values() if lower is not None and upper is not None]
    if middle and len(widths) == len(points):
        yield "interval_width", sum(widths) / len(widths) / middle, "", f"{period} at {level} %"


def _of_many(
    portfolio: Portfolio, rows: Positions, group: tuple[Subject, ...], unit: str, source: str, as_of: str
) -> Facts:
    """The facts of several series together."""
    summary = portfolio.summary(rows)
    ahead = [Step(one["ds"], one["y_hat"]) for one in portfolio.totals(rows) if one["y_hat"] is not None]
    if not ahead:
        return Facts([], "Nothing is forecast.")
    high, low = (pick(ahead, key=lambda step: step.value) for pick in (max, min))
    period = f"{ahead[0].ds}/{ahead[-1].ds}"
    values: list[_Said] = [
        ("n_series", summary["n_series"], "series", ""),
        ("n_forecast", summary["n_forecast"], "series", ""),
        ("forecast_total", summary["forecast"], unit, period),
        ("forecast_mean", sum(step.value for step in ahead) / len(ahead), unit, period),
        ("forecast_period", period, "", period),
        ("forecast_steps", len(ahead), "steps", period),
        ("as_of", as_of, "", ""),
        ("peak_value", high.value, unit, high.ds),
        ("peak_date", high.ds, "", period),
        ("trough_value", low.value, unit, low.ds),
        ("trough_date", low.ds, "", period),
        ("last_period_total", summary["last_period"], unit, ""),
        ("last_year_total", summary["last_year"], unit, ""),
        ("change_on_last_period", summary["change"], "", period),
        ("change_on_last_year", summary["change_on_year"], "", period),
        ("change_on_previous", summary["change_on_previous"], "", period),
    ]
    return Facts(_facts(values, group, source))


def _facts(values: Sequence[_Said], of: tuple[Subject, ...], source: str) -> list[Fact]:
    return [Fact(concept, value, unit, of, period, source) for concept, value, unit, period in values]


def _change(now: float | None, before: float | None) -> float | None:
    return None if now is None or not before else (now - before) / abs(before)
