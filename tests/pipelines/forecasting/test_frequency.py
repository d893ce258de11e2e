import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import ConfigError, DataError
from pipelines.forecasting import frequency

ALIASES = [
    "min", "5min", "15min", "30min", "h", "2h", "5h", "6h", "12h", "D", "2D", "3D", "7D", "B",
    "W-SUN", "W-MON", "W-WED", "2W-SUN", "4W-MON", "MS", "ME", "2MS", "3ME", "BMS", "BME",
    "QS", "QS-FEB", "QE", "QE-NOV", "2QS", "YS", "YS-APR", "YE", "YE-JUN",
]  # fmt: skip


@pytest.mark.parametrize(
    ("alias", "days", "steps"),
    [
        ("D", 7, 7),
        ("D", 365.25, 365),
        ("B", 7, 5),
        ("h", 1, 24),
        ("15min", 7, 672),
        ("W-SUN", 365.25, 52),
        ("MS", 365.25, 12),
    ],
)
def test_a_span_is_about_so_many_steps(alias: str, days: float, steps: int) -> None:
    """Days become steps of the grid, calendar grids included."""
    assert frequency.steps_in(days, alias) == steps


@pytest.mark.parametrize("alias", ["", "x", "-1D", "0D", "monthly", "5", "bh", "cbh", "D-MON"])
def test_an_unusable_alias_is_refused_with_examples(alias: str) -> None:
    """Unknown, standing still, running backwards, or office hours."""
    with pytest.raises(ConfigError, match=f"'{alias}' is no pandas alias. Use an alias such as 30min, h, D"):
        frequency.parse(alias)


@pytest.mark.parametrize(("old", "new"), [("H", "h"), ("T", "min"), ("M", "ME"), ("Q", "QE-DEC"), ("A", "YE-DEC")])
def test_the_older_aliases_still_work(old: str, new: str) -> None:
    """Without a warning: many people still write them."""
    assert frequency.parse(old).freqstr == new
    assert frequency.default_seasons(old) == frequency.default_seasons(new)
    assert frequency.default_horizon(old) == frequency.default_horizon(new)


@pytest.mark.parametrize(
    ("alias", "seasons", "horizon"),
    [
        ("15min", (96, 672), 96),
        ("30min", (48, 336), 48),
        ("h", (24, 168), 48),
        ("60min", (24, 168), 48),
        ("6h", (4, 28), 8),
        ("24h", (7,), 28),
        ("D", (7,), 28),
        ("2D", (1,), 28),
        ("7D", (1,), 28),
        ("B", (5,), 20),
        ("W-SUN", (52,), 13),
        ("2W-MON", (26,), 13),
        ("MS", (12,), 12),
        ("BME", (12,), 12),
        ("3MS", (4,), 12),
        ("5MS", (1,), 12),
        ("QE-NOV", (4,), 8),
        ("YS-APR", (1,), 5),
        ("SMS", (1,), 12),
    ],
)
def test_default_seasons_and_horizon(alias: str, seasons: tuple[int, ...], horizon: int) -> None:
    """A day and a week within days, a week of days, a year of anything longer; whole steps only."""
    assert frequency.default_seasons(alias) == seasons
    assert frequency.default_horizon(alias) == horizon


@pytest.mark.parametrize(
    ("alias", "subdaily"), [("min", True), ("23h", True), ("24h", False), ("D", False), ("W", False), ("MS", False)]
)
def test_only_steps_within_a_day_are_subdaily(alias: str, subdaily: bool) -> None:
    """Only these are moved by a time zone."""
    assert frequency.is_subdaily(alias) is subdaily


