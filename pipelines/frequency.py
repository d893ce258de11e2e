"""The grid of a series: a pandas offset alias, its steps and its seasons."""

from typing import Any, Literal, cast

import pandas as pd
from pandas.tseries.frequencies import to_offset

from pipelines.errors import ConfigError

# Seasons in steps, the primary one first, and a horizon people plan with; keyed by the alias without its anchor.
# A day for hours and finer, a week for days, a year for weeks and coarser.
_SEASONS: dict[str, tuple[tuple[int, ...], int]] = {
    "h": ((24, 168), 48),
    "D": ((7,), 28),
    "B": ((5,), 20),
    "W": ((52,), 13),
    "MS": ((12,), 12),
    "ME": ((12,), 12),
    "QS": ((4,), 8),
    "QE": ((4,), 8),
    "YS": ((1,), 5),
    "YE": ((1,), 5),
}
_ENDS = ("W", "ME", "QE", "YE", "BME", "BQE", "BYE", "SME")  # pandas labels these periods by their last day
_DAY = pd.Timedelta(days=1)


def parse(alias: str) -> pd.DateOffset:
    """The pandas offset of `alias`; ConfigError if pandas does not know it or it runs backwards."""
    try:
        offset = to_offset(alias)
    except ValueError:
        offset = None
    if offset is None or offset.n < 1:
        raise ConfigError(f"frequency: '{alias}' is no pandas alias such as 30min, h, D, W-SUN, MS, QS or YS.")
    return cast(pd.DateOffset, offset)


def is_subdaily(alias: str) -> bool:
    """Whether a step is shorter than a day: only then does a time zone move a timestamp."""
    step = fixed_step(alias)
    return step is not None and step < _DAY


def fixed_step(alias: str) -> pd.Timedelta | None:
    """The length of a step, or None for calendar steps (weeks are anchored, months differ in length)."""
    offset = parse(alias)
    return pd.Timedelta(offset.nanos, "ns") if isinstance(offset, pd.offsets.Tick | pd.offsets.Day) else None


def default_seasons(alias: str) -> tuple[int, ...]:
    """Season lengths in steps, the primary one first."""
    step = fixed_step(alias)
    if step is not None and step < _DAY and alias != "h":
        day = round(_DAY / step)
        return (day, 7 * day) if day > 1 else (1,)
    return _table(alias)[0]


def default_horizon(alias: str) -> int:
    """A horizon in steps: a day for minutes, two days for hours, four weeks for days, a year for months."""
    step = fixed_step(alias)
    if step is not None and step < _DAY and alias != "h":
        return max(1, round(_DAY / step))
    return _table(alias)[1]


def _table(alias: str) -> tuple[tuple[int, ...], int]:
    parsed = parse(alias)
    seasons, horizon = _SEASONS.get(parsed.name.partition("-")[0], ((1,), 12))
    if parsed.n > 1:  # 2W, 3MS: the season holds whole steps or there is none
        seasons = tuple(s // parsed.n for s in seasons if s % parsed.n == 0 and s > parsed.n) or (1,)
    return seasons, horizon


def snap(ds: pd.Series, alias: str, origin: pd.Timestamp | None = None) -> pd.Series:
    """Each timestamp moved to the label of its period, as `pandas.resample` labels them; shape and index of `ds`.

    `origin` aligns steps such as 2D or 2W that have no natural start; None counts them from 1970.
    """
    step = fixed_step(alias)
    if step is not None:
        if origin is None or step <= _DAY:
            floored: pd.Series = ds.dt.floor(step)
            return floored
        return origin + ((ds - origin) // step) * step
    offset = parse(alias)
    forward = parsed_name(alias) in _ENDS
    days = pd.Series(pd.DatetimeIndex(ds.dt.normalize().unique()))
    label: dict[Any, Any] = {day: offset.rollforward(day) if forward else offset.rollback(day) for day in days}
    snapped = ds.dt.normalize().map(label)
    return pd.Series(snapped, index=ds.index, dtype=ds.dtype)


def parsed_name(alias: str) -> str:
    """The alias without multiple and anchor: 'W' for 2W-SUN."""
    return str(parse(alias).name).partition("-")[0]


def future(last: pd.Timestamp, alias: str, h: int) -> pd.DatetimeIndex:
    """The `h` grid points after `last`."""
    return pd.date_range(last, periods=h + 1, freq=parse(alias))[1:]


def period_end(ds: pd.Timestamp, alias: str) -> pd.Timestamp:
    """The first moment after the period labelled `ds`: only then is the period complete."""
    if parsed_name(alias) in _ENDS:
        return pd.Timestamp(ds) + _DAY
    return pd.Timestamp(ds + parse(alias))


def infer(ds: pd.Series) -> tuple[str, Literal["exact", "modal"]]:
    """The alias of the grid on which the distinct timestamps `ds` lie, and whether all of them do.

    Raises ConfigError when there are fewer than 3 distinct timestamps or no usable step.
    """
    stamps = pd.DatetimeIndex(pd.Series(ds.dropna().unique()).sort_values())
    if len(stamps) < 3:
        raise ConfigError(
            f"frequency: auto needs at least 3 distinct timestamps, found {len(stamps)}. Set frequency in the workspace file."
        )
    exact = pd.infer_freq(stamps)
    if exact is not None:
        return parse(exact).freqstr, "exact"
    step = pd.Series(stamps).diff().mode().iloc[0]
    days = step / _DAY
    anchored = {7: f"W-{stamps[-1].day_name()[:3].upper()}", 90: "QS", 91: "QS", 92: "QS", 365: "YS", 366: "YS"}
    if days in anchored:
        return anchored[int(days)], "modal"
    if 28 <= days <= 31:
        return ("MS" if (stamps.day == 1).mean() >= 0.5 else "ME"), "modal"
    return pd.infer_freq(pd.date_range(stamps[0], periods=3, freq=step)) or str(step), "modal"
