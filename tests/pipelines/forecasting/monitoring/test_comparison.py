"""Going back takes evidence: enough spans, a difference that matters, and one that chance does not make."""

import numpy as np
import pandas as pd
import pytest

from pipelines.forecasting.monitoring import comparison
from pipelines.forecasting.thresholds import Comparison

OLD, NEW = "20240101T000000Z-00000000", "20240201T000000Z-00000000"
SETTINGS = Comparison()


def scores(ratios: list[float], every: int = 7, rival: str = "previous") -> pd.DataFrame:
    """Forecast sets of seven steps, so many days apart, in which the newer run's error is the older one's times a ratio."""
    rows = []
    for number, ratio in enumerate(ratios):
        cutoff = pd.Timestamp("2024-03-01") + pd.Timedelta(days=every * number)
        served, other = (ratio, 1.0) if rival == "previous" else (1.0, ratio)
        named = (NEW, OLD) if rival == "previous" else (OLD, NEW)
        rows.append((cutoff, cutoff + pd.Timedelta(days=7), rival, *named, served, other, 50))
    return pd.DataFrame(rows, columns=comparison.SCORED)


def test_a_run_that_is_worse_each_time_is_left() -> None:
    """By 20 to 40 % over five spans; the reason has the figures."""
    found = comparison.verdict(scores([1.2, 1.4, 1.3, 1.25, 1.35]), "previous", NEW, OLD, SETTINGS)
    assert (found.worse, found.alias, found.run_id, found.other_run_id) == (True, "production", NEW, OLD)
    assert found.ratio == pytest.approx(1.298, abs=0.005)
    assert found.p_value is not None
    assert found.p_value < 0.01
    assert "+29.8 %" in found.why


def test_a_canary_is_held_against_production() -> None:
    """The newer run is then the rival."""
    found = comparison.verdict(scores([1.3] * 4, rival="canary"), "canary", OLD, NEW, SETTINGS)
    assert (found.worse, found.alias, found.run_id, found.other_run_id) == (True, "canary", NEW, OLD)


@pytest.mark.parametrize(
    "ratios",
    [
        [1.3, 1.3, 1.3],  # too few
        [1.05] * 8,  # too little
        [0.5, 2.5, 0.6, 2.4, 1.8],  # too uneven
        [0.7] * 8,  # better
    ],
)
def test_without_enough_evidence_nothing_moves(ratios: list[float]) -> None:
    """Too few spans, too small or too uneven a difference, or a better run."""
    assert not comparison.verdict(scores(ratios), "previous", NEW, OLD, SETTINGS).worse


def test_daily_forecasts_of_the_same_week_are_one_span() -> None:
    """Twenty of them are three spans, too few; forty are six."""
    found = [comparison.verdict(scores([1.3] * n, every=1), "previous", NEW, OLD, SETTINGS) for n in (20, 40)]
    assert [(one.blocks, one.worse) for one in found] == [(3, False), (6, True)]


def test_other_runs_are_no_evidence() -> None:
    """Only forecast sets of just these two runs count."""
    assert comparison.verdict(scores([1.5] * 8), "previous", OLD, NEW, SETTINGS).blocks == 0


def test_two_equal_runs_are_hardly_ever_told_apart() -> None:
    """Of 500 pairs whose errors differ by chance, 30 % from span to span: at most one in twenty is left."""
    rng = np.random.default_rng(1)
    worse = [
        comparison.verdict(scores(list(np.exp(rng.normal(0, 0.3, 6)))), "previous", NEW, OLD, SETTINGS).worse
        for _ in range(500)
    ]
    assert np.mean(worse) <= 0.06
