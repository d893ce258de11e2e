from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.forecasting.etl import dates

AMBIGUOUS = "day first; month first would fit as well: set source.date_format if so"


def read(*values: Any, date_format: str | None = None) -> list[str]:
    ds, _, _ = dates.parse(pd.Series(values), date_format)
    return ds.dt.strftime("%Y-%m-%d %H:%M").str.removesuffix(" 00:00").where(ds.notna(), "").tolist()


@pytest.mark.parametrize(
    ("values", "expected", "how"),
    [
        (["2024-01-05", "2024-01-06"], ["2024-01-05", "2024-01-06"], "ISO 8601"),
        (["2024-01-05T10:30", "2024-01-05 11:00:00.000"], ["2024-01-05 10:30", "2024-01-05 11:00"], "ISO 8601"),
        (["2024/01/05", "2024.01.06"], ["2024-01-05", "2024-01-06"], "ISO 8601"),
        (["2024-01", "2024-02"], ["2024-01-01", "2024-02-01"], "ISO 8601"),
        (["31/01/2024", "01/02/2024"], ["2024-01-31", "2024-02-01"], "day first"),
        (["01/31/2024", "02/01/2024"], ["2024-01-31", "2024-02-01"], "month first"),
        (["1.2.2024", "2.2.2024", "3.2.2024"], ["2024-02-01", "2024-02-02", "2024-02-03"], "day first"),
        (["1/2/2024", "1/3/2024", "1/4/2024"], ["2024-02-01", "2024-03-01", "2024-04-01"], AMBIGUOUS),
        (["15 Jan 2024", "1 Feb 2024"], ["2024-01-15", "2024-02-01"], "day first"),
        (["2024-01-05 3 PM", "2024-01-06 3 PM"], ["2024-01-05 15:00", "2024-01-06 15:00"], "unambiguous"),
        ([20240105, 20240106], ["2024-01-05", "2024-01-06"], "%Y%m%d"),
        ([20240105.0, np.nan], ["2024-01-05", ""], "%Y%m%d"),
        (["202401", "202402"], ["2024-01-01", "2024-02-01"], "%Y%m"),
        ([2023, 2024], ["2023-01-01", "2024-01-01"], "%Y"),
        ([1704067200, 1704070800], ["2024-01-01", "2024-01-01 01:00"], "Unix time"),
        ([1704067200000], ["2024-01-01"], "Unix time"),
        ([1704067200000000000], ["2024-01-01"], "Unix time"),
        (["2024Q1", "2024-Q4", "2025 q2"], ["2024-01-01", "2024-10-01", "2025-04-01"], "quarters"),
        (["2024-W01", "2024W52"], ["2024-01-01", "2024-12-23"], "ISO weeks"),
    ],
)  # fmt: skip
def test_dates_are_read_as_sources_write_them(values: list[Any], expected: list[str], how: str) -> None:
    """ISO, the day or the month first, digits, Unix time, quarters and weeks; how is told."""
    assert read(*values) == expected
    assert dates.parse(pd.Series(values))[2] == how


@pytest.mark.parametrize("mark", [".", "/", "-"])
@pytest.mark.parametrize(("freq", "periods"), [("D", 10), ("MS", 30), ("QS", 9), ("YS", 5)])
@pytest.mark.parametrize("start", ["2018-01-01", "2019-04-01"])
def test_the_order_that_makes_the_better_grid_is_read(freq: str, periods: int, mark: str, start: str) -> None:
    """First days of months are no days of January, although most of those lie one day apart; nor the reverse."""
    grid = pd.date_range(start, periods=periods, freq=freq)
    day_first = pd.Series(grid.strftime(f"%d{mark}%m{mark}%Y"))
    assert dates.parse(day_first)[0].tolist() == list(grid)
    if freq != "D" and mark != ".":  # ten days of January are ten first days of months: then the day comes first
        assert dates.parse(pd.Series(grid.strftime(f"%m{mark}%d{mark}%Y")))[0].tolist() == list(grid)


def test_missing_months_leave_the_order_readable() -> None:
    """A grid with holes is still fuller than the wrong one."""
    grid = pd.date_range("2015-01-01", periods=60, freq="MS").delete([3, 17, 18, 40])
    for order in ("%d/%m/%Y", "%m/%d/%Y"):
        assert dates.parse(pd.Series(grid.strftime(order)))[0].tolist() == list(grid)


@pytest.mark.parametrize(
    "values",
    [
        ["2024-01-05", "soon", "2024-01-07"],
        ["20240105", "soon", "20240107"],
        ["1704412800", "soon", "1704585600"],
        ["2024Q1", "soon", "2024Q2"],
        ["2024-W01", "soon", "2024-W02"],
        ["25/01/2024", "soon", "26/01/2024"],
        ["25/01/2024", "01/25/2024", "26/01/2024"],
        ["2024-01-05", "2024-02-30", "2024-01-07"],
        ["2024-01-05", "9999-12-31", "2024-01-07"],
        ["2024-01-05", None, "2024-01-07"],
    ],
)
def test_one_unreadable_value_spoils_no_other(values: list[str]) -> None:
    """A word, an impossible day, a year beyond nanoseconds or the wrong order is missing; the rest is read."""
    ds, _, _ = dates.parse(pd.Series(values))
    assert ds.isna().tolist() == [False, True, False]


