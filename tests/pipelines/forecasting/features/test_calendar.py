import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pipelines.forecasting.features.calendar import calendar, cycles


def stamps(*text: str) -> pd.Series:
    return pd.Series(pd.to_datetime(list(text)))


def angle(found: pd.DataFrame, cycle: str) -> np.ndarray:
    """The share of the cycle that has passed."""
    return np.arctan2(found[f"{cycle}_sin"], found[f"{cycle}_cos"]).to_numpy() / (2 * np.pi) % 1


@pytest.mark.parametrize(
    ("frequency", "expected"),
    [
        ("30min", ("time_of_day", "day_of_week", "day_of_year")),
        ("h", ("time_of_day", "day_of_week", "day_of_year")),
        ("D", ("day_of_week", "day_of_month", "day_of_year")),
        ("B", ("day_of_week", "day_of_month", "day_of_year")),
        ("2D", ("day_of_week", "day_of_month", "day_of_year")),
        ("7D", ("day_of_year",)),
        ("W-SUN", ("day_of_year",)),
        ("MS", ("day_of_year",)),
        ("QS", ("day_of_year",)),
        ("YS", ()),
        ("YE", ()),
    ],
)
def test_cycles_suit_the_frequency(frequency: str, expected: tuple[str, ...]) -> None:
    """Only cycles along which the timestamps of a grid differ; each has a sine and a cosine."""
    assert cycles(frequency) == expected
    found = calendar(stamps("2024-03-31"), frequency)
    assert list(found.columns) == [f"{cycle}_{part}" for cycle in expected for part in ("sin", "cos")]
    assert len(found) == 1


def test_shares_by_hand() -> None:
    """Thursday 29 February 2024, 18:00: three quarters of the day, 3/7 of the week, 59/366 of the year."""
    found = calendar(stamps("2024-02-29 18:00"), "h")
    assert angle(found, "time_of_day") == pytest.approx(0.75)
    assert angle(found, "day_of_week") == pytest.approx(3 / 7)
    assert angle(found, "day_of_year") == pytest.approx(59 / 366)
    assert angle(calendar(stamps("2024-02-29"), "D"), "day_of_month") == pytest.approx(28 / 29)
    assert angle(calendar(stamps("2023-12-31"), "D"), "day_of_year") == pytest.approx(364 / 365)


def test_midnight_follows_the_last_hour() -> None:
    """On the circle 23:00 is as close to 0:00 as 1:00 is, which a plain hour would not tell."""
    found = calendar(stamps("2024-01-01 23:00", "2024-01-02 00:00", "2024-01-02 01:00"), "h")
    points = found[["time_of_day_sin", "time_of_day_cos"]].to_numpy()
    assert np.linalg.norm(points[0] - points[1]) == pytest.approx(np.linalg.norm(points[2] - points[1]))


def test_sub_daily_timestamps_are_read_in_the_time_zone() -> None:
    """17:00 UTC is 18:00 in London in summer and 17:00 in winter; on Sunday 23:30 UTC, summer has Monday already."""
    found = calendar(stamps("2024-07-01 17:00", "2024-01-01 17:00", "2024-07-07 23:30"), "30min", "Europe/London")
    assert angle(found, "time_of_day")[:2] * 24 == pytest.approx([18, 17])
    assert found["day_of_week_cos"].iloc[2] == pytest.approx(1)


def test_dates_do_not_move_with_the_time_zone() -> None:
    """A daily label is a date, not midnight in Greenwich."""
    assert_frame_equal(calendar(stamps("2024-07-01"), "D", "America/New_York"), calendar(stamps("2024-07-01"), "D"))


def test_the_index_is_that_of_the_input() -> None:
    """A series keeps its index, also with repeated timestamps; a DatetimeIndex is the index itself."""
    ds = stamps("2024-01-01", "2024-01-01", "2024-01-05").set_axis([7, 3, 3])
    assert list(calendar(ds, "D").index) == [7, 3, 3]
    index = pd.date_range("2024-01-01", periods=3)
    assert calendar(index, "D").index.equals(index)
    assert calendar(ds.iloc[:0], "D").shape == (0, 6)
