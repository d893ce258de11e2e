from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from pipelines.features.build import build
from pipelines.panel import Panel


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Three daily series of different length around Christmas, with gaps and a price."""
    rng = np.random.default_rng(3)
    parts = [
        pd.DataFrame({"unique_id": name, "ds": pd.date_range(start, periods=n), "y": rng.normal(size=n)})
        for name, start, n in (("a", "2024-11-01", 70), ("b", "2024-12-01", 40), ("c", "2024-12-20", 3))
    ]
    history = pd.concat(parts, ignore_index=True)
    history["y"] = history["y"].mask(history.index % 11 == 0)
    return Panel(history.assign(price=rng.normal(size=len(history))), "D", (7,), ("price",))


def test_defaults_follow_the_seasons(panel: Panel) -> None:
    """Lags 1, 2 and the season, rolling statistics over the season, the calendar; no holidays without a country."""
    found = build(panel)
    assert list(found.columns) == [
        "unique_id", "ds", "lag_1", "lag_2", "lag_7", "roll_mean_7", "roll_std_7", "roll_min_7", "roll_max_7",
        "day_of_week_sin", "day_of_week_cos", "day_of_month_sin", "day_of_month_cos",
        "day_of_year_sin", "day_of_year_cos",
    ]  # fmt: skip
    assert_frame_equal(found[["unique_id", "ds"]], panel.history[["unique_id", "ds"]])


@pytest.mark.parametrize(
    ("seasons", "expected"),
    [((1,), ["lag_1", "lag_2"]), ((2,), ["lag_1", "lag_2", "roll_mean_2", "roll_std_2", "roll_min_2", "roll_max_2"])],
)
def test_no_feature_twice_and_none_without_content(panel: Panel, seasons: tuple[int, ...], expected: list[str]) -> None:
    """A season of one step is a lag that is there already, and nothing to take a mean of."""
    found = build(replace(panel, season_lengths=seasons), calendar=False)
    assert list(found.columns) == ["unique_id", "ds", *expected]


def test_what_is_named_is_built(panel: Panel) -> None:
    """Lags, windows and holidays as asked; features are numbers, so the holiday's name is not among them."""
    found = build(panel, calendar=False, lags=(3,), rolling=(), country="GB", subdivision="ENG")
    assert list(found.columns) == ["unique_id", "ds", "lag_3", "is_holiday", "days_to_holiday"]
    christmas = found["ds"] == pd.Timestamp("2024-12-25")
    assert found.loc[christmas, "is_holiday"].eq(1).all()
    numeric = build(panel, country="GB").drop(columns=["unique_id", "ds"])
    assert all(pd.api.types.is_numeric_dtype(dtype) for dtype in numeric.dtypes)


@given(cutoff=st.integers(1, 69), poison=st.sampled_from([1e9, -1e9, np.nan, 0.0]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_features_never_see_the_future(panel: Panel, cutoff: int, poison: float) -> None:
    """Changing every value after the cutoff leaves all features up to the cutoff, and one step on, as they were."""
    stamp = pd.Timestamp("2024-11-01") + pd.Timedelta(days=cutoff - 1)
    later = panel.history["ds"] > stamp
    poisoned = replace(
        panel,
        history=panel.history.assign(**{name: panel.history[name].mask(later, poison) for name in ("y", "price")}),
    )
    clean, dirty = (build(which, lags=(1, 2, 7, 9), rolling=(2, 7), country="GB") for which in (panel, poisoned))
    upto = panel.history["ds"] <= stamp + pd.Timedelta(days=1)
    assert_frame_equal(clean[upto], dirty[upto], check_exact=True)


def test_a_poisoned_value_does_reach_what_comes_after_it(panel: Panel) -> None:
    """The test above could fail: each lag and statistic does change once its value has changed."""
    history = panel.history.assign(y=panel.history["y"].mask(panel.history["ds"] == pd.Timestamp("2024-12-10"), 1e9))
    clean, dirty = build(panel), build(replace(panel, history=history))
    changed = clean.drop(columns=["unique_id", "ds"]).ne(dirty).drop(columns=["unique_id", "ds"]) & clean.notna().drop(
        columns=["unique_id", "ds"]
    )
    assert set(changed.columns[changed.any()]) >= {"lag_1", "lag_2", "lag_7", "roll_mean_7", "roll_std_7", "roll_max_7"}


def test_training_and_inference_see_the_same(panel: Panel) -> None:
    """The features of a step are the same whether its actual is known or its row was appended with a null target."""
    stamp = pd.Timestamp("2024-12-21")
    trained = build(panel, country="GB")
    past = panel.history[panel.history["ds"] <= stamp]
    ahead = replace(panel, history=past.assign(y=past["y"].mask(past["ds"] == stamp)).reset_index(drop=True))
    asked = build(ahead, country="GB")
    rows = trained[trained["ds"] == stamp].reset_index(drop=True)
    assert len(rows) == 3
    assert_frame_equal(rows, asked[asked["ds"] == stamp].reset_index(drop=True), check_exact=True)


def test_a_series_has_the_features_that_it_has_alone(panel: Panel) -> None:
    """No value crosses from one series into another."""
    together = build(panel)
    alone = pd.concat([build(panel.select([name])) for name in panel.ids], ignore_index=True)
    assert_frame_equal(together, alone, check_exact=True)


def test_the_time_zone_reaches_the_clock() -> None:
    """Midnight in London in summer is 23:00 UTC."""
    ds = pd.date_range("2024-07-01 22:00", periods=3, freq="h")
    hourly = Panel(pd.DataFrame({"unique_id": "a", "ds": ds, "y": 1.0}), "h", (24,))
    assert list(build(hourly, timezone="Europe/London")["time_of_day_cos"].round(6)).index(1.0) == 1


def test_the_panel_is_left_as_it_was(panel: Panel) -> None:
    """Building changes nothing in place."""
    before = panel.history.copy()
    build(panel, country="GB")
    assert_frame_equal(panel.history, before)
