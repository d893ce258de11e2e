"""Reading the rows of some series from a parquet table, decoding only row groups that may contain them.

This module avoids pandas, and hence `pyarrow.array`, `scalar` and `to_numpy`, which import it: the API starts in half
the time.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.tables.schema import UNIQUE_ID

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile


T = TypeVar("T")


@dataclass(frozen=True)
class Rows(Generic[T]):
    """A page of the requested rows; `total` counts all of them."""

    total: int
    rows: list[T]


def rows_of(file: "ParquetFile", ids: Collection[str], columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of the series `ids`, in the order of the table, with `columns` and `unique_id` only."""
    names = None if columns is None else list(dict.fromkeys([UNIQUE_ID, *columns]))
    parts = [keep(part, ids) for group in _groups(file, ids) for part in [file.read_row_group(group, columns=names)]]
    schema = file.schema_arrow if names is None else pa.schema([file.schema_arrow.field(name) for name in names])
    return pa.concat_tables(parts) if parts else schema.empty_table()


def keep(table: pa.Table, ids: Collection[str]) -> pa.Table:
    """The rows of the series `ids`."""
    codes, names = coded(table[UNIQUE_ID])
    wanted = [code for code, name in enumerate(names) if name in ids]
    return pc.filter(table, mask(np.isin(codes, wanted)))


def coded(column: pa.ChunkedArray) -> tuple[npt.NDArray[Any], list[Any]]:
    """A column as codes and their values; null has the code -1."""
    if column.null_count == len(column):  # also for columns without a type, as in an empty table
        return np.full(len(column), -1, dtype=np.intp), []
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    whole = encoded.unify_dictionaries().combine_chunks()
    codes, known = _values(whole.indices, np.dtype(whole.indices.type.to_pandas_dtype()))
    return np.where(known, codes, -1) if column.null_count else codes, whole.dictionary.to_pylist()


def mask(wanted: npt.NDArray[np.bool_]) -> pa.BooleanArray:
    """The mask as an Arrow array."""
    bits = pa.py_buffer(np.packbits(wanted, bitorder="little").tobytes())
    return pa.BooleanArray.from_buffers(pa.bool_(), len(wanted), [None, bits])


def numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """A column as numbers; null becomes NaN."""
    if not len(column):
        return np.zeros(0)
    values, known = _values(column.cast(pa.float64()).combine_chunks(), np.dtype(np.float64))
    return np.where(known, values, np.nan) if column.null_count else values


def microseconds(table: pa.Table) -> pa.Table:
    """The table with timestamps in microseconds, which convert to Python datetimes."""
    fields = [
        field.with_type(pa.timestamp("us")) if pa.types.is_timestamp(field.type) else field for field in table.schema
    ]
    return table.cast(pa.schema(fields), safe=False)


def times(column: pa.ChunkedArray) -> list[Any]:
    """A column of timestamps as naive datetimes."""
    stamps: list[Any] = column.cast(pa.timestamp("us"), safe=False).to_pylist()
    return stamps


def pieces(file: "ParquetFile", columns: Sequence[str]) -> Iterator[pa.Table]:
    """The whole table, in pieces that fit into memory."""
    for group in range(file.metadata.num_row_groups):
        yield file.read_row_group(group, columns=list(columns))
    pa.default_memory_pool().release_unused()


def column_names(file: "ParquetFile") -> list[str]:
    return list(file.schema_arrow.names)


def _values(array: pa.Array, dtype: np.dtype[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """The values of a fixed-width array as stored in memory, and a mask of the known ones."""
    start, stop = array.offset, array.offset + len(array)
    bits, data = array.buffers()
    if not len(array) or data is None:
        return np.zeros(len(array), dtype), np.zeros(len(array), dtype=bool)
    values = np.frombuffer(data, dtype)[start:stop]
    if bits is None:
        return values, np.ones(len(array), dtype=bool)
    return values, np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")[start:stop].astype(bool)


def _groups(file: "ParquetFile", ids: Collection[str]) -> Iterator[int]:
    """The row groups that may contain one of the series, by the smallest and largest name in each."""
    column = column_names(file).index(UNIQUE_ID)
    for group in range(file.metadata.num_row_groups):
        bounds: Any = file.metadata.row_group(group).column(column).statistics
        if bounds is None or not bounds.has_min_max or any(bounds.min <= name <= bounds.max for name in ids):
            yield group
