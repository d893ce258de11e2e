import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

from pipelines.evaluation import intervals


def cutoff(window: int) -> pd.Timestamp:
    return pd.Timestamp("2024-01-01") + pd.Timedelta(days=100 * window)


def backtest_of(residuals: dict[tuple[str, int, str], list[float]], y_hat: float = 10.0) -> pd.DataFrame:
    """A backtest with these residuals y − ŷ by step, for each (series, window, model)."""
    parts = [
        pd.DataFrame(
            {
                "unique_id": name,
                "cutoff": cutoff(window),
                "ds": pd.date_range(cutoff(window), periods=len(values) + 1)[1:],
                "model": model,
                "y": y_hat + np.array(values, dtype=float),
                "y_hat": y_hat,
                "step": range(1, len(values) + 1),
            }
        )
        for (name, window, model), values in residuals.items()
    ]
    return pd.concat(parts, ignore_index=True)


def scale_of(**scales: float) -> pd.DataFrame:
    return pd.DataFrame({"unique_id": list(scales), "scale": list(scales.values())}).astype({"scale": float})


def scores_of(by_step: dict[int, list[float]]) -> pd.DataFrame:
    rows = [("a", cutoff(0), step, score) for step, values in by_step.items() for score in values]
    return pd.DataFrame(rows, columns=["unique_id", "cutoff", "step", "score"])


def at(found: pd.DataFrame, step: int, level: int) -> float:
    return float(found.loc[(found["step"] == step) & (found["level"] == level), "quantile"].item())


def test_scores_are_residuals_in_units_of_the_scale() -> None:
    """|y − ŷ| / scale, without the row that has no actual."""
    found = intervals.scores(backtest_of({("a", 0, "m"): [1, -4, np.nan]}), scale_of(a=2))
    assert list(found["score"]) == [0.5, 2.0]
    assert list(found["step"]) == [1, 2]
    assert list(found.columns) == ["unique_id", "cutoff", "step", "score"]


def test_scales_fall_back() -> None:
    """A scale of 0 or null gives way to the mean residual, that to 1; a series of which nothing is known stays null."""
    backtest = backtest_of(
        {("zero", 0, "m"): [1, -3], ("null", 0, "m"): [4, 4], ("right", 0, "m"): [0, 0], ("new", 0, "m"): [6]}
    )
    given_scales = scale_of(good=5, zero=0, null=np.nan, right=0, flat=0, unknown=np.nan)
    found = intervals.interval_scales(backtest, given_scales).set_index("unique_id")["scale"]
    assert found.dropna().to_dict() == {"good": 5, "zero": 2, "null": 4, "right": 1, "flat": 1, "new": 6}
    assert np.isnan(found["unknown"])


def test_a_fold_may_have_its_own_scale() -> None:
    """With a cutoff in the scales, each fold is scaled by what was known at its cutoff."""
    scales = pd.DataFrame({"unique_id": "a", "cutoff": [cutoff(0), cutoff(1)], "scale": [1.0, 2.0]})
    found = intervals.scores(backtest_of({("a", 0, "m"): [4], ("a", 1, "m"): [4]}), scales)
    assert list(found["score"]) == [4.0, 2.0]


@pytest.mark.parametrize(("level", "least"), [(50, 1), (80, 4), (90, 9), (95, 19), (99, 99)])
def test_what_a_level_needs(level: int, least: int) -> None:
    """⌈L/(1−L)⌉ scores are the first for which the rank ⌈(n+1)L⌉ exists."""
    assert intervals.needed(level) == least
    assert intervals.rank(least, level) <= least
    assert least == 1 or intervals.rank(least - 1, level) > least - 1


def test_the_quantile_has_the_finite_sample_rank() -> None:
    """Of the scores 1 to 19, the level of 80 % takes the 16th and that of 95 % the largest."""
    found = intervals.quantiles(scores_of({1: list(range(19, 0, -1))}), [80, 95], 1)
    assert (at(found, 1, 80), at(found, 1, 95)) == (16, 19)
    assert list(found["reason"]) == ["", ""]
    assert list(found.columns) == ["step", "level", "quantile", "n", "reason"]


