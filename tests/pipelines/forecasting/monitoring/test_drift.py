"""Drift: what the index is, what chance gives, and that seasons, memory and small samples raise no alarm."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.forecasting.monitoring import drift
from pipelines.forecasting.monitoring.drift import Bins
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.thresholds import Drift, Evidence

NOTHING = pd.DataFrame(columns=drift.COLUMNS)
SIZES = [(50, 50), (50, 5000), (200, 200), (500, 50), (1000, 200), (5000, 50), (5000, 5000)]


def panel(reference: np.ndarray, current: np.ndarray, season: int = 1, **columns: np.ndarray) -> Panel:
    """Series of daily values, first those of the reference, then those of now."""
    values = np.concatenate([reference, current], axis=1)
    n, steps = values.shape
    history = pd.DataFrame(
        {
            "unique_id": np.repeat([f"s{i:05d}" for i in range(n)], steps),
            "ds": np.tile(pd.date_range("2000-01-03", periods=steps).to_numpy(), n),
            "y": values.ravel(),
            **{name: column.ravel() for name, column in columns.items()},
        }
    )
    return Panel(history, "D", (season,), past=tuple(columns), horizon=1)


def measure(reference: np.ndarray, current: np.ndarray, season: int = 1, **settings: int) -> pd.DataFrame:
    """The drift of the newest steps, of a run that was trained on all of them."""
    made = panel(reference, current, season)
    wanted = Drift(window=current.shape[1], reference=reference.shape[1], **settings)
    return drift.drift(made, made.history["ds"].max(), NOTHING, wanted, Evidence())


@pytest.mark.parametrize(("n", "m"), SIZES)
def test_a_panel_without_a_change_raises_no_alarm(n: int, m: int) -> None:
    """Series of noise: at most 1 % in alert, and about 1 % over the threshold of chance where that is the higher one."""
    rng = np.random.default_rng(1)
    series = 1000 if n + m <= 2000 else 250
    table = measure(rng.normal(size=(series, n)), rng.normal(size=(series, m)))
    assert (table["status"] == "alert").mean() <= 0.01
    assert (table["psi"] > table["threshold"]).mean() <= 0.025
    assert (table["status"] != "insufficient").all()


@pytest.mark.parametrize(("n", "m"), [(200, 200), (500, 200), (1000, 500), (5000, 200), (5000, 5000)])
def test_a_shift_of_half_a_deviation_is_caught(n: int, m: int) -> None:
    """In at least 90 % of the series, from 200 values on."""
    rng = np.random.default_rng(2)
    series = 500 if n * m < 1e7 else 100
    table = measure(rng.normal(size=(series, n)), rng.normal(0.5, 1, size=(series, m)))
    assert (table["status"] == "alert").mean() >= 0.9


def test_a_few_shifted_series_are_found_among_many() -> None:
    """Ten of 1,000, by two deviations: these and hardly any other."""
    rng = np.random.default_rng(3)
    current = rng.normal(size=(1000, 100))
    current[:10] += 2
    alert = measure(rng.normal(size=(1000, 400)), current)["status"] == "alert"
    assert alert[:10].all()
    assert alert[10:].sum() <= 2


def test_chance_is_a_chi_squared_variable_over_the_sample_sizes() -> None:
    """The threshold of 1 % is exceeded by 1 % of 10,000 pairs of samples of one distribution (Yurdakul 2018)."""
    rng = np.random.default_rng(4)
    for n, m in ((200, 200), (1000, 100)):
        bins = Bins.freeze(rng.normal(size=(10_000, n)), 5)
        found = drift.counts(rng.normal(size=(10_000, m)), bins.edges)
        limit = drift.chance(bins.freedom, bins.count, found.sum(axis=1), 0.01)
        assert (bins.psi(found) > limit).mean() == pytest.approx(0.01, abs=0.004)


def test_values_that_remember_are_worth_less() -> None:
    """An AR(1) of 0.8 has a ninth of the information of as many independent values, and raises no more alarms."""
    rng = np.random.default_rng(5)
    noise = rng.normal(size=(500, 700))
    values = np.zeros_like(noise)
    for step in range(1, noise.shape[1]):
        values[:, step] = 0.8 * values[:, step - 1] + noise[:, step]
    values = values[:, 100:]
    assert np.median(drift.worth(values[:, :500], np.full(500, 500))) == pytest.approx(1 / 9, abs=0.04)
    table = measure(values[:, :500], values[:, 500:])
    assert (table["psi"] > table["threshold"]).mean() <= 0.02


def test_seasons_are_compared_like_with_like() -> None:
    """Now are only the high days of a week, or only the summer of the third year: no drift; without seasons it would be."""
    rng = np.random.default_rng(6)
    days = np.arange(3 * 365 + 60)
    year = 5 * np.sin(2 * np.pi * days / 365.25)
    values = rng.normal(size=(200, len(days))) + year + 3 * (days % 7 == 5)
    table = measure(values[:, : 3 * 365], values[:, 3 * 365 :], season=7)
    assert (table["status"] == "alert").mean() <= 0.01
    assert (table["psi"] > table["threshold"]).mean() <= 0.03
    raw = Bins.freeze(values[:, : 3 * 365], 5)
    found = drift.counts(values[:, 3 * 365 :], raw.edges)
    assert np.median(raw.psi(found)) > 2 * table["threshold"].median()


def test_too_few_values_say_nothing() -> None:
    """Below the least sample, on either side, missing ones not counted."""
    rng = np.random.default_rng(7)
    current = rng.normal(5, 1, size=(3, 60))
    current[1, :20] = np.nan
    table = measure(rng.normal(size=(3, 300)), current)
    assert table["status"].tolist() == ["alert", "insufficient", "alert"]
    assert table["n_current"].tolist() == [60, 40, 60]
    assert set(measure(rng.normal(size=(2, 49)), current[[0, 2]])["status"]) == {"insufficient"}


def test_a_series_of_one_value_drifts_when_it_takes_another() -> None:
    """Up or down; while it stays, it does not."""
    reference = np.full((3, 100), 4.0)
    current = np.stack([np.full(60, 4.0), np.full(60, 5.0), np.full(60, 3.0)])
    assert measure(reference, current)["status"].tolist() == ["ok", "alert", "alert"]


def test_rare_demand_has_the_bins_that_it_has() -> None:
    """Mostly zeros: few bins, no alarms, and one when every day sells."""
    rng = np.random.default_rng(8)
    reference, current = rng.poisson(0.2, (300, 400)).astype(float), rng.poisson(0.2, (300, 80)).astype(float)
    current[0] = rng.poisson(3, 80)
    table = measure(reference, current)
    assert table["status"][0] == "alert"
    assert (table["status"][1:] == "alert").sum() <= 1
    assert (Bins.freeze(reference, 5).freedom < 4).all()


def test_each_feature_is_measured() -> None:
    """A covariate of text that becomes another one is in alert, the target is not."""
    rng = np.random.default_rng(9)
    weather = np.where(rng.random((1, 300)) < 0.5, "rain", "sun").astype(object)
    weather[:, 200:] = "sun"
    values = rng.normal(size=(1, 300))
    made = panel(values[:, :200], values[:, 200:], weather=weather)
    table = drift.drift(made, made.history["ds"].max(), NOTHING, Drift(window=100), Evidence())
    assert dict(zip(table["feature"], table["status"], strict=True)) == {"weather": "alert", "y": "ok"}


def test_the_reference_stays_while_the_run_serves() -> None:
    """It ends a window before what the run has seen, however much has come since."""
    rng = np.random.default_rng(10)
    values = rng.normal(size=(1, 500))
    made = panel(values[:, :300], values[:, 300:])
    trained_to = made.history["ds"].iloc[299]
    table = drift.drift(made, trained_to, NOTHING, Drift(window=60), Evidence())
    assert (table["n_reference"][0], table["n_current"][0]) == (240, 60)


@given(st.lists(st.integers(0, 200), min_size=2, max_size=8), st.lists(st.integers(0, 200), min_size=2, max_size=8))
def test_the_index_is_its_formula(then: list[int], now: list[int]) -> None:
    """Σ (q − p) ln(q / p) of shares, with half a value more in each bin; 0 for the same shares, and never negative."""
    size = min(len(then), len(now))
    inside, found = np.array([then[:size]], dtype=float), np.array([now[:size]], dtype=float)
    bins = Bins(np.arange(size - 1, dtype=float)[None], inside, inside.sum(axis=1), np.ones(1))
    p = [(value + 0.5) / (inside.sum() + size / 2) for value in inside[0]]
    q = [(value + 0.5) / (found.sum() + size / 2) for value in found[0]]
    expected = sum((b - a) * np.log(b / a) for a, b in zip(p, q, strict=True))
    assert bins.psi(found)[0] == pytest.approx(expected)
    assert bins.psi(inside)[0] == pytest.approx(0)
    assert bins.psi(found)[0] >= 0
