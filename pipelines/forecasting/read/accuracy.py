"""Backtest metrics of a run, averaged over all dimensions but the requested ones."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, cast

import numpy as np
import pyarrow as pa
from typing_extensions import TypedDict

from pipelines.core.errors import UnknownName
from pipelines.core.figures import known
from pipelines.forecasting.read.clock import Clock, Stamp
from pipelines.storage.folders import Folder
from pipelines.tables import parquet
from pipelines.tables.schema import CUTOFF, MODEL, UNIQUE_ID, VALUE

By = Literal["series", "model", "cutoff"]
METRIC = "metric"

_KEYS: dict[str, list[str]] = {"series": [UNIQUE_ID, MODEL], "model": [MODEL], "cutoff": [MODEL, CUTOFF]}


class MetricRow(TypedDict):
    """The mean of the known values of a group, and their number; `horizon` is the step ahead, from 1.

    `value` is a fraction for MAPE, sMAPE, WAPE and coverage, 0.801 = 80.1 %.
    """

    unique_id: NotRequired[str | None]
    model: str
    cutoff: NotRequired[Stamp | None]
    horizon: NotRequired[int | None]
    value: float | None
    n: int


@dataclass(frozen=True)
class Means:
    """`rows`: the keys of each group, then the mean of its known values (None without any) and their number."""

    columns: list[str]
    rows: list[tuple[Any, ...]]

    @property
    def nbytes(self) -> int:
        """The approximate memory use in bytes."""
        return 200 * len(self.rows)

    def page(self, offset: int, limit: int) -> list[MetricRow]:
        rows = self.rows[offset : offset + limit]
        return [cast(MetricRow, dict(zip(self.columns, row, strict=True))) for row in rows]


def means(
    run: Folder, by: By, metric: str, clock: Clock, model: str | None = None, ids: Collection[str] | None = None
) -> Means:
    """The mean of `metric` by series, model or cutoff, of one `model` or all, over `ids` or all series, sorted.

    UnknownName for a metric or model that the run lacks.
    """
    keys = _KEYS[by]
    sums: dict[tuple[Any, ...], list[float]] = {}
    metrics: set[str] = set()
    models: set[str] = set()
    for piece in _pieces(run, ids):
        names, codes = {}, {}
        for name in dict.fromkeys([*keys, MODEL, METRIC]):
            column = piece[name].cast(pa.timestamp("us"), safe=False) if name == CUTOFF else piece[name]
            codes[name], names[name] = parquet.coded(column)
        metrics |= set(names[METRIC])
        models |= set(names[MODEL])
        values = parquet.numbers(piece[VALUE])
        kept = np.isin(codes[METRIC], [names[METRIC].index(metric)] if metric in names[METRIC] else [])
        if model is not None:
            kept &= np.isin(codes[MODEL], [names[MODEL].index(model)] if model in names[MODEL] else [])
        shape = [len(names[name]) for name in keys]
        flat = np.ravel_multi_index([codes[name][kept] for name in keys], shape) if kept.any() else np.zeros(0, np.intp)
        groups, place = np.unique(flat, return_inverse=True)
        known = ~np.isnan(values[kept])
        totals = np.bincount(place, np.where(known, values[kept], 0.0), len(groups))
        counts = np.bincount(place, known, len(groups))
        for at, total, count in zip(zip(*np.unravel_index(groups, shape), strict=True), totals, counts, strict=True):
            group = sums.setdefault(tuple(names[name][code] for name, code in zip(keys, at, strict=True)), [0.0, 0.0])
            group[0] += total
            group[1] += count
    if metric not in metrics and metrics:
        raise UnknownName("metric", metric, metrics, field="metric")
    if model is not None and model not in models and models:
        raise UnknownName("model", model, models, field="model")
    rows = [(*key, float(total / n) if n else None, int(n)) for key, (total, n) in sorted(sums.items())]
    if by == "cutoff":
        rows = [(name, clock.write(cutoff), *rest) for name, cutoff, *rest in rows]
    return Means([*keys, VALUE, "n"], rows)


def figures(run: Folder, unique_id: str) -> dict[str, dict[str, float]]:
    """The means over the windows of one series by model and metric, from a single read."""
    rows = parquet.rows_of(
        run.open_parquet("metrics.parquet", [UNIQUE_ID, MODEL, METRIC]), [unique_id], [MODEL, METRIC, VALUE]
    )
    windows: dict[tuple[str, str], list[float]] = {}
    values = parquet.numbers(rows[VALUE]).tolist()
    for model, metric, value in zip(rows[MODEL].to_pylist(), rows[METRIC].to_pylist(), values, strict=True):
        if known(value) is not None:
            windows.setdefault((model, metric), []).append(value)
    averages: dict[str, dict[str, float]] = {}
    for (model, metric), values in windows.items():
        averages.setdefault(model, {})[metric] = sum(values) / len(values)
    return averages


def _pieces(run: Folder, ids: Collection[str] | None) -> Iterator[pa.Table]:
    file = run.open_parquet("metrics.parquet", [UNIQUE_ID, MODEL, METRIC])
    columns = [UNIQUE_ID, CUTOFF, MODEL, METRIC, VALUE]
    return parquet.pieces(file, columns) if ids is None else iter([parquet.rows_of(file, ids, columns)])
