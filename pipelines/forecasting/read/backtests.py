"""Backtest forecasts of a run's models for a series."""

from typing import cast

import numpy as np
import numpy.typing as npt
from typing_extensions import TypedDict

from pipelines.core.errors import UnknownName
from pipelines.core.figures import known
from pipelines.forecasting.read.clock import Clock, Stamp
from pipelines.storage.folders import Folder
from pipelines.tables import parquet
from pipelines.tables.schema import CUTOFF, DS, MODEL, STEP, UNIQUE_ID, Y_HAT, Y

ERROR = "error"  # y − ŷ: positive if the forecast was too low, like the bias


class BacktestPoint(TypedDict, extra_items=float | None):  # type: ignore[call-arg] # PEP 728, unsupported by mypy
    """One step of one window: actual, forecast and the bounds of each level; `error` = actual − forecast."""

    cutoff: Stamp
    ds: Stamp
    model: str
    step: int
    y: float | None
    y_hat: float | None
    error: float | None


def backtest(run: Folder, unique_id: str, clock: Clock, model: str | None = None) -> list[BacktestPoint]:
    """The steps of all windows with the bounds `lo_80, hi_80, …`, sorted, for one `model` or all.

    Empty for a series that was not backtested. UnknownName for a model that was not backtested on the series.
    """
    file = run.open_parquet("backtest.parquet", [UNIQUE_ID, MODEL])
    bounds = [name for name in parquet.column_names(file) if name.startswith(("lo_", "hi_"))]
    rows = parquet.rows_of(file, [unique_id], [CUTOFF, DS, MODEL, STEP, Y, Y_HAT, *bounds])
    models = rows[MODEL].to_pylist()
    if model is not None and models and model not in models:
        raise UnknownName("model", model, set(models), field="model")
    y, y_hat = parquet.numbers(rows[Y]), parquet.numbers(rows[Y_HAT])
    columns = {
        CUTOFF: map(clock.write, parquet.times(rows[CUTOFF])),
        DS: map(clock.write, parquet.times(rows[DS])),
        MODEL: models,
        STEP: map(int, rows[STEP].to_pylist()),
        Y: _known(y),
        Y_HAT: _known(y_hat),
        ERROR: _known(y - y_hat),
        **{name: _known(parquet.numbers(rows[name])) for name in bounds},
    }
    points = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
    return [cast(BacktestPoint, point) for point in points if model in (None, point[MODEL])]


def _known(values: npt.NDArray[np.float64]) -> list[float | None]:
    return [known(value) for value in values.tolist()]
