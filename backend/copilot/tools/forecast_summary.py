"""What the published forecast of a series, or of all together, comes to."""

import asyncio
from typing import Annotated

import numpy as np
from pydantic import Field

from backend.copilot.facts import Fact, Facts, Subject
from backend.copilot.groups import select
from backend.copilot.scope import Scope, series
from pipelines.forecasting.read.portfolio import Portfolio
from pipelines.forecasting.read.series import Positions


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
        as_of = str(published.info["as_of"])
        return await asyncio.to_thread(_of_many, portfolio, rows, group, unit, source, as_of)
    name = await scope.which(unique_id)
    if name not in published.forecasts:
        return Facts([], "The series is not forecast: its values ended, or it is newer than the forecasts.")
    of, points = series(name), published.forecasts.points(name)
    row = portfolio.row(portfolio.table.place(name))
    period = f"{points[0]['ds']}/{points[-1]['ds']}"
    high = max(points, key=lambda point: point["y_hat"])
    low = min(points, key=lambda point: point["y_hat"])

    def fact(concept: str, value: object, unit: str = "", period: str = period) -> Fact:
        return Fact(concept, value, unit, of, period, source)  # type: ignore[arg-type]

    facts = [
        fact("forecast_total", row["forecast"], unit),
        fact("forecast_mean", sum(point["y_hat"] for point in points) / len(points), unit),
        fact("forecast_period", period),
        fact("forecast_steps", len(points), "steps"),
        fact("champion", published.forecasts.model(name)),
        fact("peak_value", high["y_hat"], unit, high["ds"]),
        fact("peak_date", high["ds"]),
        fact("trough_value", low["y_hat"], unit, low["ds"]),
        fact("trough_date", low["ds"]),
        fact("last_period_total", row["last_period"], unit, ""),
        fact("last_year_total", row["last_year"], unit, ""),
        fact("change_on_last_period", _change(row["forecast"], row["last_period"])),
        fact("change_on_last_year", _change(row["forecast"], row["last_year"])),
        fact(
            "change_on_previous",
            next((one["value"] for one in row["reasons"] if one["kind"] == "since_previous"), None),
        ),
        fact("share_of_total", next((one["value"] for one in row["reasons"] if one["kind"] == "share"), None)),
    ]
    for level in published.forecasts.levels:
        lows, highs = (np.array([point[f"{side}_{level}"] for point in points], dtype=float) for side in ("lo", "hi"))
        if np.isfinite([high[f"lo_{level}"] or np.nan, high[f"hi_{level}"] or np.nan]).all():
            facts += [
                fact("interval_level", level),
                fact("interval", (high[f"lo_{level}"], high[f"hi_{level}"]), unit, high["ds"]),
            ]
        middle = float(np.mean([abs(point["y_hat"]) for point in points]))
        if middle and np.isfinite(lows).all() and np.isfinite(highs).all():
            facts.append(fact("interval_width", float(np.mean(highs - lows)) / middle, "", f"{period} at {level} %"))
        break  # the narrowest says enough
    return Facts(facts, "Intervals are of the highest step.")


def _of_many(
    portfolio: Portfolio, rows: Positions, group: tuple[Subject, ...], unit: str, source: str, as_of: str
) -> Facts:
    summary = portfolio.summary(rows)
    ahead = [one for one in portfolio.totals(rows) if one["y_hat"] is not None]
    if not ahead:
        return Facts([], "Nothing is forecast.")
    high, low = (pick(ahead, key=lambda one: one["y_hat"]) for pick in (max, min))
    period = f"{ahead[0]['ds']}/{ahead[-1]['ds']}"
    values: list[tuple[str, object, str, str]] = [
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
    return Facts([Fact(concept, value, unit, group, of, source) for concept, value, unit, of in values])  # type: ignore[arg-type]


def _change(now: float | None, before: float | None) -> float | None:
    return None if now is None or not before else (now - before) / abs(before)
