"""Cyclic calendar features: position in the day, week, month and year as sine and cosine."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.forecasting import frequency as grid

_DAY = pd.Timedelta(days=1)
_WEEK = pd.Timedelta(days=7)
_DAYS = {"time_of_day": 1, "day_of_week": 7, "day_of_month": 365.25 / 12, "day_of_year": 365.25}
_YEARLY = ("YS", "YE", "BYS", "BYE")


def calendar(ds: "pd.Series[pd.Timestamp] | pd.DatetimeIndex", frequency: str, timezone: str = "UTC") -> pd.DataFrame:
    """`<cycle>_sin, <cycle>_cos` for each cycle that varies at the frequency, indexed like `ds`.

    Sub-daily steps have time of day, day of week and day of year; days also have the day of month; weeks to quarters
    only the day of year; years none. Sub-daily timestamps are converted to `timezone`; coarser ones are dates already.
    """
    local = local_time(ds, frequency, timezone)
    columns: dict[str, npt.NDArray[np.float64]] = {}
    for name in cycles(frequency):
        angle = 2 * np.pi * _share(local, name)
        columns |= {f"{name}_sin": np.sin(angle), f"{name}_cos": np.cos(angle)}
    return pd.DataFrame(columns, index=ds if isinstance(ds, pd.DatetimeIndex) else ds.index)


def cycles(frequency: str) -> tuple[str, ...]:
    """The cycles that vary at this frequency."""
    if grid.is_subdaily(frequency):
        return ("time_of_day", "day_of_week", "day_of_year")
    if within_week(frequency):
        return ("day_of_week", "day_of_month", "day_of_year")
    return () if grid.parsed_name(frequency) in _YEARLY else ("day_of_year",)


def cycle_length(cycle: str, frequency: str) -> int:
    """The approximate length of the cycle in steps of this frequency: 24 for a day of hours."""
    return grid.steps_in(_DAYS[cycle], frequency)


def within_week(frequency: str) -> bool:
    """Whether a step is shorter than a week, so that a timestamp falls on a single day."""
    step = grid.fixed_step(frequency)
    return step < _WEEK if step is not None else grid.parsed_name(frequency) in ("B", "C")


def local_time(ds: "pd.Series[pd.Timestamp] | pd.DatetimeIndex", frequency: str, timezone: str) -> pd.DatetimeIndex:
    """Sub-daily timestamps in local time of `timezone`; others unchanged."""
    stamps = pd.DatetimeIndex(ds)
    if timezone == "UTC" or not grid.is_subdaily(frequency):
        return stamps
    return stamps.tz_localize("UTC").tz_convert(timezone).tz_localize(None)


def _share(ds: pd.DatetimeIndex, cycle: str) -> npt.NDArray[np.float64]:
    """The elapsed share of the cycle, in [0, 1)."""
    passed: pd.Index[float] | pd.Index[int]
    length: pd.Index[int] | npt.NDArray[np.int64] | int
    if cycle == "time_of_day":
        passed, length = (ds - ds.normalize()) / _DAY, 1
    elif cycle == "day_of_week":
        passed, length = ds.dayofweek, 7
    elif cycle == "day_of_month":
        passed, length = ds.day - 1, ds.days_in_month
    else:
        passed, length = ds.dayofyear - 1, 365 + ds.is_leap_year.astype(np.int64)
    return np.asarray(passed, dtype=np.float64) / np.asarray(length, dtype=np.float64)
