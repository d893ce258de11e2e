from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.forecasting.etl import profile


def table(y: list[float], name: str = "a", **more: Any) -> pd.DataFrame:
    return pd.DataFrame({"unique_id": name, "ds": pd.date_range("2024-01-01", periods=len(y)), "y": y, **more})


def spans(observations: pd.DataFrame, leading_zeros: int = 0) -> pd.DataFrame:
    """From the first to the last target of each series that has one."""
    observed = observations[observations["y"].notna()]
    found = observed.groupby("unique_id")["ds"].agg(first_ds="min", last_ds="max").reset_index()
    return found.assign(leading_zeros=leading_zeros)


def one(y: list[float], season_length: int = 7) -> "pd.Series[Any]":
    rows = table(y)
    return profile.profile(rows, spans(rows), [], season_length).iloc[0]


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([2, 3, 2, 3, 2, 3], "smooth"),  # ADI 1, CV² 0.3 / 6.25 = 0.048
        ([1, 1, 1, 9, 1, 1], "erratic"),  # ADI 1, CV² 10.67 / 5.44 = 1.96
        ([2, 0, 3, 0, 2, 3], "intermittent"),  # ADI 6 / 4 = 1.5, CV² 0.33 / 6.25 = 0.053
        ([1, 0, 9, 0, 1, 0], "lumpy"),  # ADI 2, CV² 21.3 / 13.4 = 1.59
        ([0, 0, 0], "zero"),
        ([5, 0, 0], "intermittent"),  # one demand has no variation
        ([4, 4, 4, 0], "intermittent"),  # ADI 1.33 is just above 1.32
        ([4, 4, 4, 4, 0], "smooth"),  # ADI 1.25
    ],
)
def test_demand_classes_of_syntetos_and_boylan(y: list[float], expected: str) -> None:
    """The mean interval between demands against 1.32, the CV² of their sizes against 0.49, by hand."""
    assert one(y)["demand_class"] == expected


def test_counts_are_of_the_span() -> None:
    """Observed and missing steps, share of zeros; what lies outside the span does not count."""
    rows = table([0, 2, np.nan, 0, 4, 8, np.nan])
    bounds = spans(rows).assign(
        first_ds=pd.Timestamp("2024-01-02"), last_ds=pd.Timestamp("2024-01-05"), leading_zeros=1
    )
    found = profile.profile(rows, bounds, [], 7).iloc[0]
    assert (found["n"], found["n_missing"], found["leading_zeros"]) == (3, 1, 1)
    assert found["share_zero"] == pytest.approx(1 / 3)
    assert found["first_ds"] == pd.Timestamp("2024-01-02")


def test_a_series_without_targets_is_kept_and_marked() -> None:
    """It has n = 0, the class `empty`, and nothing else to tell."""
    rows = pd.concat([table([1, 2]), table([np.nan, np.nan], "b")])
    found = profile.profile(rows, spans(rows), [], 7).set_index("unique_id").loc["b"]
    assert (found["n"], found["demand_class"], found["constant"], found["n_outliers"]) == (0, "empty", False, 0)
    assert pd.isna(found["share_zero"])
    assert pd.isna(found["first_ds"])


@pytest.mark.parametrize(("value", "n"), [(0.1, 30), (0.0, 30), (5.0, 1), (1e9 + 0.1, 7)])
def test_a_constant_series_is_marked(value: float, n: int) -> None:
    """Also where the mean of its floats is not quite the same number."""
    found = one([value] * n)
    assert found["constant"]
    assert pd.isna(found["seasonal_strength"])
    assert not one([value] * n + [value + 1])["constant"]


def test_a_seasonal_series_is_strong_and_noise_is_weak() -> None:
    """A pure season has strength 1, a line trend strength 1, noise little of either."""
    t, noise = np.arange(140), np.random.default_rng(4).normal(size=140)
    season = one(list(np.sin(2 * np.pi * t / 7)))
    assert season["seasonal_strength"] == pytest.approx(1, abs=0.01)
    trend = one(list(t + 0.1 * noise))
    assert trend["trend_strength"] == pytest.approx(1, abs=0.01)
    weak = one(list(noise))
    assert weak["seasonal_strength"] < 0.5
    assert weak["trend_strength"] < 0.5


@pytest.mark.parametrize(("n", "season_length"), [(14, 7), (1, 7), (4, 1)])
def test_too_short_for_a_strength(n: int, season_length: int) -> None:
    """Fewer than two seasons and a step give null."""
    found = one(list(np.arange(float(n))), season_length)
    assert pd.isna(found["seasonal_strength"])
    assert pd.isna(found["trend_strength"])


def test_without_a_season_there_is_a_trend_only() -> None:
    """A yearly series has no season to be strong."""
    found = one(list(np.arange(20.0) ** 2), season_length=1)
    assert pd.isna(found["seasonal_strength"])
    assert found["trend_strength"] > 0.9


def test_gaps_do_not_stop_the_strengths() -> None:
    """They are bridged for measuring only."""
    y = np.sin(2 * np.pi * np.arange(140) / 7)
    y[[20, 21, 90]] = np.nan
    assert one(list(y))["seasonal_strength"] > 0.9


def test_many_series_have_the_strengths_that_each_has_alone() -> None:
    """Series that share their length are decomposed together, by linearity; the figures stay the same."""
    rng = np.random.default_rng(2)
    parts = [
        table(list(rng.poisson(3, n).astype(float)), f"{n}-{k:02}")
        for n, many in ((20, 25), (30, 3))
        for k in range(many)
    ]
    found = profile.strengths(pd.concat(parts), 7).set_index("unique_id")
    alone = pd.concat([profile.strengths(part, 7) for part in parts]).set_index("unique_id")
    pd.testing.assert_frame_equal(found, alone.sort_index(), check_exact=False, rtol=1e-9)
    assert found.notna().all(axis=None)


def test_outliers_are_flagged_and_unchanged() -> None:
    """Far beyond the quartiles of the non-zero values, on either side; zeros are no outliers."""
    rows = table([10, 11, 12, 13, 11, 12, 10, 12, 500, -400, 0, np.nan])
    before = rows.copy()
    assert profile.find_outliers(rows).tolist() == [False] * 8 + [True, True, False, False]
    assert profile.profile(rows, spans(rows), [], 7)["n_outliers"].tolist() == [2]
    pd.testing.assert_frame_equal(rows, before)
    assert not profile.find_outliers(table([5, 5, 5, 5, 6])).any()


def test_outliers_are_those_of_their_own_series() -> None:
    """A big shop is no outlier among small ones."""
    assert not profile.find_outliers(pd.concat([table([1, 2, 3, 2]), table([1000, 1001, 1002, 1001], "b")])).any()


def test_attributes_are_the_first_that_stands_there() -> None:
    """One row a series, sorted; a missing first value is passed over."""
    rows = pd.concat([table([1, 2], "b", region=[None, "n"]), table([1, 2], "a", region=["s", "x"])])
    found = profile.profile(rows, spans(rows), ["region"], 7)
    assert found[["unique_id", "region"]].values.tolist() == [["a", "s"], ["b", "n"]]
    assert list(found.columns) == [
        "unique_id", "region", "first_ds", "last_ds", "leading_zeros", "n", "n_missing", "share_zero", "constant",
        "demand_class", "n_outliers", "last_y", "seasonal_strength", "trend_strength",
    ]  # fmt: skip
