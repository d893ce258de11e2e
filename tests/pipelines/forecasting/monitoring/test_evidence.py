"""Variances from few folds, discoveries among many tests, and statuses that do not flap."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from pipelines.forecasting.monitoring import evidence
from pipelines.forecasting.monitoring.evidence import STATUSES

NOTHING = pd.DataFrame({"unique_id": [], "status": [], "calm": []}).astype({"unique_id": object, "status": object})


def test_alike_series_share_their_degrees_of_freedom() -> None:
    """1,000 series of one variance with three folds: each is given about that variance, and thousands of degrees."""
    rng = np.random.default_rng(1)
    squares = 4 * rng.chisquare(2, 1000) / 2
    variance, freedom = evidence.moderated(squares, 2)
    assert variance == pytest.approx(4, rel=0.3)
    assert freedom.min() > 20


def test_series_that_differ_keep_their_own() -> None:
    """The prior of an inverse chi-squared distribution of variances is found: Smyth's own model, 8 degrees around 1."""
    rng = np.random.default_rng(2)
    truth = 8 / rng.chisquare(8, 20_000)
    squares = truth * rng.chisquare(4, 20_000) / 4
    variance, freedom = evidence.moderated(squares, 4)
    assert freedom[0] - 4 == pytest.approx(8, rel=0.15)
    assert np.mean((variance - truth) ** 2) < 0.5 * np.mean((squares - truth) ** 2)


def test_one_series_has_only_itself() -> None:
    """Its own mean square and degrees; nothing without a second fold, and nothing where nothing is known."""
    variance, freedom = evidence.moderated(np.array([2.5]), 6)
    assert (variance[0], freedom[0]) == (2.5, 6)
    assert np.isnan(evidence.moderated(np.array([2.5]), 0)[0]).all()
    assert np.isnan(evidence.moderated(np.array([2.5, 3.0, np.nan]), 2)[0]).tolist() == [False, False, True]


@given(st.floats(1e-3, 1e3))
def test_the_inverse_of_trigamma(value: float) -> None:
    """Put in again, it gives what was asked for."""
    assert special.polygamma(1, evidence._inverse_trigamma(value)) == pytest.approx(value, rel=1e-6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.sampled_from([0.05, 0.2]))
def test_discoveries_are_those_of_the_step_up_rule(p_values: list[float], rate: float) -> None:
    """The largest k with p₍ₖ₎ ≤ k · rate / n decides; what is null is none, and the other method finds no more."""
    ordered = sorted(p_values)
    n = len(ordered)
    ranks = [k for k in range(1, n + 1) if ordered[k - 1] <= k * rate / n * (1 + 1e-12)]
    limit = ordered[max(ranks) - 1] if ranks else -1.0
    found = evidence.discoveries(np.array([*p_values, np.nan]), rate)
    assert found.tolist() == [*(p <= limit for p in p_values), False]
    assert evidence.discoveries(np.array(p_values), rate, "by").sum() <= found.sum()


def settle(history: list[str], clear_after: int = 2) -> list[str]:
    """What holds after each finding."""
    before, told = NOTHING, []
    for status in history:
        before = evidence.settle(
            pd.DataFrame({"unique_id": ["a"], "status": [status]}), before, ["unique_id"], clear_after
        )
        told.append(before["status"][0])
    return told


def test_a_status_rises_at_once_and_falls_slowly() -> None:
    """Two findings in a row must be calmer; where nothing can be said, nothing is."""
    assert settle(["ok", "alert", "ok", "alert", "ok", "ok"]) == ["ok", "alert", "alert", "alert", "alert", "ok"]
    assert settle(["alert", "warn", "ok"]) == ["alert", "alert", "ok"]
    assert settle(["alert", "insufficient", "ok"]) == ["alert", "insufficient", "ok"]


def test_looking_twice_at_the_same_data_is_no_second_finding() -> None:
    """A status that is calmer now still holds; with the next data it falls."""
    before, told = NOTHING.assign(as_of=[]), []
    for status, as_of in (("alert", 1), ("ok", 2), ("ok", 2), ("ok", 2), ("ok", 3)):
        found = pd.DataFrame({"unique_id": ["a"], "status": [status], "as_of": [as_of]})
        before = evidence.settle(found, before, ["unique_id"], 2)
        told.append(before["status"][0])
    assert told == ["alert", "alert", "alert", "alert", "ok"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=12))
def test_a_status_changes_no_more_often_than_what_is_found(history: list[str]) -> None:
    """Hysteresis only ever calms, and never hides a more severe status than was found."""
    told = settle(history)
    rank = {name: place for place, name in enumerate(STATUSES)}
    changes = [sum(a != b for a, b in pairwise(one)) for one in (history, told)]
    assert changes[1] <= changes[0]
    assert all(rank[b] >= rank[a] for a, b in zip(history, told, strict=True) if a != "insufficient")
