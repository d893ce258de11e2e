"""The backtest errors of a run by step ahead."""

from collections.abc import Callable, Collection

import numpy as np

from pipelines.core.errors import UnknownName
from pipelines.forecasting.read.accuracy import Means
from pipelines.storage.folders import Folder
from pipelines.tables import parquet
from pipelines.tables.schema import MODEL, STEP, UNIQUE_ID, VALUE, Y_HAT, Y, hi, lo

HORIZON = "horizon"


def by_horizon(run: Folder, metric: str, model: str | None = None, ids: Collection[str] | None = None) -> Means:
    """The mean of a pointwise `metric` at each step over series and windows: `model, horizon, value, n`, sorted.

    mae, rmse, bias, mape, smape and coverage_<level>, as `evaluation.metrics` defines them at a point; rmse is the root
    of the mean square. Undefined points are left out. UnknownName for another metric or for a model that the run lacks.
    """
    file = run.open_parquet("backtest.parquet", [UNIQUE_ID, MODEL])
    errors = _pointwise([name for name in parquet.column_names(file) if name.startswith("lo_")])
    if metric not in errors:
        raise UnknownName("metric by horizon", metric, errors, field="metric")
    columns, error = errors[metric]
    wanted = [MODEL, STEP, Y, Y_HAT, *columns]
    pieces = parquet.pieces(file, wanted) if ids is None else [parquet.rows_of(file, ids, wanted)]
    sums: dict[tuple[str, int], list[float]] = {}
    models: set[str] = set()
    for piece in pieces:
        codes, names = parquet.coded(piece[MODEL])
        models |= set(names)
        steps = parquet.numbers(piece[STEP]).astype(np.intp)
        values = error(*(parquet.numbers(piece[name]) for name in (Y, Y_HAT, *columns)))
        known = np.isfinite(values)
        width = int(steps.max(initial=0)) + 1
        totals = np.bincount(codes[known] * width + steps[known], values[known], len(names) * width)
        counts = np.bincount(codes[known] * width + steps[known], minlength=len(names) * width)
        for place in np.flatnonzero(counts):
            group = sums.setdefault((names[place // width], int(place % width)), [0.0, 0.0])
            group[0] += totals[place]
            group[1] += counts[place]
    if model is not None and models and model not in models:
        raise UnknownName("model", model, models, field="model")
    root = np.sqrt if metric == "rmse" else float
    rows = [(*key, float(root(total / n)), int(n)) for key, (total, n) in sorted(sums.items())]
    return Means([MODEL, HORIZON, VALUE, "n"], [row for row in rows if model in (None, row[0])])


def _pointwise(bounds: list[str]) -> dict[str, tuple[list[str], Callable[..., np.ndarray]]]:
    """By metric: the columns it needs besides y and ŷ, and its value at each point."""
    from pipelines.forecasting.evaluation import metrics  # imports pandas

    measures: dict[str, tuple[list[str], Callable[..., np.ndarray]]] = {
        "mae": ([], metrics.absolute_error),
        "rmse": ([], metrics.squared_error),
        "bias": ([], np.subtract),
        "mape": ([], metrics.percentage_error),
        "smape": ([], metrics.symmetric_percentage_error),
    }
    for level in sorted(int(name.removeprefix("lo_")) for name in bounds):
        measures[f"coverage_{level}"] = (
            [lo(level), hi(level)],
            lambda y, _, lower, upper: np.where(np.isnan(y), np.nan, metrics.covered(y, lower, upper)),
        )
    return measures
