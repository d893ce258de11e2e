"""Components of a series' forecast."""

import asyncio

from backend.copilot.facts import Fact, Facts, Subject
from backend.copilot.scope import Scope, series
from pipelines.forecasting.read import forecasts as sets

_SHOWN = 12


async def run(scope: Scope, unique_id: str) -> Facts:
    """Why the forecast of one series is what it is: the parts that sum to it (level, trend, seasons, holidays, each
    covariate, rest), over the whole horizon, the largest first.
    """
    published, name, unit = await scope.published(), await scope.which(unique_id), await scope.unit()
    points = await asyncio.to_thread(sets.components, published.folder, name, published.run.clock)
    if not points:
        return Facts([], "The forecast of this series came without explanation.")
    summed = published.run.settings.target.sums_over_time
    totals = sets.totals((point["components"] for point in points), summed=summed)
    period, source = f"{points[0]['ds']}/{points[-1]['ds']}", f"forecasts/{published.id}/explanations.parquet"
    whole = sum(totals.values())
    facts = [
        Fact("forecast_total", whole, unit, series(name), period, source),
        Fact("forecast_period", period, "", series(name), period, source),
        Fact("champion", published.forecasts.model(name), "", series(name), period, source),
    ]
    for component in sorted(totals, key=lambda one: -abs(totals[one]))[:_SHOWN]:
        of = (*series(name), Subject("component", component))
        facts.append(Fact("component_total", totals[component], unit, of, period, source))
        if whole:
            facts.append(Fact("component_share", totals[component] / whole, "", of, period, source))
    return Facts(facts, "Parts sum to the total." if summed else "Parts are means over the steps, and sum to the mean.")
