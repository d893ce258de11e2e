"""What every registered model must do, whatever it is."""

import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pipelines.core import plugins
from pipelines.forecasting.models import ensemble, linear
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.protocols import Explains, Forecaster
from tests.support.factories import panel

# Names its weights, which nobody is asked to download: its own tests speak to a stand-in.
WITHOUT_WEIGHTS = {"foundation"}
MODELS = [name for name in plugins.names("pipelines.forecasting.models") if name not in WITHOUT_WEIGHTS]
# A search that ends soon; without an entry, a model is tested as it comes.
PARAMS = {
    "auto_arima": {
        "start_p": 0,
        "start_q": 0,
        "start_P": 0,
        "start_Q": 0,
        "max_p": 1,
        "max_q": 1,
        "max_P": 1,
        "max_Q": 1,
        "maxiter": 10,
    },
    "ebm": {"outer_bags": 1, "max_rounds": 400},
}
H = 9
FUTURE = ("price", "event")


def build(name: str) -> Forecaster:
    forecaster: Forecaster = plugins.load("pipelines.forecasting.models", name).build(**PARAMS.get(name, {}))
    return forecaster


@pytest.fixture(scope="module")
def train() -> Panel:
    return panel(future=FUTURE, ahead=H)


@cache
def fitted(name: str, without: int = 0) -> Forecaster:
    """A model fitted to the training panel without its last steps, once for all tests that only forecast with it."""
    return build(name).fit(without_last(panel(future=FUTURE, ahead=H), without))


def without_last(past: Panel, steps: int) -> Panel:
    cut = past.history["ds"].max() - pd.Timedelta(days=steps)
    return replace(past, history=past.history[past.history["ds"] <= cut].reset_index(drop=True))


def steps_after(past: Panel, whole: Panel) -> pd.DataFrame:
    rows = whole.history[whole.history["ds"] > past.history["ds"].max()]
    return rows[["unique_id", "ds", *FUTURE]].reset_index(drop=True)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_a_forecaster(name: str) -> None:
    """It has the protocol's methods and says its scope and its need of future covariates."""
    forecaster = build(name)
    assert isinstance(forecaster, Forecaster)
    assert forecaster.scope in ("series", "panel")
    assert forecaster.uses_future in (True, False)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_forecasts_the_exact_horizon_on_the_grid(name: str, train: Panel) -> None:
    """h rows a series, continuing its grid without a gap, finite, sorted, and equal after pickling."""
    forecaster = fitted(name)
    found = forecaster.predict(train, H, train.known)
    assert list(found.columns[:3]) == ["unique_id", "ds", "y_hat"]
    assert_frame_equal(found[["unique_id", "ds"]], train.grid(H))
    assert np.isfinite(found["y_hat"]).all()
    loaded = pickle.loads(pickle.dumps(forecaster))
    assert_frame_equal(loaded.predict(train, H, train.known), found)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_learns_a_plain_season_or_level(name: str, train: Panel) -> None:
    """On a steady series the forecast stays within the range that the series ever had, widened by half."""
    found = fitted(name).predict(train, H, train.known)
    for series, rows in found.groupby("unique_id"):
        y = train.history.loc[train.history["unique_id"] == series, "y"]
        assert rows["y_hat"].between(y.min() - np.ptp(y) / 2, y.max() + np.ptp(y) / 2).all()


@pytest.mark.parametrize("name", MODELS)
def test_no_model_sees_a_row_that_it_was_not_given(name: str, train: Panel) -> None:
    """Changing what comes after the training rows changes no forecast, and neither panel is changed by the model."""
    past = without_last(train, H)
    poisoned = train.history.assign(y=train.history["y"].where(train.history["ds"] <= past.history["ds"].max(), 1e6))
    before, future = past.history.copy(), steps_after(past, train)
    found = fitted(name, H).predict(past, H, future)
    other = without_last(replace(train, history=poisoned), H)
    again = build(name).fit(other).predict(past, H, future)
    assert_frame_equal(found, again)
    assert_frame_equal(past.history, before)
    assert_frame_equal(other.history, before)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_forecasts_from_newer_rows_without_a_new_fit(name: str, train: Panel) -> None:
    """Fitted a week ago, it forecasts the steps after the newest row."""
    found = fitted(name, 7).predict(train, H, train.known)
    assert_frame_equal(found[["unique_id", "ds"]], train.grid(H))
    assert np.isfinite(found["y_hat"]).all()


@pytest.mark.parametrize("name", [name for name in MODELS if build(name).scope == "series"])
def test_a_model_of_one_series_forecasts_a_subset_alike(name: str, train: Panel) -> None:
    """Fitted with others or alone, a series gets the same forecast."""
    every = fitted(name).predict(train, H, train.known)
    alone = train.select(["b"])
    only = build(name).fit(alone).predict(alone, H, alone.known)
    expected = every[every["unique_id"] == "b"].reset_index(drop=True)
    assert_frame_equal(only, expected, atol=1e-3 if name == "prophet" else 1e-6)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_every_model_survives_a_very_short_series(name: str, n: int) -> None:
    """With next to nothing to learn from, the forecast is still h finite numbers."""
    short = panel(n=n, ids=("a",), future=FUTURE, ahead=H)
    found = build(name).fit(short).predict(short, H, short.known)
    assert len(found) == H
    assert np.isfinite(found["y_hat"]).all()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("values", [0.0, 5.0])