def test_a_level_without_enough_scores_says_why() -> None:
    """Twelve scores support 80 and 90 %, not 95."""
    found = intervals.quantiles(scores_of({1: [1.0] * 6, 2: [2.0] * 6}), [95, 80], 2)
    assert found.loc[found["level"] == 95, "quantile"].isna().all()
    assert set(found.loc[found["level"] == 95, "reason"]) == {"95 % needs at least 19 scores, found 12"}
    assert found.loc[found["level"] == 80, "quantile"].notna().all()


def test_without_scores_every_level_is_null() -> None:
    """No window could be measured: steps and levels are still all there, with the reason."""
    found = intervals.quantiles(scores_of({}), [80], 3)
    assert found["quantile"].isna().all()
    assert list(found["reason"]) == ["80 % needs at least 4 scores, found 0"] * 3


def test_a_step_borrows_only_what_it_needs() -> None:
    """Horizon 8: two steps away for comfort, farther only until the level is supported."""
    few = intervals.quantiles(scores_of({step: [float(step)] for step in range(1, 9)}), [80], 8)
    assert list(few["n"]) == [4, 4, 5, 5, 5, 5, 4, 4]  # step 1 has 1 to 4, step 4 has 2 to 6
    many = intervals.quantiles(scores_of({step: [float(step)] * 20 for step in range(1, 9)}), [80], 8)
    assert list(many["n"]) == [20] * 8
    assert list(many["quantile"]) == list(range(1, 9))


def test_quantiles_never_fall_with_the_step() -> None:
    """A later step with smaller errors shares its width with the earlier one, so neither is much too wide."""
    found = intervals.quantiles(scores_of({1: [5.0] * 20, 2: [1.0] * 20, 3: [7.0] * 20}), [80], 3)
    assert list(found["quantile"]) == [3, 3, 7]


def test_bounds_by_hand() -> None:
    """ŷ = 10, quantile 2, scale 3: from 4 to 16; a step beyond the horizon keeps the last quantile."""
    quantiles = intervals.quantiles(scores_of({1: [2.0] * 20}), [80], 1)
    forecasts = pd.DataFrame(
        {"unique_id": "a", "ds": pd.date_range("2024-01-01", periods=2), "model": "m", "y_hat": 10.0, "step": [1, 9]}
    )
    found = intervals.apply(forecasts, quantiles, scale_of(a=3), [80, 95], non_negative=False)
    assert list(found["lo_80"]) == [4, 4]
    assert list(found["hi_80"]) == [16, 16]
    assert found[["lo_95", "hi_95"]].isna().all(axis=None)
    assert list(found.columns) == [*forecasts.columns, "lo_80", "hi_80", "lo_95", "hi_95"]


def test_lower_bounds_stop_at_zero() -> None:
    """A target that cannot be negative has no negative lower bound; the upper one is as it was."""
    quantiles = intervals.quantiles(scores_of({1: [2.0] * 20}), [80], 1)
    forecasts = pd.DataFrame({"unique_id": ["a"], "ds": [cutoff(0)], "model": "m", "y_hat": [1.0], "step": [1]})
    found = intervals.apply(forecasts, quantiles, scale_of(a=3), [80], non_negative=True)
    assert (found["lo_80"].item(), found["hi_80"].item()) == (0, 7)


def test_a_series_without_a_scale_has_no_interval() -> None:
    """Where nothing is known of a series' errors, null is the honest width."""
    quantiles = intervals.quantiles(scores_of({1: [2.0] * 20}), [80], 1)
    forecasts = pd.DataFrame({"unique_id": ["b"], "ds": [cutoff(0)], "model": "m", "y_hat": [1.0], "step": [1]})
    assert (
        intervals.apply(forecasts, quantiles, scale_of(a=3), [80], non_negative=True)[["lo_80", "hi_80"]]
        .isna()
        .all(axis=None)
    )


