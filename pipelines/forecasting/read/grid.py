"""A column of a long table as a matrix with one row per series and one column per step, for sums over series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.tables import parquet
from pipelines.tables.schema import DS, UNIQUE_ID

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

Matrix = npt.NDArray[np.float32]

_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Grid:
    """`values` (series, steps), NaN if unknown, at the ascending steps `ds`."""

    ds: list[datetime]
    values: Matrix

    @classmethod
    def of(
        cls, file: "ParquetFile", column: str, place: Mapping[str, int], end: datetime | None = None, *, cells: int
    ) -> "Grid":
        """The sums of `column` by series and step up to `end`: the newest steps, as many as fit into `cells`.

        `place`: the row of each series; others in the file are left out.
        """
        moments = [np.unique(_stamps(piece)) for piece in parquet.pieces(file, [DS])]
        stamps = np.unique(np.concatenate(moments)) if moments else np.zeros(0, np.int64)
        if end is not None:
            stamps = stamps[stamps <= (end - _EPOCH) // _MICROSECOND]
        stamps = stamps[-max(1, cells // max(len(place), 1)) :]
        values = np.full((len(place), len(stamps)), np.nan, dtype=np.float32)
        for piece in parquet.pieces(file, [UNIQUE_ID, DS, column]) if len(stamps) else ():
            codes, names = parquet.coded(piece[UNIQUE_ID])
            row = np.array([place.get(name, -1) for name in names], dtype=np.intp)[codes]
            at, numbers = _stamps(piece), parquet.numbers(piece[column])
            step = np.searchsorted(stamps, at).clip(max=len(stamps) - 1)
            kept = (row >= 0) & (stamps[step] == at) & ~np.isnan(numbers)
            row, step = row[kept], step[kept]
            values[row, step] = np.nan_to_num(values[row, step])
            np.add.at(values, (row, step), numbers[kept].astype(np.float32))
        return cls([_EPOCH + stamp * _MICROSECOND for stamp in stamps.tolist()], values)

    @property
    def nbytes(self) -> int:
        return self.values.nbytes

    def at(self, ds: Sequence[datetime | None]) -> Matrix:
        """The values at these steps, (series, len(ds)); NaN if the grid lacks the step."""
        place = {stamp: column for column, stamp in enumerate(self.ds)}
        columns = np.array([place.get(stamp, -1) if stamp else -1 for stamp in ds], dtype=np.intp)
        matrix = np.full((len(self.values), len(columns)), np.nan, dtype=np.float32)
        matrix[:, columns >= 0] = self.values[:, columns[columns >= 0]]
        return matrix


def _stamps(piece: pa.Table) -> npt.NDArray[np.int64]:
    """Microseconds since 1970; a step is never null."""
    whole = pc.cast(piece[DS], pa.timestamp("us"), safe=False).combine_chunks()
    return np.frombuffer(whole.buffers()[1] or b"", np.int64)[whole.offset : whole.offset + len(whole)]
