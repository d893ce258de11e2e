"""Served forecast sets: the rows of each series, their components, and the reasons for changes."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Literal, Self, cast

import numpy as np
import pyarrow as pa
from typing_extensions import TypedDict

from pipelines.core.errors import NotFound
from pipelines.core.figures import known
from pipelines.forecasting.read.clock import Clock, Stamp
from pipelines.storage.folders import Folder
from pipelines.tables import parquet
from pipelines.tables.schema import COMPONENT, DS, MODEL, UNIQUE_ID, VALUE

_FORECASTS, _EXPLANATIONS, _BRIDGE = "forecasts.parquet", "explanations.parquet", "bridge.parquet"
_PART = "part"  # column of a bridge
_ROUNDING = 1e-9  # relative to the summed amounts

Parts = dict[str, float | None]  # additive effects of a value or its change; null if unknown


class Point(TypedDict, extra_items=float | None):  # type: ignore[call-arg] # PEP 728, unsupported by mypy
    """One step: the forecast and the bounds of each level; null if a bound is not supported."""

    ds: Stamp
    y_hat: float | None


class SeriesForecast(TypedDict):
    unique_id: str
    model: str
    points: list[Point]


class ForecastsOut(TypedDict):
    workspace: str
    run_id: str
    forecast_id: str | None
    as_of: str
    unit: str
    source: Literal["published", "computed"]
    forecasts: list[SeriesForecast]


class ComponentsPoint(TypedDict):
    ds: Stamp
    components: Parts


class BridgePoint(TypedDict):
    ds: Stamp
    parts: Parts


class BridgeNotes(TypedDict, total=False):
    """The forecast set at which the bridge starts, and effects that could not be separated."""

    since: str | None
    notes: list[str]


class Notes(TypedDict, total=False):
    """`explanations.json`; `exact`: the series with components from their own models."""

    exact: list[str]
    bridge: BridgeNotes


class Forecasts:
    """A forecast set by series. Row groups are decoded when one of their series is first requested, and then kept.

    Takes up to 50 bytes per step. `columns`: `y_hat` and the bounds, as stored. Not thread-safe except for `in`.
    """

    def __init__(
        self,
        ids: pa.ChunkedArray,
        groups: Sequence[Callable[[], pa.Table]],
        sizes: Sequence[int],
        columns: Sequence[str],
        clock: Clock,
    ) -> None:
        """`ids`: the series of each row, sorted; `groups`: a decoder per row group; `sizes`: their rows."""
        self.columns = [name for name in columns if name not in (UNIQUE_ID, DS, MODEL)]
        self._clock = clock
        codes, names = parquet.coded(ids)
        starts = np.flatnonzero(codes[1:] != codes[:-1]) + 1  # each series has one span of rows
        starts = np.concatenate([[0], starts]) if len(codes) else starts
        self._edges = np.append(starts, len(codes))
        self._place = {names[code]: place for place, code in enumerate(codes[starts].tolist())}
        self._groups, self._decoded = groups, [cast(_Group | None, None)] * len(groups)
        self._firsts = np.cumsum([0, *sizes])

    @classmethod
    def of(cls, forecast_set: Folder, clock: Clock) -> Self:
        file = forecast_set.open_parquet(_FORECASTS, [UNIQUE_ID, MODEL])
        numbers = range(file.metadata.num_row_groups)
        columns = parquet.column_names(file)
        read = [name for name in columns if name != UNIQUE_ID]
        groups = [partial(file.read_row_group, number, columns=read) for number in numbers]
        sizes = [file.metadata.row_group(number).num_rows for number in numbers]
        return cls(file.read([UNIQUE_ID])[UNIQUE_ID], groups, sizes, columns, clock)

    @classmethod
    def of_rows(cls, rows: pa.Table, clock: Clock) -> Self:
        """The forecasts from a table like `forecasts.parquet`."""
        return cls(rows[UNIQUE_ID], [lambda: rows], [len(rows)], rows.column_names, clock)

    @property
    def nbytes(self) -> int:
        """The approximate memory use in bytes once everything is decoded."""
        return int((8 * len(self.columns) + 16) * self._edges[-1] + 200 * len(self._place))

    @property
    def levels(self) -> list[int]:
        """The levels of the intervals."""
        return sorted(int(name.removeprefix("lo_")) for name in self.columns if name.startswith("lo_"))

    def __contains__(self, unique_id: str) -> bool:
        return unique_id in self._place

    def steps(self, unique_id: str) -> int:
        """The number of steps forecast for a series."""
        start, end = self._span(unique_id)
        return end - start

    def model(self, unique_id: str) -> str:
        """The model of a series."""
        start, _ = self._span(unique_id)
        (group, at, _), *_ = self._within(start, start + 1)
        return group.model(at)

    def points(self, unique_id: str, h: int | None = None, levels: Sequence[int] | None = None) -> list[Point]:
        """`[{ds, y_hat, lo_80, hi_80, …}]` of the first `h` steps, or all; NotFound if the series is not forecast."""
        start, end = self._span(unique_id)
        end = end if h is None else min(end, start + h)
        names = [name for name in self.columns if levels is None or _level(name) in (None, *levels)]
        return [point for group, a, b in self._within(start, end) for point in group.points(a, b, names)]

    def _span(self, unique_id: str) -> tuple[int, int]:
        try:
            place = self._place[unique_id]
        except KeyError:
            raise NotFound(
                f"there is no forecast of the series {unique_id!r}",
                field="unique_id",
                found=unique_id,
                remedy="Use the name of a series that is listed.",
            ) from None
        return int(self._edges[place]), int(self._edges[place + 1])

    def _within(self, start: int, end: int) -> Iterator[tuple["_Group", int, int]]:
        """The groups that hold the rows, with the range of rows within each."""
        number = int(np.searchsorted(self._firsts, start, side="right")) - 1
        while start < end:
            group = self._decoded[number]
            if group is None:
                group = self._decoded[number] = _Group(self._groups[number](), self.columns, self._clock)
            first, last = int(self._firsts[number]), min(end, int(self._firsts[number + 1]))
            yield group, start - first, last - first
            start, number = last, number + 1


class _Group:
    """Rows as columns, with formatted times."""

    def __init__(self, rows: pa.Table, columns: Sequence[str], clock: Clock) -> None:
        self._ds, stamps = parquet.coded(rows[DS].cast(pa.timestamp("us"), safe=False))
        self._stamps = [clock.write(ds) for ds in stamps]
        self._model, self._models = parquet.coded(rows[MODEL])
        self._values = {name: parquet.numbers(rows[name]) for name in columns}

    def model(self, row: int) -> str:
        return str(self._models[self._model[row]])

    def points(self, start: int, end: int, names: list[str]) -> list[Point]:
        values = [map(known, self._values[name][start:end].tolist()) for name in names]
        stamps = [self._stamps[at] for at in self._ds[start:end].tolist()]
        rows = zip(stamps, *values, strict=True)
        return [cast(Point, dict(zip([DS, *names], row, strict=True))) for row in rows]


def bounds(point: Point, level: int) -> tuple[float | None, float | None]:
    """The interval of a level at one step."""
    return point[f"lo_{level}"], point[f"hi_{level}"]  # type: ignore[literal-required] # extra items: PEP 728


def components(forecast_set: Folder, unique_id: str, clock: Clock) -> list[ComponentsPoint]:
    """Level, trend, … of each step in the unit of y, summing to `y_hat`. Empty for sets without them."""
    steps = _wide(forecast_set, _EXPLANATIONS, unique_id, COMPONENT, clock)
    return [{"ds": ds, "components": parts} for ds, parts in steps]


def bridge(forecast_set: Folder, unique_id: str, clock: Clock) -> list[BridgePoint]:
    """The parts of each step's change since the previous set; empty for the first one."""
    return [{"ds": ds, "parts": parts} for ds, parts in _wide(forecast_set, _BRIDGE, unique_id, _PART, clock)]


