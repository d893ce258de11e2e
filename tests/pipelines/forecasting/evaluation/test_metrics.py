import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
import utilsforecast.losses as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pandas.testing import assert_frame_equal

from pipelines.forecasting.evaluation import metrics
from pipelines.tables.schema import is_share

CUTOFF = pd.Timestamp("2024-01-10")


def fold(y: list[float], y_hat: list[float], **bounds: list[float]) -> pd.DataFrame:
    """The backtest of one series, one window and one model."""
    ds = pd.date_range(CUTOFF, periods=len(y) + 1)[1:]
    return pd.DataFrame({"unique_id": "a", "cutoff": CUTOFF, "ds": ds, "model": "m", "y": y, "y_hat": y_hat, **bounds})


def scales(mae: float = 2.0, rmse: float = 4.0) -> pd.DataFrame:
    return pd.DataFrame({"unique_id": ["a"], "cutoff": [CUTOFF], "scale_mae": [mae], "scale_rmse": [rmse]})


def values(backtest: pd.DataFrame, scale: pd.DataFrame | None = None, levels: tuple[int, ...] = ()) -> dict[str, float]:
    found = metrics.evaluate(backtest, scales() if scale is None else scale, levels)
    return dict(zip(found["metric"], found["value"], strict=True))


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("mae", 2.0),  # (1 + 2 + 3) / 3
        ("rmse", np.sqrt(14 / 3)),
        ("mape", (0.1 + 0.1 + 0.1) / 3),
        ("smape", 2 * (1 / 21 + 2 / 38 + 3 / 63) / 3),
        ("wape", 6 / 60),
        ("mase", 1.0),
        ("rmsse", np.sqrt(14 / 3) / 4),
        ("bias", -2 / 3),  # (-1 + 2 - 3) / 3: forecast too high on average
    ],
)
def test_point_metrics_by_hand(metric: str, expected: float) -> None:
    """y = 10, 20, 30 against 11, 18, 33, with scales 2 and 4."""
    assert values(fold([10, 20, 30], [11, 18, 33]))[metric] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("coverage_80", 0.5),
        ("msis_80", (4 + (4 + 10 * 1) + (4 + 10 * 2) + 4) / 4 / 2),  # α = 0.2: the penalty is ten times the miss
        ("pinball_0.1", (0.1 * 2 + 0.9 * 1 + 0.1 * 6 + 0.1 * 4) / 4),
        ("pinball_0.9", (0.1 * 2 + 0.1 * 5 + 0.9 * 2 + 0.1 * 0) / 4),
    ],
)
def test_interval_metrics_by_hand(metric: str, expected: float) -> None:
    """Bounds 8 to 12 around y = 10 (inside), 7 (1 below), 14 (2 above) and 12 (on the bound: inside)."""
    backtest = fold([10, 7, 14, 12], [10] * 4, lo_80=[8] * 4, hi_80=[12] * 4)
    assert values(backtest, levels=(80,))[metric] == pytest.approx(expected)


def test_the_pinball_losses_are_named_by_the_quantile_of_the_bound() -> None:
    """Levels 80 and 95 give the quantiles 0.1, 0.9, 0.025 and 0.975."""
    assert metrics.names((80, 95)) == [
        "mae", "rmse", "mape", "smape", "wape", "mase", "rmsse", "bias",
        "coverage_80", "msis_80", "pinball_0.1", "pinball_0.9",
        "coverage_95", "msis_95", "pinball_0.025", "pinball_0.975",
    ]  # fmt: skip
    assert list(values(fold([1], [1]), levels=(80, 95))) == metrics.names((80, 95))


@pytest.mark.parametrize(
    ("y", "y_hat", "scale", "null"),
    [
        ([0, 10], [1, 11], (2, 4), {"mape"}),
        ([0, 0], [1, 2], (2, 4), {"mape", "wape"}),
        ([1, 2], [1, 2], (0, 0), {"mase", "rmsse", "msis_80"}),
        ([1, 2], [1, 2], (np.nan, np.nan), {"mase", "rmsse", "msis_80"}),
        ([1, 2], [1, 1e200], (2, 4), {"rmse", "rmsse"}),
    ],
)
def test_what_is_undefined_is_a_row_with_null(
    y: list[float], y_hat: list[float], scale: tuple[float, float], null: set[str]
) -> None:
    """A percentage of 0, a scale of 0, an overflow: null and never inf, and nothing else is null."""
    backtest = fold(y, y_hat, lo_80=[0, 0], hi_80=[5, 5])
    found = values(backtest, scales(*scale), (80,))
    assert {name for name, value in found.items() if np.isnan(value)} == null
    assert not any(np.isinf(value) for value in found.values())