def test_every_model_forecasts_a_constant_as_that_constant(name: str, values: float) -> None:
    """A series that never changed is forecast not to change."""
    flat = panel(ids=("a",))
    flat = replace(flat, history=flat.history.assign(y=values))
    found = build(name).fit(flat).predict(flat, H)
    assert np.allclose(found["y_hat"], values, atol=1e-3)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_bridges_missing_values(name: str) -> None:
    """Gaps that were left open, at the end too, still give finite forecasts."""
    holes = panel(ids=("a",))
    holes = replace(holes, history=holes.history.assign(y=holes.history["y"].where(holes.history.index % 9 != 5)))
    found = build(name).fit(holes).predict(holes, H)
    assert np.isfinite(found["y_hat"]).all()


@pytest.mark.parametrize("name", [name for name in MODELS if build(name).uses_future])
def test_models_that_use_covariates_gain_from_them(name: str, train: Panel) -> None:
    """With price and event known in advance, the error is under half of that without."""
    past = without_last(train, H)
    future = steps_after(past, train)
    actual = train.history[train.history["ds"] > past.history["ds"].max()].reset_index(drop=True)
    blind = replace(past, future=(), known=None)
    informed = (fitted(name, H).predict(past, H, future)["y_hat"] - actual["y"]).abs().mean()
    uninformed = (build(name).fit(blind).predict(blind, H)["y_hat"] - actual["y"]).abs().mean()
    assert informed < uninformed / 2


# As registered, and those that explain themselves with other parameters than they come with.
EXPLAINING: dict[str, Callable[[], Forecaster]] = {
    **{name: partial(build, name) for name in MODELS if isinstance(build(name), Explains)},
    "linear, recursive": partial(linear.build, block=1),
    "linear, direct": partial(linear.build, block="horizon", difference=False),
    "ensemble of weights": partial(ensemble.build, models=("linear", "mstl"), how="weights"),
}


def added_up(forecaster: Forecaster, whole: Panel, h: int) -> pd.DataFrame:
    """The components of the forecasts from the end of `whole`, checked: names, once a step, and the sum."""
    assert isinstance(forecaster, Explains)
    found = forecaster.explain(whole, h, whole.known)
    assert list(found.columns) == ["unique_id", "ds", "component", "value"]
    assert not found.duplicated(["unique_id", "ds", "component"]).any()
    known = {"level", "trend", "holiday", "rest", *whole.future, *whole.past}
    assert all(part in known or re.fullmatch(r"season \d+", part) for part in found["component"].unique())
    sums = found.groupby(["unique_id", "ds"], as_index=False)["value"].sum()
    y_hat = forecaster.predict(whole, h, whole.known)
    assert_frame_equal(sums[["unique_id", "ds"]], y_hat[["unique_id", "ds"]])
    assert np.allclose(sums["value"], y_hat["y_hat"], rtol=1e-9, atol=1e-9)
    return found


@pytest.mark.parametrize("name", EXPLAINING)
def test_a_model_that_explains_itself_adds_up(name: str, train: Panel) -> None:
    """Its components, each once a step, sum to its forecasts, for newer rows too; covariates have their own names."""
    forecaster = EXPLAINING[name]()
    found = added_up(forecaster.fit(without_last(train, 7)), train, H)
    if forecaster.uses_future:
        assert set(FUTURE) <= set(found["component"])


@pytest.mark.parametrize("name", EXPLAINING)
def test_several_seasons_and_a_gap_add_up(name: str) -> None:
    """With a past covariate and steps missing, further ahead than the shortest season; the seasons are told apart."""
    whole = panel(n=90, ahead=H, future=("price",))
    y = whole.history["y"] + 2 * np.sin(2 * np.pi * np.arange(270) / 14)
    history = whole.history.assign(y=y.where(whole.history.index % 31 != 5), visits=np.arange(270.0) % 11)
    whole = replace(whole, history=history, past=("visits",), season_lengths=(7, 14), horizon=H)
    found = added_up(EXPLAINING[name]().fit(whole), whole, H)
    assert {"level", "trend", "season 7"} <= set(found["component"])


@pytest.mark.parametrize("name", EXPLAINING)
@pytest.mark.parametrize("n", [1, 3, 8])
def test_a_very_short_series_adds_up(name: str, n: int) -> None:
    """Whatever is left of the model where there is nothing to learn from."""
    short = panel(n=n, ids=("a",), future=FUTURE, ahead=H)
    added_up(EXPLAINING[name]().fit(short), short, H)


@pytest.mark.parametrize("name", ["gbm", "gbm_seasonal", "mlp", "random_forest", "ensemble"])
def test_a_model_that_is_no_sum_does_not_say_so(name: str) -> None:
    """Its forecasts are described from outside."""
    assert not isinstance(build(name), Explains)
