"""Why a forecast differs from the previous one."""

import asyncio

from backend.copilot.facts import Fact, Facts, Subject
from backend.copilot.scope import Scope, series
from pipelines.forecasting.read import forecasts as sets


async def run(scope: Scope, unique_id: str) -> Facts:
    """What changed in the forecast of one series since the forecast that was published before, and because of what:
    new actuals, another model, covariates, …
    """
    published, name, unit = await scope.published(), await scope.which(unique_id), await scope.unit()
    folder, clock = published.folder, published.run.clock
    points = await asyncio.to_thread(sets.bridge, folder, name, clock)
    told = sets.notes(folder).get("bridge", {})
    if not points:
        return Facts([], "There is no forecast before this one to compare with. " + " ".join(told.get("notes", [])))
    summed = published.run.settings.target.sums_over_time
    totals = sets.totals((point["parts"] for point in points), summed=summed)
    period, source = f"{points[0]['ds']}/{points[-1]['ds']}", f"forecasts/{published.id}/bridge.parquet"
    facts = [
        Fact("bridge_sum", sum(totals.values()), unit, series(name), period, source),
        Fact("forecast_period", period, "", series(name), period, source),
    ]
    for part in sorted(totals, key=lambda one: -abs(totals[one])):
        of = (*series(name), Subject("component", part))
        facts.append(Fact("bridge_total", totals[part], unit, of, period, source))
    return Facts(facts, "Over the steps that both forecasts have.")