def totals(steps: Iterable[Parts], *, summed: bool) -> dict[str, float]:
    """The sum or mean of each part over `steps`.

    Parts that a step lacks count as 0; steps with an unknown part are left out. The order is that of occurrence, and
    the results sum to the sum (or mean) of the steps' sums. Rounding residues of steps that cancel each other, as in a
    whole season, become 0.
    """
    whole = [cast(dict[str, float], parts) for parts in steps if None not in parts.values()]
    names = dict.fromkeys(name for parts in whole for name in parts)
    share = 1 if summed else len(whole)
    amounts = {}
    for name in names:
        values = [parts.get(name, 0.0) for parts in whole]
        total = math.fsum(values)
        amounts[name] = total / share if abs(total) > _ROUNDING * math.fsum(map(abs, values)) else 0.0
    return amounts


def notes(forecast_set: Folder) -> Notes:
    """`explanations.json`: the series explained exactly, and the start of the bridge; empty for sets without it."""
    if "explanations.json" not in forecast_set.files:
        return {}
    return cast(Notes, forecast_set.read_json("explanations.json"))


def _wide(forecast_set: Folder, name: str, unique_id: str, of: str, clock: Clock) -> list[tuple[Stamp, Parts]]:
    """The values per step, keyed by the column `of`; empty if the set lacks the file."""
    if name not in forecast_set.files:
        return []
    rows = parquet.rows_of(forecast_set.open_parquet(name, [UNIQUE_ID]), [unique_id], [DS, of, VALUE])
    steps: dict[datetime, Parts] = {}
    values = parquet.numbers(rows[VALUE]).tolist()
    for ds, key, value in zip(parquet.times(rows[DS]), rows[of].to_pylist(), values, strict=True):
        steps.setdefault(ds, {})[key] = known(value)
    return [(clock.write(ds), parts) for ds, parts in sorted(steps.items())]


def _level(column: str) -> int | None:
    """The level of a bound's column; None for others."""
    side, _, level = column.partition("_")
    return int(level) if side in ("lo", "hi") and level.isdigit() else None
