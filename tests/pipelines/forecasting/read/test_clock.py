"""Times on their way out and in."""

from datetime import date, datetime

import pandas as pd
import pytest

from pipelines.core.errors import DataError
from pipelines.forecasting import frequency
from pipelines.forecasting.read.clock import Clock

ALIASES = [
    "s",
    "30s",
    "min",
    "15min",
    "30min",
    "90min",
    "h",
    "2h",
    "12h",
    "23h",
    "24h",
    "36h",
    "H",
    "T",
    "1h30min",
    "1D",
    "D",
    "2D",
    "B",
    "W",
    "W-SUN",
    "2W-MON",
    "MS",
    "ME",
    "3MS",
    "QS",
    "QS-FEB",
    "YS",
    "YE-MAR",
    "1440min",
    "86400s",
    "ms",
    "us",
]


@pytest.mark.parametrize("alias", ALIASES)
def test_a_step_shorter_than_a_day_is_known_without_pandas(alias: str) -> None:
    """As pandas finds it."""
    assert Clock(alias).tells_moments == frequency.is_subdaily(alias)


def test_days_are_dates_and_hours_are_moments_with_their_offset() -> None:
    """Also in the hour that a clock shows twice."""
    assert Clock("D", "Asia/Tokyo").write(datetime(2024, 6, 1)) == "2024-06-01"
    london = Clock("30min", "Europe/London")
    assert [london.write(datetime(2024, 10, 27, hour, 30)) for hour in (0, 1)] == [
        "2024-10-27T01:30:00+01:00",
        "2024-10-27T01:30:00+00:00",
    ]


@pytest.mark.parametrize(
    ("clock", "given", "inside"),
    [
        (Clock("D", "Asia/Tokyo"), date(2024, 6, 1), datetime(2024, 6, 1)),
        (Clock("D", "Asia/Tokyo"), datetime.fromisoformat("2024-06-01T05:00:00+09:00"), datetime(2024, 6, 1, 5)),
        (Clock("h", "Asia/Tokyo"), date(2024, 6, 1), datetime(2024, 5, 31, 15)),
        (Clock("h", "Asia/Tokyo"), datetime(2024, 6, 1, 9), datetime(2024, 6, 1)),
        (Clock("h", "Asia/Tokyo"), datetime.fromisoformat("2024-06-01T09:00:00Z"), datetime(2024, 6, 1, 9)),
    ],
)
def test_what_comes_in_is_local_unless_it_says_otherwise(clock: Clock, given: date, inside: datetime) -> None:
    """A date is the midnight of the workspace's zone."""
    assert clock.read(given) == inside


@pytest.mark.parametrize("given", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_moment_beyond_the_calendar_is_told(given: str) -> None:
    """Not an overflow."""
    with pytest.raises(DataError, match="is beyond the calendar"):
        Clock("h").read(datetime.fromisoformat(given))


@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe"])
def test_writing_and_reading_return_to_the_same_moment(zone: str) -> None:
    """Every half hour of a year, with both changes of the clock."""
    clock = Clock("30min", zone)
    for stamp in pd.date_range("2024-01-01", "2024-12-31", freq="30min").to_pydatetime():
        assert clock.read(datetime.fromisoformat(clock.write(stamp))) == stamp
