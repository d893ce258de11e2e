"""Parsing of timestamps, and conversion between local time and tz-naive UTC."""

from typing import Literal

import pandas as pd

_OFFSET = r"(?:\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?|T\d{2,6})\s*(?:[AaPp][Mm]\s*)?(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
_UNDATED = r"\D*|\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[AaPp][Mm])?"  # pandas would read "now" and "10:30" as today
_UNIX = "Unix time"
_FIRST, _LAST = pd.Timestamp.min.ceil("D"), pd.Timestamp.max.floor("D")  # range of 64 bits of nanoseconds
_EPOCH_UNITS: dict[int, Literal["s", "ms", "us", "ns"]] = {
    10: "s",
    13: "ms",
    16: "us",
    19: "ns",
}  # number of digits of present-day Unix times


def parse(values: pd.Series, date_format: str | None = None) -> tuple[pd.Series, pd.Series, str]:
    """Timestamps, whether each had a UTC offset (then it is UTC already), and how they were read.

    Same index as `values`; NaT where a value is missing or unreadable. Text is read as ISO 8601 if possible, else with
    the day or the month first: whichever reads more values, then whichever gives the more regular steps. Unix times are
    UTC.
    """
    nowhere = pd.Series(False, index=values.index)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return _typed(values.dt.tz_convert("UTC").dt.tz_localize(None)), ~nowhere, "typed, with offset"
    if pd.api.types.is_datetime64_any_dtype(values):
        return _typed(values), nowhere, "typed"
    distinct = pd.Series(values.dropna().unique(), dtype="object")
    text = distinct.astype(str).str.strip()
    if pd.api.types.is_numeric_dtype(values):
        text = text.str.removesuffix(".0")
    stamps, how = _read(text, date_format)
    aware = text.str.contains(_OFFSET, regex=True) | (how == _UNIX)
    lookup = dict(zip(distinct, stamps, strict=True))
    offsets = dict(zip(distinct, aware, strict=True))
    ds = pd.to_datetime(values.map(lookup, na_action="ignore")).astype("datetime64[ns]")
    return ds, values.map(offsets, na_action="ignore").eq(True), how


def _typed(values: pd.Series) -> pd.Series:
    """Timestamps in nanoseconds; NaT for years beyond their range, such as 9999."""
    return values.where(values.between(_FIRST, _LAST)).astype("datetime64[ns]")


def _read(text: pd.Series, date_format: str | None) -> tuple[pd.Series, str]:
    if date_format:
        return _naive(pd.to_datetime(text, format=date_format, errors="coerce", utc=True)), date_format
    text = text.mask(text.str.fullmatch(_UNDATED), "")
    if _most(digits := text.str.fullmatch(r"\d+")):
        return _from_digits(text.where(digits))
    if _most(text.str.fullmatch(r"\d{4}[-\s]?[Qq][1-4]")):
        quarters = text.str.extract(r"^(\d{4})[-\s]?[Qq]([1-4])$")
        months = pd.to_numeric(quarters[1]).mul(3).sub(2).astype("Int64").astype("string")
        return pd.to_datetime(quarters[0] + "-" + months, format="%Y-%m"), "quarters"
    if _most(text.str.fullmatch(r"\d{4}-?W\d{2}")):
        return pd.to_datetime(text.str.replace("-", "") + "1", format="%GW%V%u", errors="coerce"), "ISO weeks"
    text = text.str.replace(r"\s*\b(?:UTC|GMT)$", "Z", regex=True)
    iso = _naive(pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True))
    return (iso, "ISO 8601") if _most(iso.notna()) else _by_day_or_month(text)


def _most(readable: pd.Series) -> bool:
    """Whether at least half of the values have a format; the others then count as mistakes."""
    return bool(readable.mean() >= 0.5)


