"""Backtest error by steps ahead and by window."""

import asyncio

from backend.copilot.facts import Fact, Facts
from backend.copilot.scope import Scope, series
from pipelines.forecasting.promotion.horizons import by_horizon
from pipelines.forecasting.read.accuracy import means
from pipelines.tables.schema import BASELINE

_METRIC = "mae"  # in the unit of the target; a scaled error is not defined at a point


async def run(scope: Scope, unique_id: str | None = None) -> Facts:
    """How far off the backtest was by steps ahead (first, middle and last step) and in each of its windows.

    Without `unique_id`: of the whole workspace.
    """
    run, unit = await scope.run(), await scope.unit()
    name = None if unique_id is None else await scope.which(unique_id)
    subject, ids = ((), None) if name is None else (series(name), (name,))
    model = None if name is None else (table := await scope.series()).row(table.place(name))["model"]
    steps = await asyncio.to_thread(by_horizon, run.folder, _METRIC, model, ids)
    windows = await asyncio.to_thread(means, run.folder, "cutoff", _METRIC, run.clock, model, ids)
    champions = run.figures.champions or {BASELINE: 0}
    chosen = model or max(
        champions, key=lambda one: champions[one]
    )  # for all series: the model that is chosen most often
    by_step = {row[1]: row[2] for row in steps.rows if row[0] == chosen}
    if not by_step:
        return Facts([], "The backtest of the production run has nothing on this.")
    source = f"runs/{run.id}/backtest.parquet"
    facts = [Fact("champion", chosen, "", subject, "backtest", source)]
    for step in dict.fromkeys((min(by_step), sorted(by_step)[len(by_step) // 2], max(by_step))):
        period = f"{step} steps ahead"
        facts += [
            Fact("horizon_step", int(step), "steps", subject, period, source),
            Fact("horizon_error", by_step[step], unit, subject, period, source),
        ]
    for cutoff, value in [(row[1], row[2]) for row in windows.rows if row[0] == chosen][-6:]:
        facts += [
            Fact("cutoff_date", cutoff, "", subject, f"window after {cutoff}", source),
            Fact("cutoff_error", value, unit, subject, f"window after {cutoff}", source),
        ]
    return Facts(facts, f"Mean absolute error of {chosen}.")
