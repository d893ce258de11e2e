"""What the published forecast of a series, or of all together, comes to."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from backend.copilot.facts import Fact, Facts, Subject, Value
from backend.copilot.groups import select
from backend.copilot.scope import Scope, series
from pipelines.forecasting.read.forecasts import Forecasts, Point
from pipelines.forecasting.read.portfolio import Portfolio
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


def _of_one(forecasts: Forecasts, name: str, row: dict[str, Any], unit: str) -> list[_Said]:
    """What is said of one series; `row`: how the portfolio has it."""
    points = forecasts.points(name)
    high, low = (pick(points, key=lambda point: point["y_hat"]) for pick in (max, min))
    period = f"{points[0]['ds']}/{points[-1]['ds']}"
    reasons = {reason["kind"]: reason["value"] for reason in row["reasons"]}
    return [
        ("forecast_total", row["forecast"], unit, period),
        ("forecast_mean", sum(point["y_hat"] for point in points) / len(points), unit, period),
        ("forecast_period", period, "", period),
        ("forecast_steps", len(points), "steps", period),
        ("champion", forecasts.model(name), "", period),
        ("peak_value", high["y_hat"], unit, high["ds"]),
        ("peak_date", high["ds"], "", period),
        ("trough_value", low["y_hat"], unit, low["ds"]),
        ("trough_date", low["ds"], "", period),
        ("last_period_total", row["last_period"], unit, ""),
        ("last_year_total", row["last_year"], unit, ""),
        ("change_on_last_period", _change(row["forecast"], row["last_period"]), "", period),
        ("change_on_last_year", _change(row["forecast"], row["last_year"]), "", period),
        ("change_on_previous", reasons.get("since_previous"), "", period),
        ("share_of_total", reasons.get("share"), "", period),
        *(_interval(points, high, forecasts.levels[0], unit, period) if forecasts.levels else ()),
    ]


def _interval(points: Sequence[Point], high: Point, level: int, unit: str, period: str) -> Iterator[_Said]:
    """The interval of the highest step, and the mean width of all over the mean forecast, as far as they are finite."""
    lo, hi = f"lo_{level}", f"hi_{level}"
    if np.isfinite([high[lo] or np.nan, high[hi] or np.nan]).all():
        yield "interval_level", level, "", period
        yield "interval", (high[lo], high[hi]), unit, high["ds"]
    lows, highs = (np.array([point[bound] for point in points], dtype=float) for bound in (lo, hi))
    middle = float(np.mean([abs(point["y_hat"]) for point in points]))
    if middle and np.isfinite(lows).all() and np.isfinite(highs).all():
        yield "interval_width", float(np.mean(highs - lows)) / middle, "", f"{period} at {level} %"


def _of_many(
    portfolio: Portfolio, rows: Positions, group: tuple[Subject, ...], unit: str, source: str, as_of: str
) -> Facts:
    """The facts of several series together."""
    summary = portfolio.summary(rows)
    ahead = [one for one in portfolio.totals(rows) if one["y_hat"] is not None]
    if not ahead:
        return Facts([], "Nothing is forecast.")
    high, low = (pick(ahead, key=lambda one: one["y_hat"]) for pick in (max, min))
    period = f"{ahead[0]['ds']}/{ahead[-1]['ds']}"
    values: list[_Said] = [
        ("n_series", summary["n_series"], "series", ""),
        ("n_forecast", summary["n_forecast"], "series", ""),
        ("forecast_total", summary["forecast"], unit, period),
        ("forecast_mean", sum(one["y_hat"] for one in ahead) / len(ahead), unit, period),
        ("forecast_period", period, "", period),
        ("forecast_steps", len(ahead), "steps", period),
        ("as_of", as_of, "", ""),
        ("peak_value", high["y_hat"], unit, high["ds"]),
        ("peak_date", high["ds"], "", period),
        ("trough_value", low["y_hat"], unit, low["ds"]),
        ("trough_date", low["ds"], "", period),
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
