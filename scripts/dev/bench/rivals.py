"""Other libraries on the same series, each as a separate program: `python -m scripts.dev.bench.rivals NAME FOLDER`."""

import hashlib
import importlib.metadata
import json
import shutil
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import TypeAdapter

from pipelines.tables.schema import DS, UNIQUE_ID, Y_HAT, Y, hi, lo
from scripts.dev.bench.process import PROCESSES, Cost, measure
from scripts.dev.bench.site import ROOT

TRAIN, TASK, FORECASTS = "train.parquet", "task.json", "forecasts.parquet"


@dataclass(frozen=True)
class Task:
    """Task for every rival. `floor`: forecasts below zero are set to zero."""

    h: int
    frequency: str
    seasons: tuple[int, ...]
    levels: tuple[int, ...]
    floor: bool = False
    seed: int = 1


@dataclass(frozen=True)
class Answer:
    """Forecasts `unique_id, ds, y_hat, lo_*, hi_*` of a rival, and their cost; `kept`: reused from an earlier run."""

    forecasts: pd.DataFrame
    cost: Cost
    kept: bool


def ask(name: str, train: pd.DataFrame, task: Task, folder: Path, cache: Path | None, timeout: float) -> Answer:
    """The rival's forecasts of h steps after `train` (`unique_id, ds, y`). Raises TooLong after `timeout` seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    train.to_parquet(folder / TRAIN, index=False)
    (folder / TASK).write_text(json.dumps(asdict(task)))
    place = cache / f"{name.replace(' ', '-')}-{_digest(folder)}" if cache else None
    if place and (place / "cost.json").exists():
        cost = Cost(**json.loads((place / "cost.json").read_text()))
        return Answer(pd.read_parquet(place / FORECASTS), cost, kept=True)
    cost = measure([sys.executable, "-m", __name__, name, str(folder)], cwd=ROOT, timeout=timeout)
    if place:
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / FORECASTS, place)
        (place / "cost.json").write_text(json.dumps(asdict(cost)))
    return Answer(pd.read_parquet(folder / FORECASTS), cost, kept=False)


def _digest(folder: Path) -> str:
    """Digest of everything that determines a forecast: the series, the task, and the libraries."""
    versions = [
        f"{library} {importlib.metadata.version(library)}" for library in ("statsforecast", "pmdarima", "prophet")
    ]
    parts = [(folder / TRAIN).read_bytes(), (folder / TASK).read_bytes(), json.dumps(versions).encode()]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def _statsforecast(make: Callable[[Any, Task], Any]) -> Callable[[pd.DataFrame, Task], pd.DataFrame]:
    """Rival from a statsforecast model. Series that it cannot fit get the seasonal naive, as users would do."""

    def forecast(train: pd.DataFrame, task: Task) -> pd.DataFrame:
        from statsforecast import StatsForecast, models

        model, spare = make(models, task), models.SeasonalNaive(task.seasons[0])
        run = StatsForecast([model], freq=task.frequency, n_jobs=PROCESSES, fallback_model=spare)
        without = isinstance(model, models.SimpleExponentialSmoothingOptimized)  # it has no intervals
        forecasts = run.forecast(h=task.h, df=train, level=None if without else list(task.levels))
        return forecasts.rename(columns={name: _column(str(name)) for name in forecasts if name not in (UNIQUE_ID, DS)})

    return forecast


def _column(name: str) -> str:
    """`Model` → `y_hat`, `Model-lo-80` → `lo_80`."""
    _, _, bound = name.partition("-")
    return bound.replace("-", "_") or Y_HAT


def _prophet(train: pd.DataFrame, task: Task) -> pd.DataFrame:
    from joblib import Parallel, delayed

    calls = [delayed(_prophet_one)(str(name), rows, task) for name, rows in train.groupby(UNIQUE_ID)]
    forecasts: list[pd.DataFrame] = Parallel(n_jobs=PROCESSES)(calls)
    return pd.concat(forecasts)


def _prophet_one(name: str, rows: pd.DataFrame, task: Task) -> pd.DataFrame:
    """One series with Prophet's defaults. Bounds are quantiles of its samples, so that one fit serves all levels."""
    import logging

    import numpy as np
    from prophet import Prophet

    logging.getLogger("cmdstanpy").disabled = True
    np.random.seed(task.seed)  # Prophet draws from the global generator
    model = Prophet().fit(rows[[DS, Y]])
    future = model.make_future_dataframe(task.h, freq=task.frequency, include_history=False)
    samples = model.predictive_samples(future)["yhat"]
    forecasts = pd.DataFrame({UNIQUE_ID: name, DS: future["ds"], Y_HAT: model.predict(future)["yhat"].to_numpy()})
    for level in task.levels:
        forecasts[lo(level)], forecasts[hi(level)] = np.percentile(samples, [50 - level / 2, 50 + level / 2], axis=1)
    return forecasts


def _pmdarima(train: pd.DataFrame, task: Task) -> pd.DataFrame:
    """The series in sequence: a seasonal search over long histories takes gigabytes each."""
    from pmdarima import auto_arima

    parts = []
    for name, rows in train.groupby(UNIQUE_ID):
        model = auto_arima(rows[Y].to_numpy(), m=task.seasons[0], suppress_warnings=True, error_action="ignore")
        ds = pd.date_range(rows[DS].max(), periods=task.h + 1, freq=task.frequency)[1:]
        forecasts = pd.DataFrame({UNIQUE_ID: name, DS: ds})
        for level in task.levels:
            y_hat, bounds = model.predict(task.h, return_conf_int=True, alpha=1 - level / 100)
            forecasts[Y_HAT], forecasts[lo(level)], forecasts[hi(level)] = y_hat, bounds[:, 0], bounds[:, 1]
        parts.append(forecasts)
    return pd.concat(parts)


RIVALS: dict[str, Callable[[pd.DataFrame, Task], pd.DataFrame]] = {
    "seasonal naive": _statsforecast(lambda models, task: models.SeasonalNaive(task.seasons[0])),
    "SES": _statsforecast(lambda models, _: models.SimpleExponentialSmoothingOptimized()),
    "AutoETS": _statsforecast(lambda models, task: models.AutoETS(season_length=task.seasons[0])),
    "DynamicOptimizedTheta": _statsforecast(
        lambda models, task: models.DynamicOptimizedTheta(season_length=task.seasons[0])
    ),
    "MSTL": _statsforecast(lambda models, task: models.MSTL(season_length=list(task.seasons))),
    "AutoARIMA": _statsforecast(lambda models, task: models.AutoARIMA(season_length=task.seasons[0])),
    "Prophet": _prophet,
    "pmdarima auto_arima": _pmdarima,
}


def main(name: str, folder: Path) -> None:
    """Forecasts the input in `folder`, and writes the forecasts to the same folder."""
    warnings.simplefilter("ignore")
    task = TypeAdapter(Task).validate_json((folder / TASK).read_bytes())
    forecasts = RIVALS[name](pd.read_parquet(folder / TRAIN), task).sort_values([UNIQUE_ID, DS], ignore_index=True)
    if task.floor:
        values = forecasts.columns.difference([UNIQUE_ID, DS])
        forecasts[values] = forecasts[values].clip(lower=0)
    forecasts.to_parquet(folder / FORECASTS, index=False)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