def crossed(residuals: dict[tuple[str, int, str], list[float]], levels: tuple[int, ...] = (80,)) -> pd.DataFrame:
    return intervals.cross(backtest_of(residuals), scale_of(a=1), levels, 5, non_negative=False)


def test_a_fold_is_measured_with_the_scores_of_the_others() -> None:
    """Windows with errors 1, 2 and 3: each has the width that the other two give, never its own."""
    found = crossed({("a", 0, "m"): [1.0] * 5, ("a", 1, "m"): [2.0] * 5, ("a", 2, "m"): [3.0] * 5})
    width = (found["hi_80"] - found["y_hat"]).groupby(found["cutoff"]).agg(["min", "max"])
    assert width["max"].to_dict() == {cutoff(0): 3, cutoff(1): 3, cutoff(2): 2}
    assert_series_equal(width["min"], width["max"], check_names=False)


def test_the_errors_of_a_fold_do_not_reach_its_own_bounds() -> None:
    """Whatever happened in a window, its own intervals stay; also where the scale is the mean residual."""
    calm = {("a", 0, "m"): [1.0] * 5, ("a", 1, "m"): [2.0] * 5, ("b", 0, "m"): [1.0] * 5, ("b", 1, "m"): [2.0] * 5}
    wild = calm | {("a", 1, "m"): [1e6] * 5, ("b", 1, "m"): [1e6] * 5}
    scales = scale_of(a=1, b=0)
    bounds = []
    for residuals in (calm, wild):
        found = intervals.cross(backtest_of(residuals), scales, (80,), 5, non_negative=False)
        bounds.append(found.loc[found["cutoff"] == cutoff(1), ["lo_80", "hi_80"]])
    assert bounds[0].notna().all(axis=None)
    assert_frame_equal(bounds[0], bounds[1])


def test_models_do_not_lend_each_other_their_scores() -> None:
    """A bad model beside a good one changes nothing in the good one's intervals."""
    good = {("a", window, "good"): [1.0, 2, 3, 4, 5] for window in range(3)}
    alone = crossed(good)
    beside = crossed(good | {("a", window, "bad"): [1e6] * 5 for window in range(3)})
    assert_frame_equal(alone, beside[beside["model"] == "good"].reset_index(drop=True))


def test_one_window_has_no_honest_interval() -> None:
    """There is no other window whose errors could be used."""
    found = crossed({("a", 0, "m"): [1.0] * 5}, (80, 95))
    assert found[["lo_80", "hi_80", "lo_95", "hi_95"]].isna().all(axis=None)


def test_cross_keeps_rows_order_and_index() -> None:
    """Shuffled rows with a repeated index come back as they were, with bounds added."""
    backtest = backtest_of({(name, window, "m"): [1.0, 3, 2, 5, 4] for name in "ab" for window in range(3)})
    shuffled = backtest.sample(frac=1, random_state=0).set_axis([0] * len(backtest))
    before = shuffled.copy()
    found = intervals.cross(shuffled, scale_of(a=1, b=2), (80,), 5, non_negative=False)
    assert_frame_equal(found[before.columns], before)
    assert_frame_equal(shuffled, before)
    straight = intervals.cross(backtest, scale_of(a=1, b=2), (80,), 5, non_negative=False)
    keys = ["unique_id", "cutoff", "ds"]
    assert_frame_equal(found.sort_values(keys, ignore_index=True), straight.sort_values(keys, ignore_index=True))


def test_cross_of_nothing() -> None:
    """An empty backtest gets its columns."""
    empty = backtest_of({("a", 0, "m"): [1.0]}).iloc[:0]
    assert list(intervals.cross(empty, scale_of(a=1), (80,), 5, non_negative=False).columns[-2:]) == ["lo_80", "hi_80"]


