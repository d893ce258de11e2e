"""The grid of a series: a pandas offset alias, its steps and its seasons."""

import warnings
from functools import lru_cache
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.tseries.frequencies import to_offset

from pipelines.core.errors import ConfigError, DataError
from pipelines.core.figures import percent

# Seasons and usual planning horizon in steps, for steps of a day or longer, by alias without anchor.
_SEASONS: dict[str, tuple[int, int]] = {
    "D": (7, 28),
    "B": (5, 20),
    "W": (52, 13),
    "MS": (12, 12),
    "ME": (12, 12),
    "QS": (4, 8),
    "QE": (4, 8),
    "YS": (1, 5),
    "YE": (1, 5),
}
_ALIASES = 1_000  # cache size; limited because aliases also come from clients
_ENDS = ("W", "ME", "QE", "YE", "BME", "BQE", "BYE", "SME")  # pandas labels these periods by their last day
_DAY = pd.Timedelta(days=1)
_LONG = pd.Timestamp("2041-01-01") - pd.Timestamp("2001-01-01")  # long enough to average calendar steps
_COMMON = 0.3  # minimum share of the most common step for it to define a grid


@lru_cache(maxsize=_ALIASES)
def parse(alias: str) -> pd.DateOffset:
    """The pandas offset of `alias`; ConfigError if pandas rejects it, it runs backwards or means business hours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # many people still write H and M for h and ME
        try:
            offset = to_offset(alias)
        except ValueError:
            offset = None
    if offset is None or offset.n < 1 or isinstance(offset, pd.offsets.BusinessHour):
        raise ConfigError(
            f"'{alias}' is no pandas alias",
            code="unknown_frequency",
            field="frequency",
            found=alias,
            remedy="Use an alias such as 30min, h, D, W-SUN, MS, QS or YS.",
        )
    return cast(pd.DateOffset, offset)


def is_subdaily(alias: str) -> bool:
    """Whether a step is shorter than a day; only then does the time zone affect timestamps."""
    step = fixed_step(alias)
    return step is not None and step < _DAY


def fixed_step(alias: str) -> pd.Timedelta | None:
    """The length of a step, or None for calendar steps (weeks are anchored, months differ in length)."""
    offset = parse(alias)
    return pd.Timedelta(offset.nanos, "ns") if isinstance(offset, pd.offsets.Tick | pd.offsets.Day) else None


def typical_step(alias: str) -> pd.Timedelta:
    """The length of a step, approximate for calendar steps."""
    first, second = pd.date_range("2024-01-01", periods=2, freq=parse(alias))
    return pd.Timedelta(second - first)


@lru_cache(maxsize=_ALIASES)
def steps_in(days: float, alias: str) -> int:
    """The approximate number of steps in `days` days, at least one: 5 business days in a week."""
    step = fixed_step(alias)
    if step is None:
        step = _LONG / len(pd.date_range("2001-01-01", "2041-01-01", freq=parse(alias), inclusive="left"))
    return max(1, round(pd.Timedelta(days=days) / step))


def default_seasons(alias: str) -> tuple[int, ...]:
    """Season lengths in steps, the primary one first: day and week within days, then the week, then the year."""
    step = fixed_step(alias)
    if step is not None and step < _DAY:
        day = round(_DAY / step)
        return (day, 7 * day) if day > 1 else (1,)
    (season, _), n = _planned(alias)
    return (season // n,) if season % n == 0 else (1,)  # 2W, 3MS: a season must consist of whole steps


def default_horizon(alias: str) -> int:
    """A horizon in steps: a day for minutes, two days for hours, four weeks for days, a year for months."""
    step = fixed_step(alias)
    if step is not None and step < _DAY:
        days = 2 if step >= pd.Timedelta(hours=1) else 1
        return max(1, round(days * _DAY / step))
    return _planned(alias)[0][1]


def _planned(alias: str) -> tuple[tuple[int, int], int]:
    """Season and horizon of the alias without its multiple, and the multiple."""
    step = fixed_step(alias)
    if step is not None:
        return _SEASONS["D"], max(1, round(step / _DAY))
    name = parsed_name(alias)
    return _SEASONS.get(name) or _SEASONS.get(name.removeprefix("B"), (1, 12)), parse(alias).n  # BMS is like MS


def snap(ds: pd.Series, alias: str, origin: pd.Timestamp | None = None) -> pd.Series:
    """Each timestamp moved to the label of its period, as `pandas.resample` labels them; shape and index of `ds`.

    Timestamps move forward in periods that pandas labels by their last day (weeks, ME), otherwise back. `origin` is the
    start of fixed steps, None: 1970. For multiples such as 2W or 3MS, the first timestamp's period is the first label.
    """
    step = fixed_step(alias)
    if step is not None:
        start = origin if origin is not None else pd.Timestamp(0)
        return start + ((ds - start) // step) * step
    offset, forward = parse(alias), labels_ends(alias)
    days = pd.DatetimeIndex(ds.dt.normalize().unique())
    labels = pd.DatetimeIndex([offset.rollforward(day) if forward else offset.rollback(day) for day in days])
    if offset.n > 1 and len(labels):
        grid = pd.date_range(labels.min(), labels.max() + offset, freq=offset)
        labels = grid[grid.searchsorted(labels, side="left") if forward else grid.searchsorted(labels, "right") - 1]
    snapped: pd.Series = ds.dt.normalize().map(pd.Series(labels, index=days)).astype(ds.dtype)
    return snapped


def labels_ends(alias: str) -> bool:
    """Whether pandas labels the periods of `alias` by their last day."""
    return parsed_name(alias) in _ENDS


def parsed_name(alias: str) -> str:
    """The alias without multiple and anchor: 'W' for 2W-SUN."""
    return str(parse(alias).name).partition("-")[0]


def places(ds: pd.Series, start: pd.Timestamp, alias: str) -> npt.NDArray[np.int64]:
    """The number of steps from the grid point `start` to each grid point. Grids of fixed steps are not materialised."""
    step = fixed_step(alias)
    if step is not None:
        return np.array((ds - start) // step, dtype=np.int64)
    grid = pd.date_range(start, ds.max(), freq=parse(alias))
    return np.array(grid.get_indexer(pd.DatetimeIndex(ds)), dtype=np.int64)


def points(places: npt.NDArray[np.int64], start: pd.Timestamp, alias: str) -> pd.DatetimeIndex:
    """The grid points at these numbers of steps after the grid point `start`."""
    step = fixed_step(alias)
    if step is not None:
        return start + pd.to_timedelta(places * step.value, unit="ns")
    return pd.date_range(start, periods=int(places.max()) + 1, freq=parse(alias))[places]


def future(last: pd.Timestamp, alias: str, h: int) -> pd.DatetimeIndex:
    """The `h` grid points after `last`."""
    points = pd.date_range(last, periods=h + 1, freq=parse(alias))
    return points[points > last][:h]


def phase(ds: pd.DatetimeIndex, alias: str, season: int) -> npt.NDArray[np.intp]:
    """The position of each grid point in a season of `season` steps, 0 to `season` − 1, counted from 1970."""
    offset, name = parse(alias), parsed_name(alias)
    if name in ("B", "C"):
        steps = np.busday_count("1970-01-01", ds.to_numpy().astype("datetime64[D]")) // offset.n
    elif (step := fixed_step(alias) or (offset.n * 7 * _DAY if name == "W" else None)) is not None:
        steps = ((ds - pd.Timestamp(0)) // step).to_numpy()
    else:
        months = max(1, round(typical_step(alias) / (365.25 / 12 * _DAY)))
        steps = ((12 * ds.year + ds.month - 1) // months).to_numpy()
    return (steps % season).astype(np.intp)


def period_start(ds: pd.Timestamp, alias: str) -> pd.Timestamp:
    """The first moment of the period labelled `ds`."""
    return period_end(ds - parse(alias), alias) if labels_ends(alias) else pd.Timestamp(ds)


def period_end(ds: pd.Timestamp, alias: str) -> pd.Timestamp:
    """The first moment after the period labelled `ds`, when it is complete."""
    return pd.Timestamp(ds) + _DAY if labels_ends(alias) else pd.Timestamp(ds + parse(alias))


def infer(ds: pd.Series) -> tuple[str, Literal["exact", "modal"]]:
    """The alias of the grid on which the distinct timestamps `ds` lie, and whether all of them do.

    Raises ConfigError for fewer than 3 distinct timestamps or without a usable step.
    """
    stamps = pd.DatetimeIndex(pd.Series(ds.dropna().unique()).sort_values())
    if len(stamps) < 3:
        raise DataError(
            f"frequency: auto needs at least 3 distinct timestamps, found {len(stamps)}",
            code="too_few_timestamps",
            field="frequency",
            found=len(stamps),
            remedy="Set frequency in the workspace file.",
        )
    exact = pd.infer_freq(stamps)
    if exact == "bh":  # pandas infers business hours from hours without nights
        return "h", "modal"
    if exact is not None:
        return parse(exact).freqstr, "exact"
    steps = pd.Series(stamps).diff().dropna()
    step = steps.mode().iloc[0]
    share = float((steps == step).mean())
    if share < _COMMON:
        raise DataError(
            "frequency: auto finds no common step between the timestamps: "
            f"the most common one, {step}, makes up {percent(share)}",
            code="no_common_step",
            field="frequency",
            found={"step": str(step), "share": share},
            remedy="Set frequency in the workspace file to the grid you want.",
        )
    return _modal(stamps, step), "modal"


def _modal(stamps: pd.DatetimeIndex, step: pd.Timedelta) -> str:
    """The alias for timestamps that mostly lie `step` apart."""
    days = step / _DAY
    edge = "S" if (stamps.day == 1).mean() >= 0.5 else "E"
    month = stamps.month_name().value_counts().index[0][:3].upper()
    weekday = stamps.day_name().value_counts().index[0][:3].upper()
    if days == 1 and (stamps.dayofweek < 5).all() and stamps[-1] - stamps[0] > 7 * _DAY:
        return "B"
    if days == 7:
        return f"W-{weekday}"
    if 30 <= days <= 31:
        return f"M{edge}"
    if 90 <= days <= 92:
        return f"Q{edge}-{month}"
    if 365 <= days <= 366:
        return f"Y{edge}-{month}"
    return pd.infer_freq(pd.date_range(stamps[0], periods=3, freq=step)) or str(step)