def test_smape_of_two_zeros_is_zero() -> None:
    """A right forecast of 0 is a perfect one; a wrong one is as wrong as can be."""
    assert values(fold([0, 0], [0, 5]))["smape"] == 1.0


def test_rows_without_an_actual_are_ignored() -> None:
    """The third row has no actual: the metrics are those of the other two; without any actual they are null."""
    assert values(fold([10, 20, np.nan], [11, 18, 1e9])) == values(fold([10, 20], [11, 18]))
    assert all(np.isnan(value) for value in values(fold([np.nan], [1])).values())


@pytest.mark.parametrize("bounds", [{}, {"lo_80": [8.0, np.nan], "hi_80": [12.0, 12.0]}])
def test_null_or_absent_bounds_give_null_interval_metrics(bounds: dict[str, list[float]]) -> None:
    """Coverage without an interval is unknown, not 0."""
    found = values(fold([10, 10], [10, 10], **bounds), levels=(80,))
    assert np.isnan(found["coverage_80"])
    assert np.isnan(found["msis_80"])
    assert np.isnan(found["pinball_0.1"])
    assert found["mae"] == 0


def test_a_missing_forecast_makes_the_fold_null() -> None:
    """A model is not rewarded for the points that it did not forecast."""
    assert np.isnan(values(fold([10, 20], [10, np.nan]))["mae"])


def test_a_null_actual_stays_out_of_the_coverage() -> None:
    """Half of the two known actuals are inside."""
    backtest = fold([10, 99, np.nan], [10] * 3, lo_80=[8] * 3, hi_80=[12] * 3)
    assert values(backtest, levels=(80,))["coverage_80"] == 0.5


def test_units_and_signs() -> None:
    """Shares are fractions, others have the unit of the target or are pure numbers; bias and coverage are no errors."""
    assert {name: metrics.unit(name) for name in metrics.names((80,))} == {
        "mae": "y",
        "rmse": "y",
        "mape": "fraction",
        "smape": "fraction",
        "wape": "fraction",
        "mase": "",
        "rmsse": "",
        "bias": "y",
        "coverage_80": "fraction",
        "msis_80": "",
        "pinball_0.1": "y",
        "pinball_0.9": "y",
    }
    assert [name for name in metrics.names((80,)) if not metrics.is_error(name)] == ["bias", "coverage_80"]


def test_rows_are_told_apart_by_series_cutoff_and_model() -> None:
    """Unsorted rows of two series, two cutoffs and two models end in eight folds, sorted, each with its own scale."""
    later = CUTOFF + pd.Timedelta(days=5)
    parts = [
        fold([10, 10], [10 + error, 10 + error]).assign(unique_id=name, cutoff=cutoff, model=model)
        for error, (name, cutoff, model) in enumerate(
            (name, cutoff, model) for name in "ba" for cutoff in (later, CUTOFF) for model in ("y", "x")
        )
    ]
    backtest = pd.concat(parts).sample(frac=1, random_state=1)
    scale = pd.DataFrame(
        {
            "unique_id": ["a", "a", "b"],
            "cutoff": [CUTOFF, later, CUTOFF],
            "scale_mae": [1.0, 2.0, 4.0],
            "scale_rmse": 1.0,
        }
    )
    found = metrics.evaluate(backtest, scale, ())
    mae = found[found["metric"] == "mae"].reset_index(drop=True)
    assert list(mae["unique_id"]) == list("aaaabbbb")
    assert list(mae["value"]) == [7, 6, 5, 4, 3, 2, 1, 0]
    mase = found.loc[found["metric"] == "mase", "value"].to_numpy()
    np.testing.assert_allclose(mase, [7, 6, 2.5, 2, 0.75, 0.5, np.nan, np.nan])
    assert list(found.columns) == ["unique_id", "cutoff", "model", "metric", "value"]


def history(**series: list[float]) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"unique_id": k, "ds": pd.date_range("2024-01-01", periods=len(v)), "y": v})
        for k, v in series.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_seasonal_scales_by_hand() -> None:
    """Season 2: differences 3, 1 and 2 two steps apart; no pair reaches from one series into the next."""
    found = metrics.seasonal_scales(history(a=[1, 5, 4, 6, 2], b=[100, 0, 100, 0]), 2).set_index("unique_id")
    assert found.loc["a", "scale_mae"] == pytest.approx((3 + 1 + 2) / 3)
    assert found.loc["a", "scale_rmse"] == pytest.approx(np.sqrt(14 / 3))
    assert found.loc["b", "scale_mae"] == 0


