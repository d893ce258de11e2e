"""Rolling-origin backtest: every candidate on the same windows, without data after the cutoff."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.core.errors import ModelError
from pipelines.core.progress import Progress
from pipelines.forecasting.evaluation import parallel, windows
from pipelines.forecasting.panel import Panel, Part, Share, held
from pipelines.forecasting.protocols import Forecaster
from pipelines.forecasting.settings import Backtest
from pipelines.tables.schema import BASELINE, CUTOFF, DS, KEY, MODEL, STEP, UNIQUE_ID, Y_HAT, Y

COLUMNS = [UNIQUE_ID, CUTOFF, DS, MODEL, STEP, Y, Y_HAT]

_ORDER = [UNIQUE_ID, CUTOFF, MODEL, DS]

Build = Callable[[], Forecaster]


@dataclass(frozen=True)
class Task:
    """One candidate on one window of one bucket of series."""

    part: Part
    model: str
    build: Build
    cutoff: pd.Timestamp
    horizon: int
    settings: Backtest
    size: int | None


@dataclass(frozen=True)
class Budget:
    """Seconds that a training may take, counted from the creation of this object."""

    seconds: float
    start: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        return self.seconds - (time.monotonic() - self.start)


@dataclass(frozen=True)
class Backtested:
    """`table`: `unique_id, cutoff, ds, model, step, y, y_hat`, sorted. `fallbacks`: how often each model fell back to
    the last value. `left_out`: candidates beyond the time budget, with the seconds that they would have taken.
    """

    table: pd.DataFrame
    fallbacks: dict[str, int]
    left_out: dict[str, float]


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
    series: Mapping[str, list[str]] | None = None,
    budget: Budget | None = None,
    share: Share = held,
) -> Backtested:
    """Backtests every candidate on the same windows, on the series that `series` lists for it (None: all).

    `share` provides a task with its series. A candidate that exceeds the remaining `budget` is left out, except the
    baseline. ModelError names a candidate that cannot be fitted.
    """
    from joblib import effective_n_jobs

    size = settings.size or (_first_size(panel, cutoffs[0]) if settings.strategy == "sliding" else None)
    forecasts, fallbacks, left_out = [], dict.fromkeys(candidates, 0), {}
    for name, build in candidates.items():
        part = panel if series is None else panel.select(series[name])
        scope = build().scope
        tasks = [
            Task(one, name, build, cutoff, horizon, settings, size)
            for one in _parts(part, scope, bucket, share)
            for cutoff in cutoffs
        ]
        start = time.monotonic()
        done = [forecast(tasks[0])] if budget else []  # measures the cost of one task
        cost = (time.monotonic() - start) * len(tasks) * (1 + 1 / len(cutoffs))  # the final fit is one more window
        at_once = effective_n_jobs(n_jobs) if scope == "series" else 1
        if budget and name != BASELINE and cost / at_once > budget.left():
            left_out[name] = cost / at_once
            continue
        # A model of the whole panel is a single task per window and uses all cores itself.
        stage, rest = f"backtest {name}", tasks[len(done) :]
        done += (
            progress.track(map(forecast, rest), stage, len(rest))
            if scope == "panel"
            else parallel.run(forecast, rest, n_jobs, stage, progress)
        )
        forecasts += [rows for rows, _ in done if len(rows)]
        fallbacks[name] += sum(count for _, count in done)
    table = pd.concat(forecasts)
    del forecasts  # avoids a second copy in memory
    return Backtested(ordered(table, _ORDER), fallbacks, left_out)


def forecast(task: Task) -> tuple[pd.DataFrame, int]:
    """The test rows of one task with the candidate's forecasts, and the number of its fallbacks."""
    gap = task.settings.gap
    train, test = windows.split(task.part(), task.cutoff, task.horizon, gap, task.settings.strategy, task.size)
    if test.empty:
        return pd.DataFrame(columns=COLUMNS), 0
    train = replace(train.select(test[UNIQUE_ID].unique()), horizon=gap + task.horizon)
    try:
        forecaster = task.build().fit(train)
        y_hat = forecaster.predict(train, gap + task.horizon, train.ahead(gap + task.horizon))
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            f"model {task.model} failed on the window of {task.cutoff} ({type(error).__name__}: {error})",
            code="model_failed",
            field="models",
            found={"model": task.model, "cutoff": str(task.cutoff)},
            remedy="Take it out of models, or correct model_params.",
        ) from error
    y_hat[STEP] = y_hat.groupby(UNIQUE_ID).cumcount() + 1 - gap
    rows = test.merge(y_hat[[*KEY, Y_HAT, STEP]], on=KEY, how="inner")
    rows[CUTOFF], rows[MODEL] = task.cutoff, task.model
    return rows[COLUMNS], len(getattr(forecaster, "fallbacks_", ()))


def ordered(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """`table` sorted by `columns`."""
    rows = table.take(_order(table, columns))
    rows.index = pd.RangeIndex(len(rows))
    return rows


def at_zero(rows: pd.DataFrame, non_negative: bool) -> pd.DataFrame:
    """The forecasts, clipped at zero if the target cannot be negative."""
    return rows.assign(**{Y_HAT: rows[Y_HAT].clip(lower=0)}) if non_negative else rows


def _order(table: pd.DataFrame, columns: Sequence[str]) -> npt.NDArray[np.intp]:
    """The positions that sort the rows, using one integer key per row: faster than names, smaller than several keys."""
    key = np.zeros(len(table), dtype=np.int64)
    for name in columns:
        codes, values = pd.factorize(table[name], sort=True)
        key *= len(values)
        key += codes
    return np.argsort(key, kind="stable")


def _parts(panel: Panel, scope: str, bucket: int, share: Share) -> list[Part]:
    if scope == "panel":
        return [held(panel, panel.ids)]
    return [share(panel, ids) for ids in parallel.buckets(panel.ids, bucket)]


def _first_size(panel: Panel, cutoff: pd.Timestamp) -> int:
    """The number of training steps in the first window, the default size of a sliding window."""
    return int(panel.history.loc[panel.history[DS] <= cutoff, DS].nunique())
