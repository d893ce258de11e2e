"""Comparison of series or groups."""

import asyncio
from typing import Literal

import numpy as np

from backend.copilot.facts import Fact, Facts, Subject, unit_of
from backend.copilot.groups import select
from backend.copilot.scope import CannotTell, Scope, series
from pipelines.core.errors import UnknownName
from pipelines.forecasting.read.portfolio import MOST, Portfolio
from pipelines.forecasting.read.portfolio_rows import Segment, Summary

MOST_GROUPS = 6  # limited by the number of facts per result

Measure = Literal["forecast", "change_on_last_period", "change_on_last_year", "error", "skill"]
_Key = Literal["forecast", "change", "change_on_year", "error", "skill"]
_KEYS: dict[Measure, _Key] = {  # names of the measures in the portfolio
    "forecast": "forecast",
    "change_on_last_period": "change",
    "change_on_last_year": "change_on_year",
    "error": "error",
    "skill": "skill",
}


async def run(
    scope: Scope,
    unique_ids: list[str] | None = None,
    by: str | None = None,
    values: list[str] | None = None,
    measure: Measure = "forecast",
    order: Literal["highest", "lowest"] = "highest",
    filters: dict[str, str] | None = None,
) -> Facts:
    """Compare series by their names, or groups by an attribute (`by`: store, category, …; of it only `values`, or those that
    come first by a measure; within `filters`, attributes with their values): total of the forecast, change on the last period and on last year, error and skill in the
    backtest; groups with their place by the measure.
    """
    published, portfolio, unit = (
        await scope.published(),
        await scope.data.portfolio(),
        await scope.unit(),
    )
    source, metric = f"forecasts/{published.id}/forecasts.parquet", published.run.settings.metric
    if by is not None:
        groups = await asyncio.to_thread(_groups, portfolio, by, values, filters, _KEYS[measure])
        groups = groups if order == "highest" else groups[::-1]
        ranking = []
        for place, one in enumerate(groups[:MOST_GROUPS], 1):
            of = (Subject("group", one["group"]),)
            ranking += [
                Fact("rank", place, "", of, f"{order} {measure}", source),
                *_facts(of, one, unit, source, by, metric),
            ]
        return Facts(ranking, f"The groups of {by}, the {order} {measure.replace('_', ' ')} first.")
    if not unique_ids or len(unique_ids) < 2:
        raise CannotTell("Name at least two series, or an attribute to compare groups by.")
    facts: list[Fact] = []
    for name in await scope.which_of(unique_ids):
        row = np.array([portfolio.table.place(name)])
        facts += _facts(series(name), portfolio.summary(row), unit, source, "", metric)
    return Facts(facts)


def _groups(
    portfolio: Portfolio, by: str, values: list[str] | None, filters: dict[str, str] | None, measure: _Key
) -> list[Segment]:
    """The figures of each group that has a value for the measure, the highest first."""
    try:
        rows = portfolio.table.groups(by)
    except UnknownName as error:
        raise CannotTell(str(error)) from None
    if values is not None:
        rows = {value: rows[value] for value in values if value in rows}
    if len(rows) > MOST:
        raise CannotTell(f"The attribute has too many values to compare them all; at most {MOST}. Name some of them.")
    if filters:
        within, _ = select(portfolio.table, filters)
        rows = {value: kept for value, places in rows.items() if len(kept := np.intersect1d(places, within))}
    groups: list[Segment] = [{"group": value, **portfolio.summary(places)} for value, places in rows.items()]
    known = [(value, one) for one in groups if (value := one[measure]) is not None]
    return [one for _, one in sorted(known, key=lambda pair: -pair[0])]


def _facts(of: tuple[Subject, ...], one: Summary, unit: str, source: str, period: str, metric: str) -> list[Fact]:
    values = [
        ("n_series", one["n_series"] if of[0].kind == "group" else None, "series"),
        ("forecast_total", one["forecast"], unit),
        ("last_period_total", one["last_period"], unit),
        ("change_on_last_period", one["change"], ""),
        ("change_on_last_year", one["change_on_year"], ""),
        ("error", one["error"], unit_of(metric)),
        ("skill", one["skill"], ""),
    ]
    return [Fact(concept, value, unit, of, period, source) for concept, value, unit in values]