def test_scales_of_short_series() -> None:
    """Shorter than a season: neighbouring values; a single value, or none observed: null."""
    found = metrics.seasonal_scales(history(one=[5], two=[5, 8], void=[np.nan, np.nan]), 7).set_index("unique_id")
    assert found.loc["two", "scale_mae"] == 3
    assert found.loc[["one", "void"]].isna().all(axis=None)


def test_scales_skip_missing_values() -> None:
    """A pair with a missing end is no pair: of 1, –, 4, 8 only 4 to 8 remains at m = 1."""
    assert metrics.seasonal_scales(history(a=[1, np.nan, 4, 8]), 1)["scale_mae"].item() == 4


@pytest.mark.parametrize("m", [1, 3])
def test_scales_at_a_cutoff_know_nothing_later(m: int) -> None:
    """The scale of a cutoff is that of the history up to it, whatever comes after."""
    past = history(a=[1, 5, 4, 6, 2, 9], b=[3, 1, 4, 1, 5, 9])
    stamps = [pd.Timestamp("2024-01-04"), pd.Timestamp("2024-01-06")]
    found = metrics.scales_at(past, stamps, m)
    poisoned = metrics.scales_at(past.assign(y=past["y"].mask(past["ds"] > stamps[0], 1e9)), stamps, m)
    first = found["cutoff"] == stamps[0]
    assert_frame_equal(found[first], poisoned[first])
    assert_frame_equal(found[~first].drop(columns="cutoff").reset_index(drop=True), metrics.seasonal_scales(past, m))


def test_skill_is_measured_against_the_baseline_of_the_same_fold() -> None:
    """Half the baseline's error is a skill of 0.5, twice is −1; null where the baseline is 0; bias has no skill."""
    rows = [
        ("a", 1, "seasonal_naive", "mae", 4.0), ("a", 1, "m", "mae", 2.0), ("a", 2, "seasonal_naive", "mae", 1.0),
        ("a", 2, "m", "mae", 2.0), ("b", 1, "seasonal_naive", "mae", 0.0), ("b", 1, "m", "mae", 1.0),
        ("c", 1, "m", "mae", 1.0), ("a", 1, "m", "bias", 1.0), ("a", 1, "m", "coverage_80", 1.0),
    ]  # fmt: skip
    found = metrics.skill(pd.DataFrame(rows, columns=["unique_id", "cutoff", "model", "metric", "value"]))
    assert set(found["metric"]) == {"mae"}
    np.testing.assert_allclose(found.loc[found["model"] == "m", "skill"], [0.5, -1.0, np.nan, np.nan])
    np.testing.assert_allclose(found.loc[found["model"] == "seasonal_naive", "skill"], [0, 0, np.nan])


def test_stability_is_the_coefficient_of_variation() -> None:
    """Folds 1 and 3 have mean 2 and standard deviation √2; one fold has no variation to speak of."""
    rows = [
        ("a", 1, "m", "mae", 1.0),
        ("a", 2, "m", "mae", 3.0),
        ("b", 1, "m", "mae", 1.0),
        ("c", 1, "m", "mae", 0.0),
        ("c", 2, "m", "mae", 0.0),
    ]
    found = metrics.stability(pd.DataFrame(rows, columns=["unique_id", "cutoff", "model", "metric", "value"]))
    np.testing.assert_allclose(found["stability"], [np.sqrt(2) / 2, np.nan, np.nan])


numbers = st.floats(0.125, 1e4, width=32)


