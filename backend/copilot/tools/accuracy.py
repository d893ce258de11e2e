"""How right the forecasts were in the backtest."""

import asyncio
from collections.abc import Mapping
from typing import Any

from backend.copilot.facts import Fact, Facts, Subject
from backend.copilot.scope import Scope, series
from backend.service import Run
from pipelines.read.accuracy import means

_SHOWN = 8  # models of the leaderboard


async def run(scope: Scope, unique_id: str | None = None) -> Facts:
    """How accurate the forecasts were in the backtest: error, skill against the seasonal naive, coverage of the
    intervals, and the models ranked by their error (the leaderboard).

    Without `unique_id`: of the whole workspace.
    """
    found = await scope.run()
    metric, summary = str(found.config["metric"]), found.info["summary"]
    source = f"runs/{found.id}/metrics.parquet"
    if unique_id is None:
        subject: tuple[Subject, ...] = ()
        errors = {model: values.get(metric) for model, values in summary["leaderboard"].items()}
        chosen, error, skill = None, summary["champion"], summary["skill"]
        baseline, coverage = summary["baseline"], summary["coverage"]
        wape = None
    else:
        name = await scope.which(unique_id)
        subject, table = series(name), await scope.series()
        row = table.row(table.place(name))
        chosen, error, skill = row["model"], row["error"], row["skill"]
        figures = await asyncio.to_thread(_of_series, found, name, metric)
        errors = {model: values.get(metric) for model, values in figures.items()}
        baseline = errors.get("seasonal_naive")
        coverage = {level: figures.get(chosen, {}).get(f"coverage_{level}") for level in found.config["levels"]}
        wape = figures.get(chosen, {}).get("wape")
        if error is None:
            return Facts([], "The backtest of the production run has nothing on this series.")

    def fact(concept: str, value: Any, *of: Subject, period: str = "backtest") -> Fact:
        return Fact(concept, value, "", (*subject, *of), period, source)

    ranked = sorted(((value, model) for model, value in errors.items() if value is not None), key=lambda one: one[0])
    facts = [
        Fact("metric", metric.upper(), "", (Subject("metric", metric.upper()),), "", source),
        fact("error", error),
        fact("baseline_error", baseline),
        fact("skill", skill),
        fact("champion", chosen),
        fact("windows", summary["windows"], period=""),
        fact("n_models", len(ranked), period=""),
        fact("wape", None if wape is None else wape / 100),
    ]
    for place, (value, model) in enumerate(ranked[:_SHOWN], 1):
        facts += [fact("error", value, Subject("model", model)), fact("rank", place, Subject("model", model))]
    for level, value in _shares(coverage).items():
        period = f"backtest, {level} % interval"
        facts += [fact("interval_level", int(level), period=period), fact("coverage", value, period=period)]
    return Facts(facts, f"Errors are {metric.upper()}: smaller is better.")


def _of_series(run: Run, name: str, metric: str) -> dict[str, dict[str, float | None]]:
    """By model its figures on one series."""
    found: dict[str, dict[str, float | None]] = {}
    for what in (metric, "wape", *(f"coverage_{level}" for level in run.config["levels"])):
        for model, value, _ in means(run.folder, "model", what, run.clock, None, (name,)).rows:
            found.setdefault(model, {})[what] = value
    return found


def _shares(coverage: Mapping[Any, float | None]) -> dict[str, float]:
    """Metrics of single series are in percent, those of a run are shares."""
    return {str(level): value / 100 if value > 1 else value for level, value in coverage.items() if value is not None}
