"""Actuals on a date or in a range of dates."""

import asyncio
from typing import Annotated

from pydantic import Field

from backend.copilot.facts import Fact, Facts, Subject
from backend.copilot.groups import select
from backend.copilot.scope import CannotTell, Scope, series
from backend.copilot.times import Stamp, Step, Stretch
from backend.core.errors import Problem
from pipelines.forecasting.read.history import history


async def run(
    scope: Scope,
    start: Stamp,
    end: Stamp | None = None,
    unique_id: str | None = None,
    filters: Annotated[dict[str, str] | None, Field(description="Attributes with their values.")] = None,
) -> Facts:
    """What was sold, used or measured on a date or in a range of dates (both included): the value of a single step, or the
    total with the highest and the lowest step.

    Of one series, of those with some attributes, or of the whole workspace.
    """
    asked = Stretch.of(start, end)
    try:
        dataset = await scope.data.dataset()
    except Problem as problem:
        raise CannotTell(str(problem.detail)) from None
    run, table = await scope.run(), await scope.series()
    unit, summed = await scope.unit(), run.settings.target.sums_over_time
    of: tuple[Subject, ...]
    if unique_id is not None:
        name = await scope.which(unique_id)
        first, last = run.clock.read(asked.start), run.clock.read(asked.end)
        of, points = series(name), await asyncio.to_thread(history, dataset, name, [], run.clock, first, last)
    else:
        portfolio = await scope.data.portfolio()
        rows, of = await asyncio.to_thread(select, table, filters)
        points = await asyncio.to_thread(
            portfolio.actuals, rows, run.clock.read(asked.start), run.clock.read(asked.end)
        )
    source = f"data/{dataset.version}/observations.parquet"
    steps = [Step(point["ds"], point["y"]) for point in points if point["y"] is not None]
    newest = Fact("last_date", table.last_ds, "", (), "", source)
    if not steps:
        return Facts([newest], "There are no actuals of then.")
    facts = _single(steps[0], of, unit, source) if len(steps) == 1 else _range(steps, of, unit, source, summed)
    beyond = table.last_ds is not None and asked.reaches_beyond(table.last_ds, run.clock.longest_step)
    return Facts(
        [*facts, *([newest] if beyond else [])], "The range goes on after the newest actual." if beyond else ""
    )


def _single(step: Step, of: tuple[Subject, ...], unit: str, source: str) -> list[Fact]:
    return [
        Fact("actual_value", step.value, unit, of, step.ds, source),
        Fact("actual_date", step.ds, "", of, step.ds, source),
    ]


def _range(steps: list[Step], of: tuple[Subject, ...], unit: str, source: str, summed: bool) -> list[Fact]:
    period = f"{steps[0].ds}/{steps[-1].ds}"
    total = sum(step.value for step in steps)
    mean = total / len(steps)
    high = max(steps, key=lambda step: step.value)
    low = min(steps, key=lambda step: step.value)
    return [
        Fact("actual_total", total if summed else mean, unit, of, period, source),
        *([Fact("actual_mean", mean, unit, of, period, source)] if summed else []),
        Fact("actual_period", period, "", of, period, source),
        Fact("actual_high", high.value, unit, of, high.ds, source),
        Fact("actual_high_date", high.ds, "", of, period, source),
        Fact("actual_low", low.value, unit, of, low.ds, source),
        Fact("actual_low_date", low.ds, "", of, period, source),
    ]
