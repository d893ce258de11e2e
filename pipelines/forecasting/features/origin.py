"""Features of direct forecasts: what is known at an origin about a step ahead, in units of the series.

Every value is the distance from the series' recent level in units of its recent spread, so that one model can learn
from series of any size. Values at the same phase of each season, newest values and recent means describe the series;
calendar, covariates and attributes describe the step. Only future covariates may lie after the origin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.forecasting import frequency as grids
from pipelines.forecasting.features.calendar import calendar, cycles
from pipelines.forecasting.panel import Panel
from pipelines.tables.schema import DS, UNIQUE_ID, Y

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

_CYCLES = {
    "time_of_day": pd.Timedelta(days=1),
    "day_of_week": pd.Timedelta(days=7),
    "day_of_month": pd.Timedelta(days=31),
    "day_of_year": pd.Timedelta(days=366),
}
# Prefixes of features from future covariates, past covariates and attributes. No other feature has them, so a covariate
# may have any name.
AHEAD, AT_ORIGIN, OF_SERIES = "ahead: ", "at origin: ", "series: "
_NEWEST = 4  # values right before the step, each a feature
_PHASES = 7  # most values at the same phase of a season
_SHARED = 0.01  # minimum share of the series with a value of an attribute for that value to be a feature
_RECENT = 30  # observations for a level, unless a season is longer


@dataclass(frozen=True)
class Histories:
    """A panel as matrices with one row per series, all ending in the last column; NaN before a series starts.

    `y`: n × T. `future`: name to n × (T + steps ahead). `past`: name to n × T. `static`: n × attributes. Text is stored
    as codes. Column c of series i is `grid[offset[i] + c]`.
    """

    ids: list[str]
    y: Array
    grid: pd.DatetimeIndex
    offset: Index
    frequency: str
    future: Mapping[str, Array]
    past: Mapping[str, Array]
    static: Mapping[str, Array]

    def then(self, y: Array) -> "Histories":
        """The histories extended by `y` (n × steps) as if observed."""
        past = {
            name: np.hstack([values, np.repeat(values[:, -1:], y.shape[1], 1)]) for name, values in self.past.items()
        }
        return replace(self, y=np.hstack([self.y, y]), past=past)


@dataclass(frozen=True)
class Shape:
    """The configuration of the features: seasons, values per season, steps for level and spread, calendar cycles (those
    that occur twice in the panel), and the time zone.
    """

    seasons: tuple[int, ...]
    phases: tuple[int, ...]
    window: int
    cycles: tuple[str, ...]
    timezone: str = "UTC"  # default for older runs, which do not store it

    @classmethod
    def of(cls, known: Histories, seasons: Sequence[int], timezone: str = "UTC") -> "Shape":
        """The shape that the histories allow: a season must fit twice into the typical history."""
        typical = int(np.median((~np.isnan(known.y)).sum(axis=1)))
        usable = tuple(sorted({m for m in seasons if m > 1 and 2 * m <= typical}))
        phases = tuple(int(np.clip(typical // m - 1, 1, _PHASES)) for m in usable)
        span = known.grid[-1] - known.grid[0]
        seen = tuple(name for name in cycles(known.frequency) if 2 * _CYCLES[name] <= span)
        return cls(usable, phases, max((*usable, min(_RECENT, typical // 4), 4)), seen, timezone)


def histories(panel: Panel, codes: Mapping[str, Mapping[str, int]], ahead: pd.DataFrame | None = None) -> Histories:
    """`panel` as matrices; `ahead` has `unique_id, ds` and future covariates, one row per series and step ahead."""
    rows = panel.history
    sizes = rows.groupby(UNIQUE_ID, sort=True).size()
    ids, lengths = [str(name) for name in sizes.index], sizes.to_numpy()
    length, steps = int(lengths.max()), 0 if ahead is None else len(ahead) // len(ids)
    row = np.repeat(np.arange(len(ids)), lengths)
    column = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + length - lengths[row]

    def matrix(values: Array, width: int = 0) -> Array:
        cells = np.full((len(ids), length + width), np.nan)
        cells[row, column] = values
        return cells

    def known(name: str) -> Array:
        cells = matrix(_numbers(rows[name], codes.get(name)), steps)
        if ahead is not None and steps:
            cells[:, length:] = _numbers(ahead[name], codes.get(name)).reshape(len(ids), steps)
        return cells

    ends = pd.DatetimeIndex(rows[DS].to_numpy()[np.cumsum(lengths) - 1])
    offset = grids.parse(panel.frequency)
    first = pd.date_range(end=ends.min(), periods=length, freq=offset)[0]
    grid = pd.date_range(first, ends.max(), freq=offset)
    if steps:
        grid = pd.DatetimeIndex([*grid, *grids.future(grid[-1], panel.frequency, steps)])
    static = pd.DataFrame(index=ids) if panel.static is None else panel.static.set_index(UNIQUE_ID).reindex(ids)
    return Histories(
        ids,
        matrix(rows[Y].to_numpy(dtype=float)),
        grid,
        grid.get_indexer(ends) - length + 1,
        panel.frequency,
        {name: known(name) for name in panel.future},
        {name: matrix(_numbers(rows[name], codes.get(name))) for name in panel.past},
        {str(name): _numbers(static[name], codes.get(str(name))) for name in static if codes.get(str(name)) != {}},
    )


def encode(panel: Panel) -> dict[str, dict[str, int]]:
    """Codes of the texts in covariates and attributes of the panel, by name and text.

    An attribute value shared by under 1 % of the series acts as a name and gets no code; an attribute with only such
    values has an empty entry.
    """
    columns = [(panel.history[name], 0.0) for name in (*panel.future, *panel.past)]
    if panel.static is not None:
        columns += [(panel.static[name], _SHARED) for name in panel.static.columns.drop(UNIQUE_ID)]
    return {
        str(values.name): _codes(values, share)
        for values, share in columns
        if not pd.api.types.is_numeric_dtype(values)
    }


def features(
    known: Histories, shape: Shape, row: Index, origin: Index, step: Index
) -> tuple[pd.DataFrame, Array, Array]:
    """The features of `step` steps after column `origin` of series `row`, with level and spread; one row each.

    A feature is NaN if the series has no such value. The target in the same units is (y − level) / spread; a spread of
    0 means that the series was constant before the origin.
    """
    sums = _Sums.of(known.y)
    level, spread = sums.level(row, origin, shape.window)
    unit = np.where(spread > 0, spread, 1.0)

    def value(column: Index) -> Array:
        target = np.where(column >= 0, known.y[row, np.maximum(column, 0)], np.nan)
        return np.asarray((target - level) / unit)

    table: dict[str, Array] = {
        "step": step.astype(float),
        "relative spread": spread / np.maximum(spread + np.abs(level), 1e-12),
    }
    table |= {f"newest {k}": value(origin - k) for k in range(_NEWEST)}
    for m, phases in zip(shape.seasons, shape.phases, strict=True):
        phase = origin + step - m * -(-step // m)
        same = [value(phase - k * m) for k in range(phases)]
        table |= {f"season {m} {k}": values for k, values in enumerate(same)}
        table[f"season {m} mean"] = mean(same)
        table[f"season {m} change"] = value(origin) - value(origin - m)
    for w in dict.fromkeys((*shape.seasons, shape.window)):
        table[f"mean {w}"] = (sums.level(row, origin, w)[0] - level) / unit
        table[f"mean {w} before"] = (sums.level(row, origin - w, w)[0] - level) / unit
    table |= _special(known, shape, row, origin, step)
    return pd.DataFrame(table), level, spread


def _special(known: Histories, shape: Shape, row: Index, origin: Index, step: Index) -> dict[str, Array]:
    """The features of a step: its date, its future covariates, the past covariates at the origin, and attributes."""
    at = known.offset[row] + origin + step
    points = calendar(known.grid, known.frequency, shape.timezone)
    table = {str(name): points[name].to_numpy()[at] for name in points if str(name).rpartition("_")[0] in shape.cycles}
    table |= {AHEAD + name: values[row, origin + step] for name, values in known.future.items()}
    table |= {AT_ORIGIN + name: values[row, origin] for name, values in known.past.items()}
    return table | {OF_SERIES + name: values[row] for name, values in known.static.items()}


def covariate(feature: str) -> str | None:
    """The covariate or attribute behind a feature; None for features of the series itself or of the calendar."""
    kinds = (kind for kind in (AHEAD, AT_ORIGIN, OF_SERIES) if feature.startswith(kind))
    return next((feature.removeprefix(kind) for kind in kinds), None)


def former(feature: str) -> str:
    """The name of the feature in older runs, whose covariates shared names with features."""
    name = covariate(feature)
    if name is None:
        return feature
    return f"{name} at origin" if feature.startswith(AT_ORIGIN) else name


@dataclass(frozen=True)
class _Sums:
    """Running sums along each series, so that the mean of any window needs two look-ups."""

    count: Array
    total: Array
    squares: Array
    shift: Array

    @classmethod
    def of(cls, y: Array) -> "_Sums":
        count = np.cumsum(~np.isnan(y), axis=1, dtype=float)
        # Centred so that squares stay small and exact; the first value precedes every origin.
        shift = np.nan_to_num(np.take_along_axis(y, (~np.isnan(y)).argmax(axis=1)[:, None], axis=1))
        return cls(count, np.nancumsum(y - shift, axis=1), np.nancumsum((y - shift) ** 2, axis=1), shift)

    def level(self, row: Index, end: Index, window: int) -> tuple[Array, Array]:
        """Mean and standard deviation of the `window` steps up to `end`; of all steps so far if these have no value."""
        mean, spread = self._moments(row, end - window, end)
        ever, ever_spread = self._moments(row, np.full_like(end, -1), end)
        mean = np.where(np.isnan(mean), np.nan_to_num(ever), mean)
        spread = np.where(spread > 0, spread, np.nan_to_num(ever_spread))
        return mean, np.where(spread > 1e-9 * np.abs(mean), spread, 0.0)

    def _moments(self, row: Index, before: Index, end: Index) -> tuple[Array, Array]:
        count, total, squares = (self._span(sums, row, before, end) for sums in (self.count, self.total, self.squares))
        known = np.where(count > 0, count, np.nan)
        mean = total / known
        return mean + self.shift[row, 0], np.sqrt(np.maximum(squares / known - mean**2, 0))

    @staticmethod
    def _span(sums: Array, row: Index, before: Index, end: Index) -> Array:
        up_to = np.where(end >= 0, sums[row, np.maximum(end, 0)], 0.0)
        return np.asarray(up_to - np.where(before >= 0, sums[row, np.maximum(before, 0)], 0.0))


def mean(parts: Sequence[Array] | Array) -> Array:
    """The mean of the known values of `parts`, arrays of one shape; NaN without any."""
    stacked = np.asarray(parts)
    count = (~np.isnan(stacked)).sum(axis=0)
    return np.asarray(np.nansum(stacked, axis=0) / np.where(count > 0, count, np.nan))


def _codes(values: pd.Series, share: float) -> dict[str, int]:
    """A code for each text that makes up at least this share of the values."""
    counts = values.value_counts()
    counts = counts.groupby(counts.index.map(str)).sum()
    return {str(text): code for code, text in enumerate(sorted(counts.index[counts.ge(share * len(values))]))}


def _numbers(values: pd.Series, codes: Mapping[str, int] | None) -> Array:
    """Numbers unchanged, text as codes; NaN for missing values and unseen texts."""
    if codes is None:
        return values.to_numpy(dtype=float)
    place, texts = pd.factorize(values)  # one look-up per distinct text; -1 is missing
    return np.array([codes.get(str(text), np.nan) for text in texts] + [np.nan])[place]
