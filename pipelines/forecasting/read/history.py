"""History of a series: target and covariates per step."""

from datetime import datetime
from typing import cast

import pyarrow as pa
from typing_extensions import TypedDict

from pipelines.core.figures import known
from pipelines.forecasting.read.clock import Clock, Stamp
from pipelines.storage.catalog import Dataset
from pipelines.tables import parquet
from pipelines.tables.schema import DS, UNIQUE_ID, Y

Value = float | str | bool | None


class HistoryPoint(TypedDict, extra_items=Value):  # type: ignore[call-arg] # PEP 728, unsupported by mypy
    ds: Stamp
    y: float | None


def history(
    dataset: Dataset, unique_id: str, covariates: list[str], clock: Clock, start: datetime | None, end: datetime | None
) -> list[HistoryPoint]:
    """The steps from `start` to `end`, both included, with those of `covariates` that are stored.

    Without an `end` it stops at the last known value; with one, it includes known values of the steps ahead.
    """
    file = dataset.folder.open_parquet("observations.parquet", [UNIQUE_ID])
    columns = [Y, *(name for name in covariates if name in parquet.column_names(file))]
    rows = parquet.rows_of(file, [unique_id], [DS, *columns])
    stamps = parquet.times(rows[DS])
    values = [_values(rows[name]) for name in columns]
    if end is None:
        known = [at for at, value in enumerate(values[0]) if value is not None]
        stamps = stamps[: known[-1] + 1] if known else []
    return [
        cast(HistoryPoint, {DS: clock.write(ds), **dict(zip(columns, row, strict=True))})
        for ds, *row in zip(stamps, *values, strict=False)
        if (start is None or ds >= start) and (end is None or ds <= end)
    ]


def _values(column: pa.ChunkedArray) -> list[Value]:
    """Numbers without NaN, or text."""
    return [known(value) for value in column.to_pylist()]
