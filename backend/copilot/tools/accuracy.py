"""Accuracy of the forecasts in the backtest."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from backend.copilot.facts import Fact, Facts, Subject, unit_of
from backend.copilot.scope import Scope, series
from pipelines.forecasting.read.accuracy import figures

_SHOWN = 14  # models of the leaderboard


def _covered(coverage: Mapping[Any, float | None], fact: Callable[..., Fact]) -> Iterator[Fact]:
    """The coverage of each level, where it is known."""
    for level, value in coverage.items():
        if value is not None:
            period = f"backtest, {level} % interval"
            yield fact("interval_level", int(level), period=period)
            yield fact("coverage", value, period=period)


async def run(scope: Scope, unique_id: str | None = None) -> Facts:
    """How accurate the forecasts were in the backtest: error, skill against the seasonal naive, coverage of the
    intervals, and the models ranked by their error (the leaderboard).

    Without `unique_id`: of the whole workspace.
    """
    run = await scope.run()
    metric, summary = run.settings.metric, run.figures
    source = f"runs/{run.id}/metrics.parquet"
    if unique_id is None:
        subject: tuple[Subject, ...] = ()
        errors = {model: values.get(metric) for model, values in summary.leaderboard.items()}
        chosen, error, skill = None, summary.champion, summary.skill
        baseline, coverage, wape = summary.baseline, summary.coverage, None
    else:
        name = await scope.which(unique_id)
        subject, table = series(name), await scope.series()
        row = table.row(table.place(name))
        chosen, error, skill, metric = row["model"], row["error"], row["skill"], row["metric"] or metric
        own = await asyncio.to_thread(figures, run.folder, name)
        errors = {model: values.get(metric) for model, values in own.items()}
        baseline = errors.get("seasonal_naive")
        judged = own.get(chosen or "", {})
        coverage = {str(level): judged.get(f"coverage_{level}") for level in run.settings.levels}
        wape = judged.get("wape")
        if error is None:
            return Facts([], "The backtest of the production run has nothing on this series.")

    def fact(concept: str, value: Any, *of: Subject, period: str = "backtest", unit: str = "") -> Fact:
        return Fact(concept, value, unit, (*subject, *of), period, source)

    ranked = sorted(((value, model) for model, value in errors.items() if value is not None), key=lambda one: one[0])
    facts = [
        Fact("metric", metric.upper(), "", (Subject("metric", metric.upper()),), "", source),
        fact("error", error, unit=unit_of(metric)),
        fact("baseline_error", baseline, unit=unit_of(metric)),
        fact("skill", skill),
        fact("champion", chosen),
        fact("windows", summary.windows, period=""),
        fact("n_models", len(ranked), period=""),
        fact("wape", wape),
    ]
    for place, (value, model) in enumerate(ranked[:_SHOWN], 1):
        facts += [
            fact("error", value, Subject("model", model), unit=unit_of(metric)),
            fact("rank", place, Subject("model", model), period="lowest error"),
        ]
    facts += _covered(coverage, fact)
    return Facts(facts, f"Errors are {metric.upper()}: smaller is better.")