@pytest.mark.parametrize("value", ["now", "today", "10:30", "Monday", "3 PM", ""])
def test_nothing_is_read_as_of_today(value: str) -> None:
    """A word or a clock time is no date, or tomorrow's run would give other data."""
    assert read(value, value) == ["", ""]
    assert read("2024-01-05", value) == ["2024-01-05", ""]
    assert read("25/01/2024", value) == ["2024-01-25", ""]


def test_a_column_without_any_date_is_all_missing() -> None:
    """Words, nothing at all and no rows give no timestamps and no error."""
    for values in (["a", "b"], [None, None], [np.nan], []):
        ds, aware, _ = dates.parse(pd.Series(values, dtype="object"))
        assert ds.dtype == "datetime64[ns]"
        assert ds.isna().all()
        assert not aware.any()


def test_the_configured_format_wins() -> None:
    """What the format does not match is missing, even if it is a date."""
    assert read("05.01.2024", "2024-01-06", date_format="%d.%m.%Y") == ["2024-01-05", ""]


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-05T10:00:00Z",
        "2024-01-05T11:00:00+01:00",
        "2024-01-05 11:00+0100",
        "2024-01-05T11:00:00+01",
        "2024-01-05T12:00:00.000000+02:00",
        "2024-01-05 10:00 UTC",
        "20240105T100000Z",
    ],
)
def test_an_offset_makes_utc(text: str) -> None:
    """Every way to write an offset is understood, and told apart from a local time."""
    ds, aware, _ = dates.parse(pd.Series([text, text]))
    assert ds.eq(pd.Timestamp("2024-01-05 10:00")).all()
    assert aware.all()


def test_offsets_are_told_row_by_row() -> None:
    """One column may hold both; dates such as 2024-01-05 hold no offset."""
    _, aware, _ = dates.parse(pd.Series(["2024-01-05T10:00Z", "2024-01-05T10:00", "2024-01-05", None]))
    assert aware.tolist() == [True, False, False, False]


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_typed_timestamps_pass(unit: str) -> None:
    """Any unit becomes nanoseconds; a time zone makes UTC; year 9999 is missing instead of an error."""
    naive = pd.Series(pd.to_datetime(["2024-07-01 12:00"])).astype(f"datetime64[{unit}]")
    assert dates.parse(naive)[0].tolist() == [pd.Timestamp("2024-07-01 12:00")]
    ds, aware, how = dates.parse(naive.dt.tz_localize("Europe/London"))
    assert (ds.tolist(), aware.tolist(), how) == ([pd.Timestamp("2024-07-01 11:00")], [True], "typed, with offset")
    if unit != "ns":
        never = pd.Series(np.array(["2024-07-01", "9999-12-31"], dtype=f"datetime64[{unit}]"))
        assert dates.parse(never)[0].isna().tolist() == [False, True]


def test_unix_time_is_utc() -> None:
    """A Unix time is an instant, whatever the zone of the source."""
    assert dates.parse(pd.Series([1704067200]))[1].tolist() == [True]


def to_utc(*local: str, timezone: str = "Europe/London", ids: list[str] | None = None) -> list[str]:
    ds = pd.Series(pd.to_datetime(list(local)))
    return dates.to_utc(ds, pd.Series(ids or ["a"] * len(ds)), timezone).dt.strftime("%H:%M").fillna("").tolist()


def test_a_repeated_hour_is_told_apart_by_its_order() -> None:
    """01:00 to 01:30 come twice on 27 October 2024 in London: first in summer time."""
    stamps = [f"2024-10-27 {time}" for time in ("00:30", "01:00", "01:30", "01:00", "01:30", "02:00")]
    expected = ["23:30", "00:00", "00:30", "01:00", "01:30", "02:00"]
    assert to_utc(*stamps) == expected
    assert to_utc(*sorted(stamps)) == ["23:30", "00:00", "01:00", "00:30", "01:30", "02:00"]
    assert to_utc(*reversed(stamps)) == expected[::-1]


def test_the_order_counts_within_a_series() -> None:
    """Two series in one file do not take the two passes from each other; a lone stamp is summer time."""
    assert to_utc(*["2024-10-27 01:00"] * 4, ids=["a", "b", "a", "b"]) == ["00:00", "00:00", "01:00", "01:00"]
    assert to_utc("2024-10-27 01:00") == ["00:00"]


def test_duplicates_split_evenly_over_a_repeated_hour() -> None:
    """Two rows a stamp, four in the repeated hour: two in each pass."""
    assert to_utc(*["2024-10-27 01:00"] * 4) == ["00:00", "00:00", "01:00", "01:00"]
    assert to_utc(*["2024-10-27 12:00"] * 2) == ["12:00", "12:00"]


def test_a_skipped_hour_is_missing() -> None:
    """01:30 did not exist on 31 March 2024 in London."""
    assert to_utc("2024-03-31 00:30", "2024-03-31 01:30", "2024-03-31 02:30") == ["00:30", "", "01:30"]


@given(
    timezone=st.sampled_from(["Europe/London", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kolkata", "UTC"]),
    year=st.integers(2015, 2030),
    step=st.sampled_from(["15min", "30min"]),
    backwards=st.booleans(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_year_of_local_time_comes_back(timezone: str, year: int, step: str, backwards: bool) -> None:
    """UTC → local clock → UTC is the identity over a whole year, both ways round, also with half-hour daylight saving."""
    utc = pd.Series(pd.date_range(f"{year}-01-01", f"{year + 1}-01-01", freq=step))
    utc = utc[::-1].reset_index(drop=True) if backwards else utc
    local = dates.to_local(utc, timezone)
    pd.testing.assert_series_equal(dates.to_utc(local, pd.Series("a", index=utc.index), timezone), utc)
