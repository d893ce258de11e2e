"""Fitting of the champions on the whole history, and their forecasts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from pipelines.core.progress import Progress
from pipelines.forecasting.evaluation import parallel
from pipelines.forecasting.evaluation.backtest import Build
from pipelines.forecasting.panel import Panel, Part, Share, held
from pipelines.forecasting.protocols import Forecaster
from pipelines.tables.schema import KEY, MEMBER, MODEL, STEP, UNIQUE_ID, WEIGHT, Y_HAT


@dataclass(frozen=True)
class Fitted:
    """One fitted model and the series it serves."""

    model: str
    ids: tuple[str, ...]
    forecaster: Forecaster


@dataclass(frozen=True)
class Task:
    part: Part
    model: str
    build: Build
    ids: tuple[str, ...]


def fit(
    panel: Panel,
    weights: pd.DataFrame,
    builds: Mapping[str, Build],
    *,
    bucket: int,
    n_jobs: int,
    progress: Progress,
    share: Share = held,
) -> Iterator[Fitted]:
    """Fits each member on the series it serves; a model over the whole panel is fitted on all of them.

    `weights`: `unique_id, member, weight`, the members of each series' forecast. `share` provides a task with its
    series.
    """
    whole, tasks = [], []
    for model, rows in weights[weights[WEIGHT] > 0].groupby(MEMBER, sort=True):
        ids, build = sorted(rows[UNIQUE_ID]), builds[str(model)]
        if build().scope == "panel":
            whole.append(Task(held(panel, panel.ids), str(model), build, tuple(ids)))
        else:
            tasks += [
                Task(share(panel, part), str(model), build, tuple(part)) for part in parallel.buckets(ids, bucket)
            ]
    yield from progress.track(map(_fit_one, whole), "fit over all series", len(whole))
    yield from parallel.run(_fit_one, tasks, n_jobs, "fit", progress)


def predict(fitted: Iterable[Fitted], panel: Panel, h: int, total: int, progress: Progress) -> pd.DataFrame:
    """The `h` steps after the histories by each model: `unique_id, ds, model, step, y_hat`, sorted.

    One model is in memory at a time.
    """
    parts = []
    for one in progress.track(fitted, "forecast", total):
        served = panel.select(one.ids)
        rows = one.forecaster.predict(served, h, served.ahead(h))
        rows[MODEL], rows[STEP] = one.model, rows.groupby(UNIQUE_ID).cumcount() + 1
        parts.append(rows)
    table = pd.concat(parts).sort_values([*KEY, MODEL], ignore_index=True)
    return table[[*KEY, MODEL, STEP, Y_HAT]]


def _fit_one(task: Task) -> Fitted:
    return Fitted(task.model, task.ids, task.build().fit(task.part()))
