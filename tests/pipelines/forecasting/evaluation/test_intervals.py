import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

from pipelines.forecasting.evaluation import intervals


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
                "phase": 0,
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


NO_PHASES = pd.DataFrame({"phase": [0], "size": [1.0]})


def test_quantiles_are_of_residuals_in_units_of_the_scale() -> None:
    """|y − ŷ| / scale of what has an actual: residuals of 2 to 38 by twos, and a scale of 4, give 8 at 80 %."""
    residuals = [(-1.0) ** k * 2 * k for k in range(1, 20)]
    backtest = backtest_of({("a", 0, "m"): [*residuals, np.nan]})
    quantiles, scales, phases = intervals.calibrate(backtest.assign(step=1), scale_of(a=4), scale_of(a=5), [80], 1)
    assert (at(quantiles, 1, 80), quantiles["n"].item()) == (8, 19)
    assert scales.to_dict("records") == [{"unique_id": "a", "seasonal_scale": 5, "scale": 5}]
    assert_frame_equal(phases, NO_PHASES)


def test_scales_fall_back() -> None:
    """A scale of 0 or null gives way to the mean residual, that to 1; a series of which nothing is known stays null."""
    backtest = backtest_of(
        {("zero", 0, "m"): [1, -3], ("null", 0, "m"): [4, 4], ("right", 0, "m"): [0, 0], ("new", 0, "m"): [6]}
    )
    given_scales = scale_of(good=5, zero=0, null=np.nan, right=0, flat=0, unknown=np.nan)
    _, table, _ = intervals.calibrate(backtest, given_scales, given_scales, [80], 2)
    found = table.set_index("unique_id")["scale"]
    assert found.dropna().to_dict() == {"good": 5, "zero": 2, "null": 4, "right": 1, "flat": 1, "new": 6}
    assert np.isnan(found["unknown"])


def test_a_fold_may_have_its_own_scale() -> None:
    """With a cutoff in the scales, each fold is scaled by what was known at its cutoff: here all scores are 2."""
    scales = pd.DataFrame({"unique_id": "a", "cutoff": [cutoff(0), cutoff(1)], "scale": [1.0, 2.0]})
    backtest = backtest_of({("a", 0, "m"): [2] * 5, ("a", 1, "m"): [4] * 5})
    quantiles, _, _ = intervals.calibrate(backtest, scales, scale_of(a=3), [80], 5)
    assert list(quantiles["quantile"]) == pytest.approx([2] * 5)


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
    ).assign(phase=0)
    found = intervals.apply(forecasts, quantiles, scale_of(a=3), NO_PHASES, [80, 95], non_negative=False)
    assert list(found["lo_80"]) == [4, 4]
    assert list(found["hi_80"]) == [16, 16]
    assert found[["lo_95", "hi_95"]].isna().all(axis=None)
    assert list(found.columns) == [*forecasts.columns, "lo_80", "hi_80", "lo_95", "hi_95"]


def test_lower_bounds_stop_at_zero() -> None:
    """A target that cannot be negative has no negative lower bound; the upper one is as it was."""
    quantiles = intervals.quantiles(scores_of({1: [2.0] * 20}), [80], 1)
    forecasts = pd.DataFrame({"unique_id": ["a"], "ds": [cutoff(0)], "model": "m", "y_hat": [1.0], "step": [1]}).assign(
        phase=0
    )
    found = intervals.apply(forecasts, quantiles, scale_of(a=3), NO_PHASES, [80], non_negative=True)
    assert (found["lo_80"].item(), found["hi_80"].item()) == (0, 7)


def test_a_series_without_a_scale_has_no_interval() -> None:
    """Where nothing is known of a series' errors, null is the honest width."""
    quantiles = intervals.quantiles(scores_of({1: [2.0] * 20}), [80], 1)
    forecasts = pd.DataFrame({"unique_id": ["b"], "ds": [cutoff(0)], "model": "m", "y_hat": [1.0], "step": [1]}).assign(
        phase=0
    )
    assert (
        intervals.apply(forecasts, quantiles, scale_of(a=3), NO_PHASES, [80], non_negative=True)[["lo_80", "hi_80"]]
        .isna()
        .all(axis=None)
    )


