"""Public holidays of a country or subdivision, known in advance."""

import datetime as dt

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.core.errors import ConfigError, did_you_mean
from pipelines.forecasting import frequency as grid
from pipelines.forecasting.features.calendar import local_time, within_week

FAR = 7  # cap of `days_to_holiday`


def holidays(
    ds: "pd.Series[pd.Timestamp] | pd.DatetimeIndex",
    country: str,
    subdivision: str | None = None,
    *,
    frequency: str,
    timezone: str = "UTC",
) -> pd.DataFrame:
    """Holidays around each timestamp, indexed like `ds`.

    For days and finer: `is_holiday` (0 or 1), `days_to_holiday` (0 on the day, at most 7) and `holiday`, its name or an
    empty string. For weeks and coarser: `n_holidays` within the period, and `holiday`, their names. Sub-daily
    timestamps are converted to `timezone`. ConfigError for a country or subdivision missing from the calendar.
    """
    stamps, distinct = pd.factorize(local_time(ds, frequency, timezone).normalize())
    days = pd.DatetimeIndex(distinct)
    years = range(days.min().year - 1, days.max().year + 2) if len(days) else range(0)
    named = _named(country, subdivision, years)
    dates = pd.DatetimeIndex(sorted(named)).as_unit("ns")
    names = np.array([named[day] for day in sorted(named)], dtype=object)
    table = _days(days, dates, names) if within_week(frequency) else _periods(days, frequency, dates, names)
    index = ds if isinstance(ds, pd.DatetimeIndex) else ds.index
    return table.take(stamps).set_axis(index, axis=0)


def _days(days: pd.DatetimeIndex, dates: pd.DatetimeIndex, names: npt.NDArray[np.object_]) -> pd.DataFrame:
    following = np.searchsorted(dates.to_numpy(), days.to_numpy())
    ahead = np.full(len(days), FAR, dtype=np.int64)
    some = following < len(dates)
    ahead[some] = (dates[following[some]] - days[some]).days
    today = ahead == 0
    name = np.full(len(days), "", dtype=object)
    name[today] = names[following[today]]
    return pd.DataFrame({"is_holiday": today.astype(np.int64), "days_to_holiday": ahead.clip(max=FAR), "holiday": name})


def _periods(
    days: pd.DatetimeIndex, frequency: str, dates: pd.DatetimeIndex, names: npt.NDArray[np.object_]
) -> pd.DataFrame:
    end = pd.DatetimeIndex([grid.period_end(day, frequency) for day in days])
    before = pd.DatetimeIndex([day - grid.parse(frequency) for day in days])
    start = pd.DatetimeIndex([grid.period_end(day, frequency) for day in before])
    first, stop = (np.searchsorted(dates.to_numpy(), edge.to_numpy()) for edge in (start, end))
    joined = ["; ".join(names[a:b]) for a, b in zip(first, stop, strict=True)]
    return pd.DataFrame({"n_holidays": stop - first, "holiday": pd.Series(joined, dtype=object)})


def _named(country: str, subdivision: str | None, years: range) -> dict[dt.date, str]:
    import holidays as library  # 0.3 s to import

    valid = {code for codes in library.registry.COUNTRIES.values() for code in codes if not code.startswith("Holidays")}
    if country not in valid:
        raise ConfigError(
            f"'{country}' is not known{did_you_mean(country, valid)}",
            code="unknown_country",
            field="holidays.country",
            found=country,
            remedy="Use an ISO 3166 code such as GB, US or DE.",
        )
    try:
        return dict(library.country_holidays(country, subdiv=subdivision, years=years))
    except NotImplementedError:  # raised by the library for an unknown subdivision
        parts = library.country_holidays(country).subdivisions
    raise ConfigError(
        f"{country} has no '{subdivision}'{did_you_mean(str(subdivision), parts)}",
        code="unknown_subdivision",
        field="holidays.subdivision",
        found=subdivision,
        remedy=f"Use one of: {', '.join(parts)}." if parts else "Leave it out.",
    )