@given(
    alias=st.sampled_from(ALIASES),
    start=st.datetimes(pd.Timestamp("2019-01-01").to_pydatetime(), pd.Timestamp("2025-01-01").to_pydatetime()),
    minutes=st.lists(st.integers(0, 60 * 24 * 400), min_size=1, max_size=20),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_snap_agrees_with_resample(alias: str, start: pd.Timestamp, minutes: list[int]) -> None:
    """Each timestamp gets the label of the bin into which pandas.resample puts it."""
    span = 1 + 1_000 * (frequency.fixed_step(alias) or pd.Timedelta(days=9)) // pd.Timedelta(minutes=1)
    ds = pd.Series(pd.Timestamp(start).floor("min") + pd.to_timedelta([m % span for m in minutes], unit="min"))
    ds = ds.astype("datetime64[ns]")
    binned = pd.Series(np.arange(len(ds)), index=pd.DatetimeIndex(ds)).resample(frequency.parse(alias)).agg(list)
    expected = binned.explode().dropna().reset_index().set_axis(["label", "row"], axis=1).sort_values("row")["label"]
    snapped = frequency.snap(ds, alias, origin=ds.min().normalize())
    assert snapped.tolist() == expected.tolist()
    assert snapped.dtype == ds.dtype


@pytest.mark.parametrize("alias", ALIASES)
def test_what_lies_on_a_grid_stays(alias: str) -> None:
    """Labels are their own labels, also on an empty and on a shuffled column."""
    grid = pd.Series(pd.date_range("2024-01-01", periods=12, freq=frequency.parse(alias))).astype("datetime64[ns]")
    shuffled = grid.sample(frac=1, random_state=1)
    pd.testing.assert_series_equal(frequency.snap(shuffled, alias, origin=grid[0].normalize()), shuffled)
    assert frequency.snap(grid.head(0), alias).empty


@pytest.mark.parametrize("alias", ALIASES)
def test_periods_follow_each_other_without_a_gap(alias: str) -> None:
    """The future continues the grid, and each period begins when the one before is over."""
    last = pd.date_range("2024-01-01", periods=3, freq=frequency.parse(alias))[-1]
    ahead = frequency.future(last, alias, 4)
    assert len(ahead) == 4
    assert list(ahead) == list(pd.date_range(last, periods=5, freq=frequency.parse(alias))[1:])
    for before, after in zip([last, *ahead], ahead, strict=False):
        assert frequency.period_end(before, alias) == frequency.period_start(after, alias)
        assert frequency.period_start(after, alias) <= after < frequency.period_end(after, alias)


def test_the_future_of_an_off_grid_end_skips_nothing() -> None:
    """After a Saturday, the next business day is Monday."""
    assert list(frequency.future(pd.Timestamp("2024-01-06"), "B", 2)) == list(
        pd.to_datetime(["2024-01-08", "2024-01-09"])
    )


@pytest.mark.parametrize(
    ("label", "alias", "start", "end"),
    [
        ("2024-01-31", "ME", "2024-01-01", "2024-02-01"),
        ("2024-01-01", "MS", "2024-01-01", "2024-02-01"),
        ("2024-01-07", "W-SUN", "2024-01-01", "2024-01-08"),
        ("2024-01-14", "2W-SUN", "2024-01-01", "2024-01-15"),
        ("2024-01-05", "B", "2024-01-05", "2024-01-08"),
        ("2024-01-01 10:00", "30min", "2024-01-01 10:00", "2024-01-01 10:30"),
    ],
)
def test_a_period_is_where_its_label_says(label: str, alias: str, start: str, end: str) -> None:
    """Months and weeks that are labelled by their last day lie before the label."""
    assert frequency.period_start(pd.Timestamp(label), alias) == pd.Timestamp(start)
    assert frequency.period_end(pd.Timestamp(label), alias) == pd.Timestamp(end)


INFERRED = [
    "min", "15min", "30min", "h", "6h", "D", "2D", "B", "W-SUN", "W-THU", "2W-MON", "4W-MON",
    "MS", "ME", "QS-OCT", "QE-DEC", "YS-JAN", "YS-APR", "YE-DEC",
]  # fmt: skip


@pytest.mark.parametrize("alias", INFERRED)
def test_a_full_grid_is_inferred_exactly(alias: str) -> None:
    """The alias found makes the same grid, whatever the order of the timestamps."""
    grid = pd.date_range("2020-01-01", periods=24, freq=alias)
    found, certainty = frequency.infer(pd.Series(grid[::-1]).repeat(2))
    assert certainty == "exact"
    assert pd.date_range(grid[0], periods=24, freq=found).equals(grid)


@pytest.mark.parametrize("alias", INFERRED)
def test_a_grid_with_holes_is_inferred_from_its_most_common_step(alias: str) -> None:
    """Missing steps do not change what is found, and none of those left lies off the grid."""
    grid = pd.date_range("2020-01-01", periods=40, freq=alias)
    found, certainty = frequency.infer(pd.Series(grid.delete([3, 11, 12, 25])))
    assert certainty == "modal"
    assert pd.date_range(grid[0], periods=40, freq=found).equals(grid)


def test_office_hours_are_hours() -> None:
    """pandas calls nine to five a frequency of its own, on which no night has a place."""
    hours = pd.date_range("2024-01-01", periods=24 * 14, freq="h")
    office = hours[(hours.hour >= 9) & (hours.hour < 17) & (hours.dayofweek < 5)]
    assert frequency.infer(pd.Series(office)) == ("h", "modal")


def test_nothing_is_inferred_from_too_little() -> None:
    """Two timestamps have a step, but that is no evidence."""
    with pytest.raises(DataError, match=r"at least 3 distinct timestamps, found 2. Set frequency"):
        frequency.infer(pd.Series(pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-02", None])))


def test_nothing_is_inferred_from_irregular_events() -> None:
    """The shortest of many different steps is no grid: it would have millions of empty steps."""
    seconds = np.random.default_rng(1).integers(0, 10**7, 200)
    with pytest.raises(DataError, match=r"no common step .* Set frequency"):
        frequency.infer(pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(seconds, unit="s")))


@pytest.mark.parametrize("alias", ALIASES)
def test_phases_follow_each_other(alias: str) -> None:
    """From one grid point to the next by one, back to 0 after a season, before 1970 and after it."""
    grid = pd.date_range("1958-03-01", periods=100, freq=frequency.parse(alias))
    found = frequency.phase(grid, alias, 7)
    assert set((np.diff(found) - 1) % 7) == {0}
    assert set(found) == set(range(7))


def test_a_phase_is_the_same_whatever_else_is_asked() -> None:
    """It goes with the timestamp alone, so training and later forecasts agree on it."""
    months = pd.date_range("2023-01-01", periods=30, freq="MS")
    assert list(frequency.phase(months[7:9], "MS", 12)) == list(frequency.phase(months, "MS", 12)[7:9]) == [7, 8]
