"""A forecast set as it is served: each series' rows at once, what they are made of, and why they changed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.errors import NotFound
from pipelines.read import tables
from pipelines.read.clock import Clock
from pipelines.schema import COMPONENT, DS, MODEL, UNIQUE_ID, VALUE
from pipelines.store import Folder

_FORECASTS, _EXPLANATIONS, _BRIDGE = "forecasts.parquet", "explanations.parquet", "bridge.parquet"
_PART = "part"  # of a bridge
Point = dict[str, Any]  # `ds` and the values of one step; null where one is not known


class Forecasts:
    """All rows of a forecast set in memory: 50 bytes a step. `columns`: `y_hat` and the bounds, as stored."""

    def __init__(self, rows: pa.Table, clock: Clock) -> None:
        self.columns = [name for name in rows.column_names if name not in (UNIQUE_ID, DS, MODEL)]
        codes, names = tables.coded(rows[UNIQUE_ID])
        starts = np.flatnonzero(np.diff(codes, prepend=-1))  # sorted by series: each has one span of rows
        self._edges = np.append(starts, len(codes))
        self._place = {names[code]: place for place, code in enumerate(codes[starts].tolist())}
        self._ds, stamps = tables.coded(rows[DS].cast(pa.timestamp("us"), safe=False))
        self._stamps = [clock.write(ds) for ds in stamps]
        self._model, self._models = tables.coded(rows[MODEL])
        self._values = {name: tables.numbers(rows[name]) for name in self.columns}

    @classmethod
    def of(cls, forecast_set: Folder, clock: Clock) -> "Forecasts":
        file = forecast_set.open_parquet(_FORECASTS, [UNIQUE_ID, MODEL])
        return cls(file.read(), clock)

    @property
    def nbytes(self) -> int:
        """About what this takes in memory."""
        return int((8 * len(self.columns) + 16) * len(self._ds) + 200 * len(self._place))

    @property
    def levels(self) -> list[int]:
        """The levels of the intervals."""
        return sorted(int(name.removeprefix("lo_")) for name in self.columns if name.startswith("lo_"))

    def __contains__(self, unique_id: str) -> bool:
        return unique_id in self._place

    def steps(self, unique_id: str) -> int:
        """How many steps ahead a series is forecast."""
        start, end = self._span(unique_id)
        return end - start

    def model(self, unique_id: str) -> str:
        """What a series is forecast with."""
        return str(self._models[self._model[self._span(unique_id)[0]]])

    def points(self, unique_id: str, h: int | None = None, levels: Sequence[int] | None = None) -> list[Point]:
        """`[{ds, y_hat, lo_80, hi_80, …}]` of the first `h` steps, or all; NotFound if the series is not forecast."""
        start, end = self._span(unique_id)
        end = end if h is None else min(end, start + h)
        names = [name for name in self.columns if levels is None or _level(name) in (None, *levels)]
        values = [map(_known, self._values[name][start:end].tolist()) for name in names]
        stamps = [self._stamps[at] for at in self._ds[start:end].tolist()]
        return [dict(zip([DS, *names], row, strict=True)) for row in zip(stamps, *values, strict=True)]

    def _span(self, unique_id: str) -> tuple[int, int]:
        try:
            place = self._place[unique_id]
        except KeyError:
            raise NotFound(f"there is no forecast of the series {unique_id!r}.") from None
        return int(self._edges[place]), int(self._edges[place + 1])


def components(forecast_set: Folder, unique_id: str, clock: Clock) -> list[Point]:
    """`[{ds, components: {level: …, trend: …}}]`: in the unit of y, summing to `y_hat`. Empty for sets without them."""
    return _wide(forecast_set, _EXPLANATIONS, unique_id, COMPONENT, "components", clock)


def bridge(forecast_set: Folder, unique_id: str, clock: Clock) -> list[Point]:
    """`[{ds, parts: {new actuals: …}}]`: what changed each step since the previous set; empty for the first one."""
    return _wide(forecast_set, _BRIDGE, unique_id, _PART, "parts", clock)


def notes(forecast_set: Folder) -> dict[str, Any]:
    """`explanations.json`: which series are explained exactly, and where the bridge begins; empty for sets without."""
    if "explanations.json" not in forecast_set.files:
        return {}
    found: dict[str, Any] = forecast_set.read_json("explanations.json")
    return found


def _wide(forecast_set: Folder, name: str, unique_id: str, of: str, to: str, clock: Clock) -> list[Point]:
    if name not in forecast_set.files:
        return []
    rows = tables.rows_of(forecast_set.open_parquet(name, [UNIQUE_ID]), [unique_id], [DS, of, VALUE])
    found: dict[Any, dict[str, float | None]] = {}
    values = tables.numbers(rows[VALUE]).tolist()
    for ds, key, value in zip(tables.times(rows[DS]), rows[of].to_pylist(), values, strict=True):
        found.setdefault(ds, {})[key] = _known(value)
    return [{DS: clock.write(ds), to: parts} for ds, parts in sorted(found.items())]


def _level(column: str) -> int | None:
    """The level of a bound's column; None for others."""
    side, _, level = column.partition("_")
    return int(level) if side in ("lo", "hi") and level.isdigit() else None


def _known(value: float) -> float | None:
    """The value, or None where it is not a number: JSON has neither NaN nor inf."""
    return value if value - value == 0 else None