def _by_day_or_month(text: pd.Series) -> tuple[pd.Series, str]:
    month_first = _naive(pd.to_datetime(text, format="mixed", errors="coerce", utc=True))
    day_first = _naive(pd.to_datetime(text, format="mixed", dayfirst=True, errors="coerce", utc=True))
    day_first = day_first.mask(text.str.match(r"\d{4}\D"), month_first)  # the month follows the year
    # pandas always reads 13/02 with the day first, so such values show which order the column has.
    first = pd.to_numeric(text.str.extract(r"^(\d{1,2})\D")[0], errors="coerce") > 12
    second = pd.to_numeric(text.str.extract(r"^\d{1,2}\D(\d{1,2})\D")[0], errors="coerce") > 12
    if first.any() or second.any():
        by_day = int(first.sum()) >= int(second.sum())
        return (day_first.mask(second), "day first") if by_day else (month_first.mask(first), "month first")
    if _most(text.str.match(r"\d{1,2}\.\d{1,2}\.\d")):  # no country writes the month first with dots
        return day_first, "day first"
    if day_first.equals(month_first):
        return day_first, "unambiguous"
    days, months = _regularity(day_first), _regularity(month_first)
    if days == months:
        return day_first, "day first; month first would fit as well: set source.date_format if so"
    return (day_first, "day first, by its steps") if days > months else (month_first, "month first, by its steps")


def _from_digits(text: pd.Series) -> tuple[pd.Series, str]:
    length = int(text.str.len().mode().iloc[0])
    if length in _EPOCH_UNITS:
        return pd.to_datetime(pd.to_numeric(text), unit=_EPOCH_UNITS[length], errors="coerce"), _UNIX
    formats = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
    date_format = formats.get(length, "%Y%m%d")
    return pd.to_datetime(text, format=date_format, errors="coerce"), date_format


def _naive(stamps: pd.Series) -> pd.Series:
    naive: pd.Series = stamps.dt.tz_localize(None)
    return naive


def _regularity(stamps: pd.Series) -> tuple[bool, float]:
    """Whether the distinct timestamps form a regular grid, and the share of the steps of a grid that they fill.

    A low share reveals months misread as days of January, since those fill few of the days of their years.
    """
    grid = pd.DatetimeIndex(stamps.dropna().sort_values())
    if len(grid) < 3:
        return False, 0.0
    if pd.infer_freq(grid) is not None:
        return True, 1.0
    step = pd.Series(grid).diff().mode().iloc[0]
    return False, round((len(grid) - 1) * step / (grid[-1] - grid[0]), 2)


def to_utc(ds: pd.Series, unique_id: pd.Series, timezone: str) -> pd.Series:
    """Local timestamps as tz-naive UTC; NaT for a local time skipped by a clock change.

    A repeated hour is resolved by its order within the series: the first half of the rows with the same time is summer
    time, or the second half if the rows are in descending order. A single row is summer time.
    """
    repeated = ds[ds.dt.tz_localize(timezone, ambiguous="NaT", nonexistent="shift_forward").isna() & ds.notna()]
    rows = pd.DataFrame({"unique_id": unique_id[repeated.index], "ds": repeated})
    passes = rows.groupby(["unique_id", "ds"], observed=True)["ds"]
    place, size = passes.cumcount(), passes.transform("size")
    backwards = _backwards(ds, unique_id, rows["unique_id"])
    summer = pd.Series(True, index=ds.index)
    summer[repeated.index] = (place < size / 2) ^ (backwards & (size > 1))
    local = ds.dt.tz_localize(timezone, ambiguous=summer.to_numpy(), nonexistent="NaT")
    utc: pd.Series = local.dt.tz_convert("UTC").dt.tz_localize(None)
    return utc


def _backwards(ds: pd.Series, unique_id: pd.Series, wanted: pd.Series) -> pd.Series:
    """Whether the series of each of `wanted` is in descending order: its first timestamp is later than its last."""
    some = unique_id.isin(wanted.unique())
    ends = ds[some].groupby(unique_id[some]).agg(["first", "last"])
    return wanted.map(ends["first"] > ends["last"]).astype(bool)


def to_local(ds: pd.Series, timezone: str) -> pd.Series:
    """tz-naive UTC as tz-naive local time, for people."""
    local: pd.Series = ds.dt.tz_localize("UTC").dt.tz_convert(timezone).dt.tz_localize(None)
    return local