SPREAD = {f"s{i}": float(1 + i) for i in range(12)} | {"zero": 0.0}  # standard deviations of the errors of series


def crossed(residuals: dict[tuple[str, int, str], list[float]], levels: tuple[int, ...] = (80,)) -> pd.DataFrame:
    return intervals.cross(backtest_of(residuals), scale_of(a=1), levels, 5, non_negative=False)


def test_a_fold_is_measured_with_the_scores_of_the_others() -> None:
    """Windows with errors 1, 2 and 3: each has the width that the other two give, never its own.

    Of two windows with errors a < b, b is b / a of the width that a gives: so their geometric mean is stretched by that.
    """
    found = crossed({("a", 0, "m"): [1.0] * 5, ("a", 1, "m"): [2.0] * 5, ("a", 2, "m"): [3.0] * 5})
    width = (found["hi_80"] - found["y_hat"]).groupby(found["cutoff"]).agg(["min", "max"])
    expected = {cutoff(own): math.sqrt(a * b) * b / a for own, (a, b) in enumerate([(2, 3), (1, 3), (1, 2)])}
    assert width["max"].to_dict() == pytest.approx(expected)
    assert_series_equal(width["min"], width["max"], check_names=False)


@pytest.mark.parametrize("window", range(3))
def test_the_errors_of_a_fold_do_not_reach_its_own_bounds(window: int) -> None:
    """Whatever happened in a window, its own intervals stay; also where the scale is the mean residual."""
    rng = np.random.default_rng(2)
    calm = {(name, one, "m"): list(size * rng.standard_normal(6)) for name, size in SPREAD.items() for one in range(3)}
    wild = {key: [1e6, 1e5, 0, 1e3, 7, 1] if key[1] == window else values for key, values in calm.items()}
    bounds = []
    for residuals in (calm, wild):
        backtest = backtest_of(residuals).assign(phase=lambda rows: rows["step"] % 3)
        found = intervals.cross(backtest, scale_of(**dict.fromkeys(SPREAD, 1.0)), (80, 95), 6, non_negative=False)
        bounds.append(found.loc[found["cutoff"] == cutoff(window), ["lo_80", "hi_80", "lo_95", "hi_95"]])
        assert found.loc[found["cutoff"] != cutoff(window), "hi_80"].notna().all()
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
    forecasts = pd.DataFrame(
        {"unique_id": "a", "ds": cutoff(0), "model": "m", "y_hat": y_hat, "step": steps, "phase": 0}
    )
    bounds = intervals.apply(forecasts, found, scale_of(a=scale), NO_PHASES, sorted(levels), non_negative)
    known = [level for level in sorted(levels) if total >= intervals.needed(level)]
    chain = [*(f"lo_{level}" for level in reversed(known)), "y_hat", *(f"hi_{level}" for level in known)]
    assert (bounds[chain].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    if non_negative:
        assert (bounds[chain] >= 0).all(axis=None)


TRIALS = 20_000


@pytest.mark.parametrize("n", [4, 9, 19, 50])
@pytest.mark.parametrize("level", [80, 90, 95])
def test_conformal_coverage(n: int, level: int) -> None:
    """On exchangeable data n scores cover the next one at least as often as the level says, or there is no interval.

    Theory: exactly rank / (n + 1) for continuous scores; four standard errors are left to chance.
    """
    rng = np.random.default_rng(20240101 + n)
    draws = np.abs(rng.standard_t(df=4, size=(TRIALS, n + 1)))
    widths = intervals.conformal(draws[:, :n], level)
    assert widths.shape == (TRIALS,)
    if n < intervals.needed(level):
        assert np.isnan(widths).all()
        return
    coverage = np.mean(draws[:, n] <= widths)
    exact = -(-(n + 1) * level // 100) / (n + 1)
    assert exact >= level / 100
    assert abs(coverage - exact) < 4 * np.sqrt(exact * (1 - exact) / TRIALS)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=120), st.sampled_from([50, 80, 90, 95]))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_step_of_one_window_has_the_conformal_quantile(values: list[float], level: int) -> None:
    """What the simulation proves is what the tables hold: the score of that rank among all, counted by sorting them."""
    found = at(intervals.quantiles(scores_of({1: values}), [level], 1), 1, level)
    place = math.ceil((len(values) + 1) * level / 100 - 1e-9)
    assert found == sorted(values)[place - 1] if place <= len(values) else np.isnan(found)


