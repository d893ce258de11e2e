"""Timestamps as sources write them, and their way from a local clock to tz-naive UTC."""

from typing import Literal

import pandas as pd

_OFFSET = r"\d{1,2}:\d{2}.*(?:Z|[+-]\d{2}:?\d{2})$"
_EPOCH_UNITS: dict[int, Literal["s", "ms", "us", "ns"]] = {
    10: "s",
    13: "ms",
    16: "us",
    19: "ns",
}  # digits of a Unix time of our days


def parse(values: pd.Series, date_format: str | None = None) -> tuple[pd.Series, pd.Series, str]:
    """Timestamps, whether each came with a UTC offset (then it is UTC already), and how they were read.

    Same index as `values`; NaT where a value is missing or unreadable. Text is read as ISO 8601 where it can be, else
    with the day or the month first, whichever reads more values and then gives the steadier steps.
    """
    nowhere = pd.Series(False, index=values.index)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return values.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[ns]"), ~nowhere, "typed, with offset"
    if pd.api.types.is_datetime64_any_dtype(values):
        return values.astype("datetime64[ns]"), nowhere, "typed"
    distinct = pd.Series(values.dropna().unique(), dtype="object")
    text = distinct.astype(str).str.strip()
    if pd.api.types.is_numeric_dtype(values):
        text = text.str.removesuffix(".0")
    aware = text.str.contains(_OFFSET, regex=True)
    stamps, how = _read(text, date_format)
    lookup = dict(zip(distinct, stamps, strict=True))
    offsets = dict(zip(distinct, aware, strict=True))
    ds = pd.to_datetime(values.map(lookup, na_action="ignore")).astype("datetime64[ns]")
    return ds, values.map(offsets, na_action="ignore").eq(True), how


def _read(text: pd.Series, date_format: str | None) -> tuple[pd.Series, str]:
    if date_format:
        return _naive(pd.to_datetime(text, format=date_format, errors="coerce", utc=True)), date_format
    digits = text.str.fullmatch(r"\d+")
    if len(text) and bool(digits.all()):
        return _from_digits(text)
    quarters = text.str.extract(r"^(\d{4})[-\s]?[Qq]([1-4])$").dropna()
    if len(text) and len(quarters) == len(text):
        months = quarters[1].astype(int).mul(3).sub(2).astype(str)
        return pd.to_datetime(quarters[0] + "-" + months, format="%Y-%m"), "quarters"
    weeks = text.str.fullmatch(r"\d{4}-?W\d{2}")
    if len(text) and bool(weeks.all()):
        return pd.to_datetime(text.str.replace("-", "") + "1", format="%GW%V%u", errors="coerce"), "ISO weeks"
    iso = _naive(pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True))
    if iso.notna().mean() >= 0.5:
        return iso, "ISO 8601"
    month_first = _naive(pd.to_datetime(text, format="mixed", errors="coerce", utc=True))
    day_first = _naive(pd.to_datetime(text, format="mixed", dayfirst=True, errors="coerce", utc=True))
    # pandas reads 13/02 with the day first whatever was asked: such values tell which order the column has.
    first = pd.to_numeric(text.str.extract(r"^(\d{1,2})\D")[0], errors="coerce")
    second = pd.to_numeric(text.str.extract(r"^\d{1,2}\D(\d{1,2})\D")[0], errors="coerce")
    if bool((first > 12).any()) or bool((second > 12).any()):
        by_day = int((first > 12).sum()) >= int((second > 12).sum())
        return (day_first, "day first") if by_day else (month_first, "month first")
    by_day = _steadiness(day_first) >= _steadiness(month_first)
    return (day_first, "day first, by its steps") if by_day else (month_first, "month first, by its steps")


def _from_digits(text: pd.Series) -> tuple[pd.Series, str]:
    length = int(text.str.len().mode().iloc[0])
    if length in _EPOCH_UNITS:
        return pd.to_datetime(pd.to_numeric(text), unit=_EPOCH_UNITS[length], errors="coerce"), "Unix time"
    formats = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
    date_format = formats.get(length, "%Y%m%d")
    return pd.to_datetime(text, format=date_format, errors="coerce"), date_format


def _naive(stamps: pd.Series) -> pd.Series:
    naive: pd.Series = stamps.dt.tz_localize(None)
    return naive


def _steadiness(stamps: pd.Series) -> float:
    """Share of the most common step between distinct timestamps."""
    steps = stamps.dropna().sort_values().diff().dropna()
    return float(steps.value_counts(normalize=True).max()) if len(steps) else 0.0


def to_utc(ds: pd.Series, unique_id: pd.Series, timezone: str) -> pd.Series:
    """Local timestamps as tz-naive UTC; NaT for a local time that the clocks skipped.

    An hour that the clocks repeat is told apart by its order within the series: the first pass is summer time.
    """
    repeat = pd.DataFrame({"unique_id": unique_id, "ds": ds}).groupby(["unique_id", "ds"]).cumcount()
    local = ds.dt.tz_localize(timezone, ambiguous=(repeat == 0).to_numpy(), nonexistent="NaT")
    utc: pd.Series = local.dt.tz_convert("UTC").dt.tz_localize(None)
    return utc


def to_local(ds: pd.Series, timezone: str) -> pd.Series:
    """tz-naive UTC as tz-naive local time, for people."""
    local: pd.Series = ds.dt.tz_localize("UTC").dt.tz_convert(timezone).dt.tz_localize(None)
    return local