@st.composite
def panels(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A backtest of two series with positive actuals, and a history of each before it."""
    n = draw(st.integers(1, 12))
    arrays = [draw(hnp.arrays(np.float64, (2, n), elements=numbers)) for _ in range(4)]
    y, y_hat, one, two = (array.ravel() for array in arrays)
    ds = pd.date_range(CUTOFF, periods=n + 1)[1:]
    backtest = pd.DataFrame(
        {
            "unique_id": np.repeat(["a", "b"], n),
            "cutoff": CUTOFF,
            "ds": [*ds, *ds],
            "model": "m",
            "y": y,
            "y_hat": y_hat,
            "lo_80": np.minimum(one, two),
            "hi_80": np.maximum(one, two),
        }
    )
    past = draw(hnp.arrays(np.float64, (2, 10), elements=numbers))
    return backtest, history(a=list(past[0]), b=list(past[1]))


@given(panels(), st.sampled_from([1, 3, 7]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_metrics_agree_with_utilsforecast(panel: tuple[pd.DataFrame, pd.DataFrame], m: int) -> None:
    """Every metric that utilsforecast also has, on random panels, in this project's units and signs."""
    backtest, past = panel
    found = metrics.evaluate(backtest, metrics.scales_at(past, [CUTOFF], m), (80,))
    table = found.pivot(index="unique_id", columns="metric", values="value")
    named = {"y_hat": "m", "lo_80": "m-lo-80", "hi_80": "m-hi-80"}
    frame = backtest.drop(columns=["model", "cutoff"]).rename(columns=named)
    others = {
        "mae": oracle.mae(frame, ["m"]),
        "rmse": oracle.rmse(frame, ["m"]),
        "mape": oracle.mape(frame, ["m"]),
        "smape": oracle.smape(frame, ["m"]),
        "wape": oracle.nd(frame, ["m"]),
        "bias": oracle.bias(frame, ["m"]),
        "mase": oracle.mase(frame, ["m"], m, past),
        "rmsse": oracle.rmsse(frame, ["m"], m, past),
        "coverage_80": oracle.coverage(frame, ["m"], 80),
        "pinball_0.1": oracle.quantile_loss(frame, {"m": "m-lo-80"}, 0.1),
        "pinball_0.9": oracle.quantile_loss(frame, {"m": "m-hi-80"}, 0.9),
    }
    factor = {"smape": 2, "bias": -1}  # utilsforecast halves the sMAPE
    scale = metrics.seasonal_scales(past, m).set_index("unique_id")["scale_mae"]
    for name, other in others.items():
        expected = factor.get(name, 1) * other.set_index("unique_id")["m"].to_numpy(dtype=float)
        expected = np.where((scale == 0) & (name in ("mase", "rmsse")), np.nan, expected)
        np.testing.assert_allclose(table[name], expected, rtol=1e-9, atol=1e-9, err_msg=name)


@given(panels())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_shares_are_fractions(panel: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Coverage lies between 0 and 1, the sMAPE between 0 and 2, and no share is negative."""
    found = metrics.evaluate(panel[0], scales(), (80,)).dropna()
    ranges = {"coverage_80": (0, 1), "smape": (0, 2), "mape": (0, np.inf), "wape": (0, np.inf)}
    for name, (low, high) in ranges.items():
        assert found.loc[found["metric"] == name, "value"].between(low, high).all()
    assert set(ranges) == {name for name in metrics.names((80,)) if is_share(name)}


@given(panels())
@settings(max_examples=30, deadline=None, derandomize=True)
def test_metrics_agree_with_scikit_learn(panel: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """The point metrics and the pinball loss of a series, against a second oracle."""
    backtest = panel[0]
    found = metrics.evaluate(backtest, scales(), (80,)).set_index(["unique_id", "metric"])["value"]
    for name, rows in backtest.groupby("unique_id"):
        y, y_hat = rows["y"], rows["y_hat"]
        assert found[name, "mae"] == pytest.approx(sklearn.metrics.mean_absolute_error(y, y_hat))
        assert found[name, "rmse"] == pytest.approx(sklearn.metrics.root_mean_squared_error(y, y_hat))
        assert found[name, "mape"] == pytest.approx(sklearn.metrics.mean_absolute_percentage_error(y, y_hat))
        expected = sklearn.metrics.mean_pinball_loss(y, rows["lo_80"], alpha=0.1)
        assert found[name, "pinball_0.1"] == pytest.approx(expected)


anything = st.one_of(st.just(0.0), st.just(np.nan), st.floats(allow_nan=True, allow_infinity=True))


@given(hnp.arrays(np.float64, (5, 6), elements=anything), hnp.arrays(np.float64, 2, elements=anything))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_no_metric_is_ever_infinite(numbers: np.ndarray, scale: np.ndarray) -> None:
    """Whatever stands in the table, a metric is a finite number or null, and none of its rows is missing."""
    y, y_hat, low, high, _ = (list(row) for row in numbers)
    found = metrics.evaluate(fold(y, y_hat, lo_80=low, hi_80=high), scales(*scale), (80,))
    assert len(found) == len(metrics.names((80,)))
    assert not np.isinf(found["value"]).any()


def test_the_inputs_are_left_as_they_were() -> None:
    """Evaluating changes neither the backtest nor the scales."""
    backtest, scale = fold([10, np.nan], [11, 12]), scales()
    before = backtest.copy(), scale.copy()
    metrics.evaluate(backtest, scale, (80,))
    assert_frame_equal(backtest, before[0])
    assert_frame_equal(scale, before[1])