def test_windows_that_differ_as_a_whole_are_reckoned_with() -> None:
    """Errors that grow and shrink together: the next window is covered nearly as promised, by pooling alone it is not.

    200 trials of four windows of 60 scores; the size of a window is log-normal. Pooled quantiles cover about 91 %.
    """
    rng = np.random.default_rng(7)
    trials, windows, n = 200, 4, 60
    size = np.exp(0.6 * rng.standard_normal((trials, windows + 1, 1)))
    draws = np.abs(rng.standard_normal((trials, windows + 1, n))) * size
    past, ahead = draws[:, :windows], draws[:, windows]
    of_window = np.repeat([cutoff(window) for window in range(windows)], n)
    widths = [
        at(intervals.quantiles(pd.DataFrame({"cutoff": of_window, "step": 1, "score": one.ravel()}), [95], 1), 1, 95)
        for one in past
    ]
    pooled = intervals.conformal(past.reshape(trials, -1), 95)
    assert np.mean(ahead <= pooled[:, None]) < 0.925
    assert 0.935 < np.mean(ahead <= np.array(widths)[:, None]) < 0.97


def test_windows_alike_stay_as_narrow_as_pooled() -> None:
    """Without a common shock there is nothing to stretch: at most two percent on 6,000 scores."""
    rng = np.random.default_rng(11)
    score = np.abs(rng.standard_normal(6000))
    scores = pd.DataFrame({"cutoff": np.repeat([cutoff(w) for w in range(3)], 2000), "step": 1, "score": score})
    for level in (80, 95):
        pooled = float(intervals.conformal(score, level))
        assert pooled <= at(intervals.quantiles(scores, [level], 1), 1, level) < 1.02 * pooled


def credibility(squares: dict[str, list[float]]) -> dict[str, float]:
    """The size of each group by Bühlmann's formula in plain arithmetic; `squares`: mean squares a fold, all folds there."""
    folds = len(next(iter(squares.values())))
    usual = [sum(row[f] for row in squares.values()) / len(squares) for f in range(folds)]
    relative = {name: [row[f] / usual[f] for f in range(folds)] for name, row in squares.items()}
    mean = {name: sum(row) / folds for name, row in relative.items()}
    overall = sum(mean.values()) / len(mean)
    apart = sum(sum((x - mean[name]) ** 2 for x in row) / mean[name] ** 2 for name, row in relative.items())
    within = apart / (len(mean) * (folds - 1))
    spread = sum((m - overall) ** 2 for m in mean.values()) / (len(mean) - 1)
    between = max(0.0, (spread - within / folds * overall**2) / (1 + within / folds))
    own = between / (between + within * (between + overall**2) / folds) if between else 0.0
    typical = math.prod(mean.values()) ** (1 / len(mean))
    return {name: math.sqrt(own * m / typical + 1 - own) for name, m in mean.items()}


