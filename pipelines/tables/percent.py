"""Reading tables of release 0.1.0, which hold shares in percent, as fractions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.parquet import ParquetFile

from pipelines.tables import parquet
from pipelines.tables.schema import METRIC, OF_METRIC, is_share


class PercentFile(ParquetFile):  # type: ignore[misc] # pyarrow has no types
    """A parquet file with percentages that is read as fractions, whole or in parts."""

    def read(self, columns: Sequence[str] | None = None, **options: Any) -> pa.Table:
        return _cut(fractions(super().read(self._needed(columns), **options)), columns)

    def read_row_group(self, i: int, columns: Sequence[str] | None = None, **options: Any) -> pa.Table:
        return _cut(fractions(super().read_row_group(i, self._needed(columns), **options)), columns)

    def _needed(self, columns: Sequence[str] | None) -> list[str] | None:
        """These columns, and the one with the metric of each value."""
        if columns is None:
            return None
        named = METRIC in self.schema_arrow.names and not set(OF_METRIC).isdisjoint(columns)
        return list(dict.fromkeys([*columns, *([METRIC] if named else [])]))


def fractions(table: pa.Table) -> pa.Table:
    """The table with each share divided by 100: columns named after a share, and values whose `metric` is a share."""
    by_row = _of_shares(table[METRIC]) if METRIC in table.column_names else np.zeros(len(table), dtype=bool)
    for place, field in enumerate(table.schema):
        if not pa.types.is_floating(field.type):
            continue
        shares = np.ones(len(table), dtype=bool) if is_share(field.name) else by_row
        if is_share(field.name) or field.name in OF_METRIC:
            values = pc.divide(table[field.name].combine_chunks(), _floats(np.where(shares, 100.0, 1.0)))
            table = table.set_column(place, field, values.cast(field.type))
    return table


def _of_shares(metric: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    codes, names = parquet.coded(metric)
    mask: npt.NDArray[np.bool_] = np.array([*map(is_share, names), False])[codes]  # null (code −1) is not a share
    return mask


def _floats(values: npt.NDArray[np.float64]) -> pa.Array:
    """An Arrow array made without importing pandas."""
    return pa.Array.from_buffers(pa.float64(), len(values), [None, pa.py_buffer(values)])


def _cut(table: pa.Table, columns: Sequence[str] | None) -> pa.Table:
    return table if columns is None else table.select(list(columns))
