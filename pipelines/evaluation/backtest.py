"""Rolling-origin backtest: every candidate on the same windows, none with a glimpse beyond the cutoff."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pipelines.errors import ModelError
from pipelines.evaluation import parallel, windows
from pipelines.panel import Panel
from pipelines.progress import Progress
from pipelines.protocols import Forecaster
from pipelines.schema import CUTOFF, DS, KEY, MODEL, UNIQUE_ID, Y_HAT, Y
from pipelines.settings import Backtest

STEP = "step"  # of the test part, from 1
COLUMNS = [UNIQUE_ID, CUTOFF, DS, MODEL, STEP, Y, Y_HAT]

Build = Callable[[], Forecaster]


@dataclass(frozen=True)
class Task:
    """One candidate on one window of one bucket of series."""

    panel: Panel
    model: str
    build: Build
    cutoff: pd.Timestamp
    horizon: int
    settings: Backtest
    size: int | None


def backtest(
    panel: Panel,
    candidates: Mapping[str, Build],
    cutoffs: Sequence[pd.Timestamp],
    horizon: int,
    settings: Backtest,
    *,
    bucket: int,
    n_jobs: int,
    progress: Progress,
) -> tuple[pd.DataFrame, dict[str, int]]:
    """`unique_id, cutoff, ds, model, step, y, y_hat`, sorted; and how often each model fell back to the last value.

    ModelError names the candidate that cannot be fitted at all.
    """
    size = settings.size or (_first_size(panel, cutoffs[0]) if settings.strategy == "sliding" else None)
    parts = {scope: _parts(panel, scope, bucket) for scope in {build().scope for build in candidates.values()}}
    tasks = [
        Task(part, name, build, cutoff, horizon, settings, size)
        for name, build in candidates.items()
        for part in parts[build().scope]
        for cutoff in cutoffs
    ]
    found, fallbacks = [], dict.fromkeys(candidates, 0)
    for task, (rows, n_fallbacks) in zip(
        tasks, parallel.run(forecast, tasks, n_jobs, "backtest", progress), strict=True
    ):
        if len(rows):
            found.append(rows)
        fallbacks[task.model] += n_fallbacks
    table = pd.concat(found)[COLUMNS].sort_values([UNIQUE_ID, CUTOFF, MODEL, DS], ignore_index=True)
    return table, fallbacks


def forecast(task: Task) -> tuple[pd.DataFrame, int]:
    """The test rows of one task with the candidate's forecasts, and the number of its fallbacks."""
    gap = task.settings.gap
    train, test = windows.split(task.panel, task.cutoff, task.horizon, gap, task.settings.strategy, task.size)
    if test.empty:
        return pd.DataFrame(columns=COLUMNS), 0
    train = train.select(test[UNIQUE_ID].unique())
    steps = train.grid(gap + task.horizon)
    future = steps.merge(train.known, on=KEY, how="left") if train.known is not None else None
    try:
        forecaster = task.build().fit(train)
        y_hat = forecaster.predict(train, gap + task.horizon, future)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            f"model {task.model} failed on the window of {task.cutoff} ({type(error).__name__}: {error}). "
            "Take it out of `models`, or correct model_params."
        ) from error
    y_hat[STEP] = y_hat.groupby(UNIQUE_ID).cumcount() + 1 - gap
    rows = test.merge(y_hat[[*KEY, Y_HAT, STEP]], on=KEY, how="inner")
    rows[CUTOFF], rows[MODEL] = task.cutoff, task.model
    return rows, len(getattr(forecaster, "fallbacks_", ()))


def at_zero(rows: pd.DataFrame, non_negative: bool) -> pd.DataFrame:
    """Forecasts that are never below zero where the target cannot be."""
    return rows.assign(**{Y_HAT: rows[Y_HAT].clip(lower=0)}) if non_negative else rows


def _parts(panel: Panel, scope: str, bucket: int) -> list[Panel]:
    if scope == "panel":
        return [panel]
    return [panel.select(ids) for ids in parallel.buckets(panel.ids, bucket)]


def _first_size(panel: Panel, cutoff: pd.Timestamp) -> int:
    """The length of the first window's training part: what a sliding window keeps unless told otherwise."""
    return int(panel.history.loc[panel.history[DS] <= cutoff, DS].nunique())
