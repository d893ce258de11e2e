"""Several models as one."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from scipy.stats import trim_mean

from pipelines.core import plugins
from pipelines.core.errors import ConfigError
from pipelines.forecasting.evaluation.ensemble import ENSEMBLE
from pipelines.forecasting.models import ensemble
from pipelines.forecasting.models.ensemble import Ensemble, Weighted, trimmed_mean
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.protocols import Explains
from tests.support import factories
from tests.support.factories import one_series

THREE = ("naive", "seasonal_naive", "moving_average")


def paths(panel: Panel, h: int, names: tuple[str, ...] = THREE) -> np.ndarray:
    """The forecasts of each model by itself, a column each."""
    fitted = [plugins.load("pipelines.forecasting.models", name).build().fit(panel) for name in names]
    return np.column_stack([one.predict(panel, h)["y_hat"] for one in fitted])


def forecast(panel: Panel, h: int, **params: Any) -> np.ndarray:
    return ensemble.build(THREE, **params).fit(panel).predict(panel, h)["y_hat"].to_numpy()


def test_members_are_combined_step_by_step() -> None:
    """The median of three, a mean without the extremes of three, which is the same, and a mean by given weights."""
    panel = factories.panel()
    alone = paths(panel, 9)
    assert forecast(panel, 9) == pytest.approx(np.median(alone, axis=1))
    assert forecast(panel, 9, how="trimmed_mean") == pytest.approx(np.median(alone, axis=1))
    assert forecast(panel, 9, how="trimmed_mean", trim=0) == pytest.approx(alone.mean(axis=1))
    given_weights = dict(zip(THREE, [3, 1, 0], strict=True))
    assert forecast(panel, 9, how="weights", weights=given_weights) == pytest.approx(alone @ [0.75, 0.25, 0])


@given(
    st.lists(st.lists(st.floats(-1e6, 1e6), min_size=10, max_size=10), min_size=1, max_size=5),
    st.sampled_from([0, 0.1, 0.2, 0.3, 0.4]),
)
def test_the_trimmed_mean_is_that_of_scipy(rows: list[list[float]], trim: float) -> None:
    """Of ten forecasts, where a share is a whole number of them."""
    forecasts = np.array(rows)
    assert trimmed_mean(trim, forecasts) == pytest.approx(trim_mean(forecasts, trim, axis=1), abs=1e-6)


@pytest.mark.parametrize(("n", "trim", "cut"), [(2, 0.4, 0), (3, 0.01, 1), (4, 0.2, 1), (5, 0.4, 2), (9, 0.49, 4)])
def test_one_at_each_end_is_left_out_where_there_are_three(n: int, trim: float, cut: int) -> None:
    """The share is rounded down, but never to a plain mean; some forecast is always left."""
    forecasts = np.arange(n, dtype=float)[None, :] ** 2
    assert trimmed_mean(trim, forecasts) == pytest.approx([np.mean(forecasts[0, cut : n - cut])])


def held_out() -> Panel:
    """Two series of a season of 4 with a horizon of 4; in the last season of `a`, naive errs by 2 and the season by 1."""
    a, b = [0.0, 4, 8, 12] * 4, [5.0] * 16
    a[12:] = [11, 13, 10, 14]
    ds = pd.date_range("2024-01-01", periods=16)
    rows = [pd.DataFrame({"unique_id": name, "ds": ds, "y": y}) for name, y in (("a", a), ("b", b))]
    return Panel(pd.concat(rows, ignore_index=True), "D", (4,), horizon=4)


def test_weights_are_learnt_on_the_steps_held_out() -> None:
    """By hand: in inverse proportion to the mean squared error; where nobody errs, and where there is too little, equal."""
    panel = held_out()
    model = ensemble.build(("naive", "seasonal_naive"), how="weights")
    assert isinstance(model, Weighted)
    found = model.fit(panel).weights_
    naive = np.mean(np.square([11 - 12, 13 - 12, 10 - 12, 14 - 12]))
    seasonal = np.mean(np.square([11 - 0, 13 - 4, 10 - 8, 14 - 12]))
    assert found.loc["a"].to_numpy() == pytest.approx(
        [seasonal / (naive + seasonal), naive / (naive + seasonal)], rel=1e-4
    )
    assert found.loc["b"].tolist() == [0.5, 0.5]
    short = replace(panel, history=panel.history.groupby("unique_id").tail(7).reset_index(drop=True))
    assert (model.fit(short).weights_ == 0.5).all(axis=None)


def test_a_weight_is_learnt_by_each_series_and_in_no_unit() -> None:
    """Another unit, other series beside it, or a poisoned future change nothing."""
    panel = factories.panel(ids=("a", "b"))
    learnt = ensemble.build(THREE, how="weights").fit(panel).weights_  # type: ignore[attr-defined]
    scaled = replace(panel, history=panel.history.assign(y=panel.history["y"] * 1000))
    assert_frame_equal(ensemble.build(THREE, how="weights").fit(scaled).weights_, learnt)  # type: ignore[attr-defined]
    alone = ensemble.build(THREE, how="weights").fit(panel.select(["b"]))
    assert_frame_equal(alone.weights_, learnt.loc[["b"]])  # type: ignore[attr-defined]
    assert learnt.sum(axis=1).to_numpy() == pytest.approx([1, 1])
    assert not np.allclose(learnt, 1 / 3)


def test_the_trial_sees_the_covariates_of_its_own_steps() -> None:
    """A member that uses them is tried with those of the steps held out, and outweighs one that cannot."""
    panel = factories.panel(n=120, future=("price", "event"), ahead=7)
    model = ensemble.build(("linear", "seasonal_naive"), how="weights").fit(replace(panel, horizon=7))
    assert model.weights_["linear"].min() > 0.8  # type: ignore[attr-defined]


def test_it_is_what_its_members_are() -> None:
    """One of a panel makes it one of a panel; who uses the future makes it use the future; fallbacks pass through."""
    assert (ensemble.build().scope, ensemble.build().uses_future) == ("series", False)
    mixed = ensemble.build(("naive", "linear"))
    assert (mixed.scope, mixed.uses_future) == ("panel", True)
    fitted = ensemble.build(("naive", "mstl", "theta")).fit(one_series([1.0, 2.0, 4.0]))
    assert getattr(fitted, "fallbacks_", None) == {"a"}
    members = plugins.load("pipelines.forecasting.models", "mstl").build().fit(one_series([1.0, 2.0, 4.0]))
    assert members.fallbacks_ == {"a"}


def test_members_have_parameters_of_their_own() -> None:
    """As `model_params` has them for models."""
    panel = one_series(np.arange(10.0))
    params = {"moving_average": {"window": 2}}
    found = ensemble.build(("moving_average",), params=params).fit(panel).predict(panel, 1)
    assert found["y_hat"].tolist() == [8.5]


def test_only_a_weighted_mean_of_sums_explains_itself() -> None:
    """A median of sums is no sum, and neither is a mean with a member that cannot say."""
    assert isinstance(ensemble.build(("linear", "mstl"), how="weights"), Explains)
    assert not isinstance(ensemble.build(("linear", "mstl")), Explains)
    assert not isinstance(ensemble.build(("linear", "mstl"), how="trimmed_mean"), Explains)
    assert not isinstance(ensemble.build(("linear", "theta"), how="weights"), Explains)


def test_the_components_are_the_members_weighted() -> None:
    """Each member's own, times its weight; a series that a member with a weight leaves out is left out."""
    panel = factories.panel(ids=("a",))
    weights = {"linear": 1.0, "mstl": 3.0}
    model = ensemble.build(tuple(weights), how="weights", weights=weights).fit(panel)
    assert isinstance(model, Explains)
    found = model.explain(panel, 5).pivot(index="ds", columns="component", values="value")
    linear, mstl = (
        plugins.load("pipelines.forecasting.models", name).build().fit(panel).explain(panel, 5) for name in weights
    )
    for part in ("level", "trend", "season 7"):
        of = [table.loc[table["component"] == part, "value"].to_numpy() for table in (linear, mstl)]
        assert found[part].to_numpy() == pytest.approx(0.25 * of[0] + 0.75 * of[1])
    factors = {"prophet": {"seasonality_mode": "multiplicative"}}
    for weight, rows in ((1, 0), (0, 5)):
        shares = {"mstl": 1, "prophet": weight}
        model = ensemble.build(tuple(shares), how="weights", weights=shares, params=factors).fit(panel)
        assert isinstance(model, Explains)
        assert model.explain(panel, 5)["ds"].nunique() == rows


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"models": ["thetta", "ets"]}, r"ensemble\.models: unknown model 'thetta' \(did you mean 'theta'\?\)"),
        ({"models": "theta"}, r"ensemble\.models: found 'theta'\. Use a list of models"),
        ({"models": []}, r"ensemble\.models: found \[\]"),
        ({"how": "mean"}, r"ensemble\.how: found 'mean'\. Use one of: median, trimmed_mean, weights"),
        ({"how": "trimmed_mean", "trim": 0.5}, r"ensemble\.trim: found 0\.5\. Use a share of at least 0 and less than"),
        ({"params": {"arima": {}}}, r"ensemble\.params: found 'arima'\. Name members of it: theta, ets, ces"),
        ({"params": {"ces": {"speed": 1}}}, r"ensemble\.params\.ces: .*unexpected keyword argument 'speed'"),
        ({"weights": {"theta": 1}}, r"ensemble\.weights: .*They go with how: weights, not median"),
        ({"how": "weights", "weights": {"theta": 1}}, r"ensemble\.weights: .*Give each of theta, ets, ces a weight"),
        ({"how": "weights", "weights": {"theta": 1, "ets": -1, "ces": 1}}, r"ensemble\.weights: .*at least 0"),
        ({"how": "weights", "weights": {"theta": 0, "ets": 0, "ces": 0}}, r"ensemble\.weights: .*one of them more"),
    ],
)
def test_a_wrong_parameter_is_told_with_its_remedy(params: dict[str, Any], told: str) -> None:
    """Before anything is fitted."""
    with pytest.raises(ConfigError, match=told):
        ensemble.build(**params)


def test_no_model_has_the_name_of_the_strategys_ensemble() -> None:
    """Else a row of a run's tables could be either; and this model's rows are its own."""
    assert ENSEMBLE not in plugins.names("pipelines.forecasting.models")
    assert type(ensemble.build()) is Ensemble
