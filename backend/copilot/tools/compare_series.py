"""Series, or groups of them, side by side."""

import asyncio
from typing import Any

import numpy as np

from backend.copilot.facts import Fact, Facts, Subject
from backend.copilot.scope import MOST_SERIES, CannotTell, Scope, series
from pipelines.errors import UnknownName


async def run(scope: Scope, unique_ids: list[str] | None = None, by: str | None = None) -> Facts:
    """Compare series by their names, or groups by an attribute (`by`: store, category, model, …): total of the forecast,
    change on the last period and on last year, error and skill in the backtest.
    """
    published, portfolio, unit = (
        await scope.published(),
        await scope.service.portfolio(scope.workspace),
        await scope.unit(),
    )
    source = f"forecasts/{published.id}/forecasts.parquet"
    if by is not None:
        try:
            groups = await asyncio.to_thread(portfolio.segments, by)
        except UnknownName as error:
            raise CannotTell(str(error)) from None
        found = [
            _facts(
                (Subject("group", f"{by} {one['group']}" if by == "model" else one["group"]),), one, unit, source, by
            )
            for one in sorted(groups, key=lambda one: -(one["forecast"] or 0.0))[:MOST_SERIES]
        ]
        return Facts([fact for facts in found for fact in facts], f"The groups of {by}, the largest forecast first.")
    if not unique_ids or len(unique_ids) < 2:
        raise CannotTell("Name at least two series, or an attribute to compare groups by.")
    facts: list[Fact] = []
    for name in await scope.which_of(unique_ids):
        row = np.array([portfolio.table.place(name)])
        facts += _facts(series(name), portfolio.summary(row), unit, source, "")
    return Facts(facts)


def _facts(of: tuple[Subject, ...], one: dict[str, Any], unit: str, source: str, period: str) -> list[Fact]:
    values = [
        ("n_series", one["n_series"] if of[0].kind == "group" else None, "series"),
        ("forecast_total", one["forecast"], unit),
        ("last_period_total", one["last_period"], unit),
        ("change_on_last_period", one["change"], ""),
        ("change_on_last_year", one["change_on_year"], ""),
        ("error", one["error"], ""),
        ("skill", one["skill"], ""),
    ]
    return [Fact(concept, value, unit, of, period, source) for concept, value, unit in values]
