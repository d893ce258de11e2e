import pandas as pd
import pytest

from pipelines.core.errors import ConfigError
from pipelines.forecasting.features.holidays import holidays


def stamps(*text: str) -> pd.Series:
    return pd.Series(pd.to_datetime(list(text)))


def test_christmas_in_england() -> None:
    """25 and 26 December are holidays; before them the days are counted, from eight days on no longer."""
    ds = stamps("2023-12-10", "2023-12-20", "2023-12-25", "2023-12-26", "2023-12-27", "2023-12-31")
    found = holidays(ds, "GB", "ENG", frequency="D")
    assert list(found["is_holiday"]) == [0, 0, 1, 1, 0, 0]
    assert list(found["days_to_holiday"]) == [7, 5, 0, 0, 5, 1]  # New Year's Day is in the next year
    assert list(found["holiday"]) == ["", "", "Christmas Day", "Boxing Day", "", ""]


def test_a_part_of_a_country_has_its_own() -> None:
    """2 January is a holiday in Scotland only."""
    found = {
        part: holidays(stamps("2024-01-02"), "GB", part, frequency="D")["is_holiday"].item() for part in ("SCT", "ENG")
    }
    assert found == {"SCT": 1, "ENG": 0}


def test_hours_are_read_in_the_time_zone() -> None:
    """Christmas in New York starts at 5:00 UTC and ends at 5:00 UTC on the next day."""
    ds = stamps("2024-12-25 04:00", "2024-12-25 05:00", "2024-12-26 04:00", "2024-12-26 05:00")
    found = holidays(ds, "US", frequency="h", timezone="America/New_York")
    assert list(found["is_holiday"]) == [0, 1, 1, 0]
    assert list(found["days_to_holiday"]) == [1, 0, 0, 6]


def test_days_are_dates_whatever_the_time_zone() -> None:
    """The label 25 December is Christmas in New York too."""
    assert holidays(stamps("2024-12-25"), "US", frequency="D", timezone="America/New_York")["is_holiday"].item() == 1


@pytest.mark.parametrize(
    ("frequency", "label", "expected"),
    [
        ("MS", "2024-12-01", 2),
        ("ME", "2024-12-31", 2),
        ("MS", "2024-11-01", 0),
        ("W-SUN", "2024-12-29", 2),  # Monday 23 to Sunday 29
        ("W-SUN", "2024-12-22", 0),
        ("W-WED", "2024-12-25", 1),  # Thursday 19 to Wednesday 25
        ("QS", "2024-01-01", 2),  # New Year and Good Friday
        ("YS", "2024-01-01", 8),
        ("7D", "2024-12-25", 2),  # up to New Year's Eve
    ],
)
def test_longer_periods_count_theirs(frequency: str, label: str, expected: int) -> None:
    """Holidays of England within the period that the label names."""
    found = holidays(stamps(label), "GB", "ENG", frequency=frequency)
    assert list(found.columns) == ["n_holidays", "holiday"]
    assert found["n_holidays"].item() == expected
    assert len([name for name in found["holiday"].item().split("; ") if name]) == expected


def test_the_index_is_that_of_the_input() -> None:
    """Repeated timestamps of several series in any order, and none at all."""
    ds = stamps("2024-12-26", "2024-12-24", "2024-12-26").set_axis([5, 5, 1])
    found = holidays(ds, "GB", frequency="D")
    assert list(found.index) == [5, 5, 1]
    assert list(found["is_holiday"]) == [1, 0, 1]
    index = pd.date_range("2024-12-24", periods=2)
    assert holidays(index, "GB", frequency="D").index.equals(index)
    assert len(holidays(ds.iloc[:0], "GB", frequency="D")) == 0
    assert len(holidays(ds.iloc[:0], "GB", frequency="MS")) == 0


@pytest.mark.parametrize(
    ("country", "near"), [("gb", "GB"), ("Germny", "Germany"), ("Nowhereland", None), ("HolidayBase", None), ("", None)]
)
def test_an_unknown_country_is_named(country: str, near: str | None) -> None:
    """The message has the wrong name and the closest right one, and says what to write."""
    with pytest.raises(ConfigError, match=rf"holidays\.country: '{country}' is not known.*ISO 3166") as caught:
        holidays(stamps("2024-01-01"), country, frequency="D")
    assert near is None or f"did you mean '{near}'?" in str(caught.value)


def test_an_unknown_subdivision_lists_the_valid_ones() -> None:
    """England is ENG."""
    with pytest.raises(
        ConfigError, match=r"holidays\.subdivision: GB has no 'ENGL' \(did you mean 'ENG'\?\)\. Use one of: .*SCT"
    ):
        holidays(stamps("2024-01-01"), "GB", "ENGL", frequency="D")
