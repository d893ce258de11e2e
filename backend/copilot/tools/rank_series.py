"""Rankings of series."""

import asyncio
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from backend.copilot.facts import Fact, Facts, Subject, unit_of
from backend.copilot.scope import MOST_SERIES, CannotTell, Scope
from pipelines.core.errors import UnknownName
from pipelines.forecasting.read.portfolio import Portfolio

By = Literal["attention", "error", "skill", "forecast", "change_on_last_period", "change_on_last_year", "last_value"]


async def run(
    scope: Scope,
    by: Annotated[By, Field(description="attention: impact × error × change, as the Portfolio ranks.")] = "attention",
    order: Literal["highest", "lowest"] = "highest",
    limit: Annotated[int, Field(ge=1, le=MOST_SERIES)] = 5,
    filters: Annotated[dict[str, str] | None, Field(description="Attributes with their values.")] = None,
) -> Facts:
    """Rank series: by the attention they need, their error or skill in the backtest, the size of their forecast, its
    change, or their newest value; the highest or the lowest first. Each comes with its place and figure.
    """
    published, portfolio, unit = (
        await scope.published(),
        await scope.data.portfolio(),
        await scope.unit(),
    )
    try:
        rows = await asyncio.to_thread(portfolio.table.select, "", filters or {})
    except UnknownName as error:
        raise CannotTell(str(error)) from None
    values = _values(portfolio, by)[rows]
    known = np.flatnonzero(np.isfinite(values))
    ranked = known[np.argsort(-values[known] if order == "highest" else values[known], kind="stable")][:limit]
    source, facts = (
        f"forecasts/{published.id}",
        [Fact("n_found", len(known), "series", source=f"forecasts/{published.id}")],
    )
    concept, of_unit = _CONCEPTS[by], unit if by in ("forecast", "last_value") else ""
    for place, row in enumerate(ranked, 1):
        of = (Subject("series", portfolio.table.ids[rows[row]]),)
        facts.append(Fact("rank", place, "", of, f"{order} {by}", source))
        if concept:
            shown = unit_of(portfolio.table.row(int(rows[row]))["metric"]) if by == "error" else of_unit
            facts.append(Fact(concept, float(values[row]), shown, of, "", source))
    return Facts(facts, f"The {order} by {by.replace('_', ' ')}." if len(ranked) else "No series matches.")


_CONCEPTS: dict[str, str | None] = {
    "attention": None,
    "error": "error",
    "skill": "skill",
    "forecast": "forecast_total",
    "change_on_last_period": "change_on_last_period",
    "change_on_last_year": "change_on_last_year",
    "last_value": "last_value",
}


def _values(portfolio: Portfolio, by: By) -> npt.NDArray[np.float64]:
    """The value of each series to rank by; NaN if unknown."""
    match by:
        case "attention":
            return portfolio.score
        case "error" | "skill" | "last_value":
            return portfolio.table.numbers[by]
        case "forecast":
            return portfolio.forecast
        case "change_on_last_period" | "change_on_last_year":
            before = portfolio.last_period if by == "change_on_last_period" else portfolio.last_year
            with np.errstate(divide="ignore", invalid="ignore"):
                change = (portfolio.forecast - before) / np.abs(before)
            return np.where(np.isfinite(change), change, np.nan)
