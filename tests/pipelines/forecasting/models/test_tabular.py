"""What the global models owe to the names of covariates, to clocks, and to runs of earlier days."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pipelines.core import plugins
from pipelines.forecasting.features import origin
from pipelines.forecasting.models import linear
from pipelines.forecasting.models._tabular import TabularForecaster
from pipelines.forecasting.panel import Panel
from tests.support import factories

QUICK: dict[str, dict[str, Any]] = {
    "ebm": {"outer_bags": 1, "max_rounds": 200},
    "gbm": {"n_estimators": 30},
    "mlp": {"max_iter": 5},
    "random_forest": {"n_estimators": 5},
}


def tabular(name: str) -> TabularForecaster:
    forecaster = plugins.load("pipelines.forecasting.models", name).build(**QUICK.get(name, {}))
    assert isinstance(forecaster, TabularForecaster)
    return forecaster


def renamed(panel: Panel, names: dict[str, str]) -> Panel:
    assert panel.known is not None
    history, known = panel.history.rename(columns=names), panel.known.rename(columns=names)
    return replace(panel, history=history, known=known, future=tuple(names[name] for name in panel.future))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ["gbm", "linear", "ebm", "random_forest", "mlp"])
@pytest.mark.parametrize("names", [("step", "newest 0"), ("price [€], net: {1}", 'a "b"'), ("a b", "a_b")])
def test_the_names_of_covariates_change_no_forecast(name: str, names: tuple[str, str]) -> None:
    """Neither a name of ours, nor signs that a library refuses, nor two names that it takes for one."""
    past = factories.panel(n=90, future=("price", "event"), ahead=7)
    other = renamed(past, dict(zip(past.future, names, strict=True)))
    expected = tabular(name).fit(past).predict(past, 7, past.known)
    assert_frame_equal(tabular(name).fit(other).predict(other, 7, other.known), expected)


def test_a_model_keeps_the_clock_it_learnt_by() -> None:
    """Hours of New York are learnt as such; a panel by another clock is forecast by the model's own."""
    past = replace(factories.one_series(factories.hourly(700), (24, 168), "h"), timezone="America/New_York")
    model = tabular("linear").fit(past)
    assert model.shape_.timezone == "America/New_York"
    expected = model.predict(past, 24)
    assert_frame_equal(model.predict(replace(past, timezone="UTC"), 24), expected)
    elsewhere = tabular("linear").fit(replace(past, timezone="UTC")).predict(past, 24)
    assert not np.allclose(elsewhere["y_hat"], expected["y_hat"], rtol=1e-6)


def test_a_model_of_an_earlier_run_forecasts_as_it_did() -> None:
    """It knows its features by the names they had, and its clock, of which it says nothing, was UTC."""
    past = factories.panel(n=90, future=("price", "event"), ahead=7)
    past = replace(past, history=past.history.assign(visits=np.arange(270.0) % 11), past=("visits",))
    past = replace(past, static=pd.DataFrame({"unique_id": past.ids, "kind": ["x", "y", "x"]}))
    model = linear.build()
    assert isinstance(model, TabularForecaster)
    model.fit(past)
    expected = model.predict(past, 7, past.known)
    del model.by_place_, model.shape_.__dict__["timezone"]
    known = origin.histories(past, model.codes_)
    row, end, step = model._examples(known, model.block_)
    table, level, spread = origin.features(known, model.shape_, row, end, step)
    named = model._typed(table)
    assert {"step", "day_of_week_sin", "price", "event", "visits at origin", "kind"} <= set(named)
    model.model_.fit(named, (known.y[row, end + step] - level) / spread - model._anchor(table))
    earlier = pickle.loads(pickle.dumps(model))
    assert_frame_equal(earlier.predict(replace(past, timezone="Asia/Tokyo"), 7, past.known), expected)
    components = set(earlier.explain(past, 7, past.known)["component"])
    assert {"price", "event", "visits", "kind", "season 7"} <= components
