"""Bias by CUSUM: how long it is quiet, how soon it speaks, and that errors which go together are one observation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipelines.forecasting.monitoring import accuracy, bias
from pipelines.forecasting.thresholds import Bias, Evidence

SETTINGS = Bias()
LONG = 5_000


def run_lengths(shift: float, n: int, seed: int) -> np.ndarray:
    """Batches until the first alarm of `n` series with this bias."""
    rng = np.random.default_rng(seed)
    up, down, found = np.zeros(n), np.zeros(n), np.zeros(n)
    for batch in range(1, LONG):
        up, down = bias.advance(up, down, rng.normal(shift, 1, n), SETTINGS)
        found = np.where((found == 0) & (np.maximum(up, down) > SETTINGS.limit), batch, found)
        if (found > 0).all():
            break
    return np.where(found > 0, found, LONG)


def test_without_a_bias_an_alarm_is_rare() -> None:
    """At least 450 batches on average, of 2,000 series; the textbook says 465."""
    assert run_lengths(0.0, 2000, seed=1).mean() >= 450


@pytest.mark.parametrize("shift", [1.0, -1.0])
def test_a_bias_of_one_deviation_is_found_soon(shift: float) -> None:
    """Within 11 batches on average, in either direction; the textbook says 10.4."""
    assert run_lengths(shift, 5000, seed=2).mean() <= 11


def folds(values: np.ndarray) -> pd.DataFrame:
    """Batch means of a backtest, one row a series."""
    n, k = values.shape
    return pd.DataFrame({"unique_id": np.repeat([f"s{i:04d}" for i in range(n)], k), "value": values.ravel()})


def test_a_batch_of_alike_errors_is_one_observation() -> None:
    """Errors of an AR(1) of 0.9 within each batch: the scores are standard normal, where single errors would not be."""
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(400, 8, 40))
    errors = np.zeros_like(noise)
    for step in range(40):
        errors[..., step] = 0.9 * (errors[..., step - 1] if step else 0) + noise[..., step]
    means = errors.mean(axis=2)
    reference = folds(means[:, :5])
    scores = [bias.scores(folds(means[:, [batch]]), reference)["score"].to_numpy() for batch in (5, 6, 7)]
    assert np.std(scores) == pytest.approx(1, abs=0.06)
    as_points = means[:, 5:] / errors[:, :5].std() * np.sqrt(40)
    assert as_points.std() > 2


def test_scores_of_few_folds_are_honest() -> None:
    """With three folds a series, and series that differ, a score of 3 is as rare as it should be."""
    rng = np.random.default_rng(4)
    deviation = np.exp(rng.normal(0, 0.7, size=(5000, 1)))
    values = deviation * rng.normal(size=(5000, 4))
    score = bias.scores(folds(values[:, [3]]), folds(values[:, :3]))["score"].to_numpy()
    assert (np.abs(score) > 2).mean() == pytest.approx(2 * stats.norm.sf(2), abs=0.015)
    assert (np.abs(score) > 3).mean() <= 0.008


def test_no_single_batch_is_an_alarm() -> None:
    """However wild: three standard deviations are the most that it counts."""
    up, down = bias.advance(np.zeros(2), np.zeros(2), np.array([50.0, -50.0]), SETTINGS)
    assert np.maximum(up, down).max() < SETTINGS.limit
    assert (up[0], down[1]) == (2.5, 2.5)


def test_the_sums_are_those_of_page() -> None:
    """Step by step as in the textbook's recursion, where nothing is cut off; a missing batch changes nothing."""
    z = np.random.default_rng(5).normal(0.2, 0.8, 200)
    assert np.abs(z).max() < 3
    up, down, high, low = np.zeros(1), np.zeros(1), 0.0, 0.0
    for value in z:
        up, down = bias.advance(up, down, np.array([value]), SETTINGS)
        high, low = max(0, high + value - 0.5), max(0, low - value - 0.5)
        assert (up[0], down[0]) == pytest.approx((min(high, 10), min(low, 10)))
        high, low = min(high, 10), min(low, 10)
        same = bias.advance(up, down, np.array([np.nan]), SETTINGS)
        assert (same[0][0], same[1][0]) == (up[0], down[0])


def test_a_status_does_not_flap() -> None:
    """Over the limit it rises at once; it stays until the sum is below half of the limit."""
    before = pd.DataFrame(columns=bias.COLUMNS)
    told = []
    for size in (4.9, 5.2, 4.0, 5.1, 2.6, 2.4):
        state = pd.DataFrame({"unique_id": ["a"], "up": [size], "down": [0.0], "score": [0.0], "n": [9]})
        before = bias.status(state, before, SETTINGS, Evidence())
        told.append(before["status"][0])
    assert told == ["ok", "alert", "alert", "alert", "alert", "ok"]


def test_among_many_series_one_sum_over_the_limit_is_only_a_warning() -> None:
    """Of 10,000, some are by chance; one far above is an alert."""
    sizes = np.zeros(10_000)
    sizes[0] = 5.5
    state = pd.DataFrame(
        {"unique_id": [f"s{i}" for i in range(len(sizes))], "up": sizes, "down": 0.0, "score": 0.0, "n": 9}
    )
    nothing = pd.DataFrame(columns=bias.COLUMNS)
    assert bias.status(state, nothing, SETTINGS, Evidence())["status"][0] == "warn"
    assert bias.status(state.head(3), nothing, SETTINGS, Evidence())["status"][0] == "alert"


def test_a_group_leans_where_none_of_its_series_stands_out() -> None:
    """Two hundred series, each three tenths of a deviation too low: of them nearly none is in alert, their group is."""
    rng = np.random.default_rng(6)
    ids = [f"s{i:04d}" for i in range(200)]
    groups = pd.DataFrame({"unique_id": ids, "group": "all"})
    past = folds(rng.normal(size=(200, 8))).assign(cutoff=np.tile(np.arange(8), 200))
    reference = past, accuracy.means_of(past, groups)
    states = [pd.DataFrame(columns=["unique_id", "up", "down", "score", "n"])] * 2
    for week in range(4):
        now = folds(rng.normal(0.3, 1, size=(200, 1))).assign(cutoff=week)
        batches = now, accuracy.means_of(now, groups)
        states = [
            bias.follow(state, bias.scores(batch, usual), SETTINGS)
            for state, batch, usual in zip(states, batches, reference, strict=True)
        ]
    nothing = pd.DataFrame(columns=bias.COLUMNS)
    series, together = (bias.status(state, nothing, SETTINGS, Evidence()) for state in states)
    assert (series["status"] == "alert").mean() < 0.02
    assert together["status"].tolist() == ["alert"]
    assert together["up"][0] > SETTINGS.limit