@given(st.lists(st.lists(st.floats(0.1, 50), min_size=3, max_size=3), min_size=2, max_size=6))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_the_scale_of_a_series_goes_with_its_own_errors_as_far_as_they_are_credible(errors: list[list[float]]) -> None:
    """The factor on each series' scale is that of the formula, for any errors of three windows."""
    named = {f"s{i}": row for i, row in enumerate(errors)}  # a row a series
    backtest = backtest_of({(name, f, "m"): [row[f]] for name, row in named.items() for f in range(3)})
    ones = scale_of(**dict.fromkeys(named, 1.0))
    _, scales, _ = intervals.calibrate(backtest, ones, ones, [80], 1)
    found = dict(zip(scales["unique_id"], scales["scale"], strict=True))
    assert found == pytest.approx(credibility({name: [e**2 for e in row] for name, row in named.items()}), rel=1e-6)


def noise(sizes: dict[str, float], windows: int, h: int, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return backtest_of(
        {(name, w, "m"): list(size * rng.standard_normal(h)) for name, size in sizes.items() for w in range(windows)}
    )


def test_series_whose_errors_the_scale_does_not_tell_are_covered_alike() -> None:
    """Half of the series err five times as much as the others, which their scale does not say: a common width would
    cover 100 % and 60 % of them, widths of their own both nearly as promised.
    """
    sizes = {f"s{i}": 1.0 if i % 2 else 5.0 for i in range(60)}
    found = intervals.cross(noise(sizes, 4, 20), scale_of(**dict.fromkeys(sizes, 1.0)), (80,), 20, non_negative=False)
    wild = found["unique_id"].map(sizes) > 1
    inside = 100 * found["y"].between(found["lo_80"], found["hi_80"])
    width = found["hi_80"] - found["lo_80"]
    assert inside.groupby(wild).mean().between(75, 85).all()
    assert width[wild].mean() / width[~wild].mean() == pytest.approx(5, rel=0.2)


def test_series_that_are_alike_keep_their_scale() -> None:
    """What differs between series by chance alone is not taken for theirs."""
    sizes = {f"s{i}": 1.0 for i in range(60)}
    ones = scale_of(**sizes)
    _, scales, _ = intervals.calibrate(noise(sizes, 4, 20), ones, ones, [80], 20)
    assert scales["scale"].between(0.9, 1.1).all()


def test_a_phase_with_larger_errors_has_wider_intervals() -> None:
    """Every other step errs three times as much: its intervals are about three times as wide, in cross and ahead."""
    sizes = {f"s{i}": 1.0 for i in range(30)}
    backtest = noise(sizes, 4, 12).assign(phase=lambda rows: rows["step"] % 2)
    error = (backtest["y"] - backtest["y_hat"]) * np.where(backtest["phase"] == 1, 3, 1)
    backtest = backtest.assign(y=backtest["y_hat"] + error)
    ones = scale_of(**sizes)
    found = intervals.cross(backtest, ones, (80,), 12, non_negative=False)
    width = (found["hi_80"] - found["lo_80"]).groupby(found["phase"]).mean()
    assert width[1] / width[0] == pytest.approx(3, rel=0.1)
    quantiles, scales, phases = intervals.calibrate(backtest, ones, ones, [80], 12)
    size = phases.set_index("phase")["size"]
    assert size[1] / size[0] == pytest.approx(3, rel=0.1)
    ahead = pd.DataFrame({"unique_id": "s0", "y_hat": 0.0, "step": 1, "phase": [0, 1, 7]})
    bounds = intervals.apply(ahead, quantiles, scales, phases, [80], non_negative=False)["hi_80"]
    assert bounds[1] / bounds[0] == pytest.approx(size[1] / size[0])
    assert bounds[0] < bounds[2] < bounds[1]  # a phase that was never seen has what all have


def test_the_phase_is_that_of_the_shortest_season() -> None:
    """Hours of a day that begins at midnight; without a season there is one phase."""
    rows = pd.DataFrame({"ds": pd.date_range("2024-01-01 22:00", periods=4, freq="h").repeat(2)})
    assert list(intervals.with_phase(rows, "h", (168, 24))["phase"]) == [22, 22, 23, 23, 0, 0, 1, 1]
    assert set(intervals.with_phase(rows, "h", (1,))["phase"]) == {0}


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
