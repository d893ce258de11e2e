"""Comparison of the production run with another run."""

import asyncio

from backend.copilot.facts import Fact, Facts, Subject, name, unit_of
from backend.copilot.scope import CannotTell, Scope
from backend.core.catalog import Run
from pipelines.forecasting.promotion.compare import compare

_SETTINGS, _SERIES = 8, 3


async def run(scope: Scope, before: str | None = None, after: str | None = None) -> Facts:
    """What changed between two trained runs: settings, errors, and which series got better or worse.

    `before` and `after` are run ids; without them the run before production, and production.
    """
    newer = await scope.run(after)
    older = await scope.run(before) if before else await _parent(scope, newer)
    comparison = await asyncio.to_thread(compare, older.folder, newer.folder)
    source, first, second = f"runs/{newer.id}/run.json", Subject("run", older.id), Subject("run", newer.id)
    facts = [name("run", older.id, source), name("run", newer.id, source)]
    for one in (older, newer):
        of = (Subject("run", one.id),)
        facts += [
            Fact("run_date", trained_on(one), "", of, "", source),
            Fact("mean_error", one.figures.champion, unit_of(one.settings.metric), of, "backtest", source),
            Fact("skill", one.figures.skill, "", of, "backtest", source),
        ]
    both = (first, second)
    if comparison["comparable"]:
        errors = older.figures.champion, newer.figures.champion
        difference = None if errors[0] is None or errors[1] is None else errors[1] - errors[0]
        facts += [
            Fact("run_difference", difference, unit_of(comparison["metric"]), both, "backtest", source),
            Fact("n_better", comparison["n_better"], "series", both, "", source),
            Fact("n_worse", comparison["n_worse"], "series", both, "", source),
        ]
    else:
        facts.append(Fact("incomparable", comparison["reason"], "", both, "", source))
    for change in comparison["config"][:_SETTINGS]:
        facts.append(
            Fact("setting", f"{change['key']}: {change['a']} → {change['b']}", "", both, change["key"], source)
        )
    facts += [name("series", row["unique_id"], source) for row in comparison["worse"][:_SERIES]]
    note = "The series named got worse most." if comparison["comparable"] else "Their errors cannot be compared."
    return Facts(facts, note)


async def _parent(scope: Scope, run: Run) -> Run:
    parent = run.info.parent
    if parent is None:
        earlier = [
            one for one in await asyncio.to_thread(scope.data.catalog.reader.runs, scope.workspace) if one < run.id
        ]
        for parent in reversed(earlier):
            older = await scope.run(parent)
            if older.info.succeeded:
                return older
        raise CannotTell("There is no run before the production run to compare it with.")
    return await scope.run(parent)


def trained_on(run: Run) -> str:
    """The training date of a run, from its ID."""
    return f"{run.id[:4]}-{run.id[4:6]}-{run.id[6:8]}"