@given(
    st.dictionaries(st.integers(1, 6), st.lists(st.floats(0, 1e6), max_size=60), max_size=6),
    st.sets(st.sampled_from([50, 80, 90, 95, 99]), min_size=1),
    st.lists(st.floats(0, 1e6), min_size=1, max_size=9),
    st.floats(1e-3, 1e3),
    st.booleans(),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_intervals_are_nested_and_widen_with_the_step(
    by_step: dict[int, list[float]], levels: set[int], y_hat: list[float], scale: float, non_negative: bool
) -> None:
    """For any scores: lo_95 ≤ lo_80 ≤ ŷ ≤ hi_80 ≤ hi_95, quantiles never fall, and null exactly where data lack."""
    found = intervals.quantiles(scores_of(by_step), sorted(levels), 6)
    table = found.pivot(index="step", columns="level", values="quantile")
    assert table.shape == (6, len(levels))
    assert (table.diff().iloc[1:].fillna(0) >= 0).all(axis=None)
    assert (table.diff(axis=1).iloc[:, 1:].fillna(0) >= 0).all(axis=None)
    total = sum(len(values) for values in by_step.values())
    assert all(table[level].isna().all() == (total < intervals.needed(level)) for level in levels)
    assert (found["quantile"].isna() == (found["reason"] != "")).all()
    steps = np.arange(1, len(y_hat) + 1)
    forecasts = pd.DataFrame({"unique_id": "a", "ds": cutoff(0), "model": "m", "y_hat": y_hat, "step": steps})
    bounds = intervals.apply(forecasts, found, scale_of(a=scale), sorted(levels), non_negative)
    known = [level for level in sorted(levels) if total >= intervals.needed(level)]
    chain = [*(f"lo_{level}" for level in reversed(known)), "y_hat", *(f"hi_{level}" for level in known)]
    assert (bounds[chain].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    if non_negative:
        assert (bounds[chain] >= 0).all(axis=None)


@pytest.mark.parametrize("n", [4, 9, 19, 50])
@pytest.mark.parametrize("level", [80, 90, 95])
def test_conformal_coverage(n: int, level: int) -> None:
    """On exchangeable data n scores cover the next one at least as often as the level says, or there is no interval."""
    rng = np.random.default_rng(20240101 + n)
    trials = 4000
    draws = np.abs(rng.standard_t(df=4, size=(trials, n + 1)))
    if n < intervals.needed(level):
        assert intervals.quantiles(scores_of({1: list(draws[0, :n])}), [level], 1)["quantile"].isna().all()
        return
    inside = [
        draw[n]
        <= intervals.quantiles(pd.DataFrame({"step": np.ones(n, dtype=int), "score": draw[:n]}), [level], 1)[
            "quantile"
        ].item()
        for draw in draws
    ]
    coverage = 100 * np.mean(inside)
    assert coverage >= level - 1
    assert coverage <= level + 100 / (n + 1) + 1  # and not much more often than a quantile of n scores must


def test_reported_coverage_is_honest() -> None:
    """Across 300 series and 4 windows of noise, the crossed intervals cover what they promise, model by model."""
    rng = np.random.default_rng(5)
    spread = {f"s{i}": float(np.exp(rng.normal())) for i in range(300)}
    residuals = {
        (name, window, model): list(size * factor * rng.standard_normal(7))
        for name, size in spread.items()
        for window in range(4)
        for model, factor in (("sharp", 1.0), ("blunt", 5.0))
    }
    found = intervals.cross(backtest_of(residuals), scale_of(**spread), (80, 95), 7, non_negative=False)
    for level in (80, 95):
        inside = found["y"].between(found[f"lo_{level}"], found[f"hi_{level}"])
        for coverage in 100 * inside.groupby(found["model"]).mean():
            assert level - 1 <= coverage <= level + 3
