"""What sums of one term a feature say of their forecasts."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.forecasting.features import origin
from pipelines.forecasting.models import ebm, linear
from pipelines.forecasting.models._additive import AdditiveForecaster, component_of
from pipelines.forecasting.models._tabular import TabularForecaster
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.protocols import Explains
from tests.support import factories
from tests.support.factories import hourly, one_series

QUICK: dict[str, Any] = {"outer_bags": 1, "max_rounds": 300}


def additive(model: Any, **params: Any) -> AdditiveForecaster:
    forecaster = model.build(**params)
    assert isinstance(forecaster, AdditiveForecaster)
    return forecaster


def wide(found: pd.DataFrame, unique_id: str = "a") -> pd.DataFrame:
    """The components of one series: a row a step, a column each."""
    return found[found["unique_id"] == unique_id].pivot(index="ds", columns="component", values="value")


@st.composite
def panels(draw: st.DrawFn) -> Panel:
    """A few series of different lengths with gaps, jumps, and covariates of every kind, some of them missing."""
    seasons = draw(st.sampled_from([(1,), (3,), (7,), (4, 12), (7, 3)]))
    lengths = draw(st.lists(st.integers(1, 60), min_size=1, max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    size, gaps = 10.0 ** draw(st.integers(-3, 6)), draw(st.sampled_from([0.0, 0.3]))
    ds, h = pd.date_range("2024-03-01", periods=60), 9
    parts = []
    for name, n in zip("abc", lengths, strict=False):
        ahead = pd.date_range(ds[-1], periods=h + 1)[1:]
        y = size * (rng.normal(0, 1, n) + 3 * np.sin(np.arange(n)) + (rng.random(n) < 0.05) * 40)
        y = np.r_[np.where(rng.random(n) < gaps, np.nan, y), np.full(h, np.nan)]
        price = np.where(rng.random(n + h) < gaps, np.nan, rng.lognormal(0, 1, n + h))
        event = rng.choice(np.array(["fair", "rain", None], dtype=object), n + h)
        table = {"unique_id": name, "ds": [*ds[-n:], *ahead], "y": y, "price": price, "event": event}
        parts.append(pd.DataFrame({**table, "visits": rng.normal(0, 1, n + h)}))
    rows = pd.concat(parts, ignore_index=True)
    later = rows["ds"] > ds[-1]
    static = pd.DataFrame({"unique_id": sorted(rows["unique_id"].unique())})
    static["kind"] = ["x", "y", "x"][: len(static)]
    return Panel(
        rows[~later].reset_index(drop=True),
        "D",
        seasons,
        ("price", "event"),
        ("visits",),
        rows.loc[later, ["unique_id", "ds", "price", "event"]].reset_index(drop=True),
        static,
        horizon=h,
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(panels(), st.sampled_from(["season", "horizon", 1, 4]), st.booleans(), st.integers(1, 9))
def test_the_components_sum_to_the_forecast(panel: Panel, block: Any, difference: bool, h: int) -> None:
    """Whatever the series, the block and the target: the terms that are told are those that the forecast is made of."""
    assert panel.known is not None
    model = additive(linear, block=block, difference=difference, alpha=0.1).fit(panel)
    future = panel.grid(h).merge(panel.known, on=["unique_id", "ds"])
    found = model.explain(panel, h, future)
    y_hat = model.predict(panel, h, future).set_index(["unique_id", "ds"])["y_hat"]
    sums = found.groupby(["unique_id", "ds"])["value"].sum()
    size = found["value"].abs().groupby([found["unique_id"], found["ds"]]).sum()
    assert (sums - y_hat).abs().max() <= 1e-9 * size.max()
    assert set(found["component"]) <= {
        "level", "trend", "rest", "price", "event", "visits", "kind",
        *(f"season {m}" for m in (3, 4, 7, 12, 30)),
    }  # fmt: skip


@pytest.mark.parametrize(("model", "params", "off"), [(linear, {}, 0.5), (ebm, QUICK, 1.5)])
def test_each_component_is_what_it_is_called(model: Any, params: dict[str, Any], off: float) -> None:
    """Price pulls down by 4 a unit and a fair lifts by 5; the week is the week, and the level does not move."""
    past = factories.panel(n=200, future=("price", "event"), ahead=7)
    found = wide(additive(model, **params).fit(past).explain(past, 7, past.known))
    assert past.known is not None
    known = past.known[past.known["unique_id"] == "a"].set_index("ds")
    fair = known["event"].notna()
    assert np.polyfit(known["price"], found["price"], 1)[0] == pytest.approx(-4, abs=0.6)
    assert found["event"][fair].mean() - found["event"][~fair].mean() == pytest.approx(5, abs=1)
    assert np.abs(found["season 7"] - 3 * np.sin(2 * np.pi * np.arange(200, 207) / 7)).mean() < off
    assert found["level"].nunique() == 1
    assert found["trend"].iloc[0] == 0
    assert found["trend"].abs().max() < 0.3
    assert (found["rest"] == 0).all()


def test_nested_seasons_are_told_apart() -> None:
    """The values of last week hold the day too: its shape goes to the day, and only what lies between days to the week."""
    past = one_series(hourly(1500), (24, 168), "h")
    found = wide(additive(linear).fit(past).explain(past, 168))
    steps = np.arange(1500, 1668)
    assert np.abs(found["season 24"] - 10 * np.sin(2 * np.pi * steps / 24)).mean() < 1
    assert np.abs(found["season 168"] - 6 * np.sin(2 * np.pi * steps / 168)).mean() < 1.5
    assert np.abs(found["level"] + found["trend"] - 115).mean() < 2


def test_what_is_cut_off_a_wild_forecast_is_the_rest() -> None:
    """A price far beyond all that was: its own term is told in full, and the rest takes back what is not forecast."""
    past = factories.panel(ids=("a",), future=("price",), ahead=3)
    assert past.known is not None
    known = past.known.assign(price=[1.5, 1e6, 1.5])
    model = additive(linear, block=3).fit(past)
    found, y_hat = wide(model.explain(past, 3, known)), model.predict(past, 3, known)["y_hat"]
    assert found["price"].iloc[1] < -1e6
    assert found["rest"].iloc[1] > 1e6
    assert found["rest"].iloc[[0, 2]].tolist() == [0, 0]
    assert found.sum(axis=1).to_numpy() == pytest.approx(y_hat.to_numpy(), abs=1e-6)


@pytest.mark.parametrize("name", ["level", "trend", "rest", "season 7"])
def test_a_covariate_may_be_called_like_a_component(name: str) -> None:
    """Then the two are one, and the sum holds."""
    past = factories.panel(future=("price",), ahead=9)
    assert past.known is not None
    known, history = (table.rename(columns={"price": name}) for table in (past.known, past.history))
    past = replace(past, history=history, known=known, future=(name,))
    model = additive(linear).fit(past)
    found, y_hat = model.explain(past, 9, known), model.predict(past, 9, known)["y_hat"]
    assert not found.duplicated(["unique_id", "ds", "component"]).any()
    assert found.groupby(["unique_id", "ds"])["value"].sum().to_numpy() == pytest.approx(y_hat.to_numpy())


@pytest.mark.parametrize(("model", "params"), [(linear, {}), (ebm, QUICK)])
def test_a_term_is_nothing_on_average(model: Any, params: dict[str, Any]) -> None:
    """So a covariate is told against its mean, and its offset is level. With text, missing values and all."""
    past = factories.panel(future=("price", "event"))
    past = replace(past, history=past.history.assign(price=past.history["price"].where(past.history.index % 7 != 3)))
    forecaster = additive(model, **params).fit(past)
    known = origin.histories(past, forecaster.codes_)
    table, _, _ = origin.features(known, forecaster.shape_, *forecaster._examples(known, forecaster.block_))
    constant, told = forecaster._told(table)
    assert told.mean().abs().max() < 1e-6
    assert told.std().groupby(level=0).sum()[["ahead: price", "ahead: event"]].min() > 0.1
    predicted = forecaster.model_.predict(forecaster._typed(table))
    assert constant + told.sum(axis=1).to_numpy() == pytest.approx(predicted)


@pytest.mark.parametrize(
    ("feature", "frequency", "component"),
    [
        ("ahead: price", "D", "price"),
        ("series: price", "D", "price"),
        ("ahead: step", "D", "step"),
        ("ahead: at origin: x", "D", "at origin: x"),
        ("at origin: visits", "D", "visits"),
        ("day_of_week_sin", "D", "season 7"),
        ("day_of_week_cos", "h", "season 168"),
        ("time_of_day_cos", "30min", "season 48"),
        ("day_of_week_sin", "B", "season 5"),
        ("day_of_month_sin", "D", "season 30"),
        ("day_of_year_sin", "MS", "season 12"),
        ("day_of_week_sin", "MS", "level"),
        ("newest 0", "D", "level"),
        ("step", "D", "level"),
    ],
)
def test_each_feature_has_its_component(feature: str, frequency: str, component: str) -> None:
    """Covariates by name, the calendar by the steps that its cycle has; what the level is made of, and its moving on."""
    assert component_of(feature, frequency) == component


def test_interactions_are_no_sum_of_features() -> None:
    """A curve of two features belongs to neither, so such a model does not claim to explain itself."""
    assert not isinstance(ebm.build(interactions=2), Explains)
    assert isinstance(ebm.build(interactions=0), Explains)
    assert not hasattr(TabularForecaster, "explain")


def test_boosted_curves_are_given_no_missing_value() -> None:
    """Numbers and text that are missing, in the past and ahead, and text never heard of, give no warning."""
    past = factories.panel(n=40, future=("price", "event"), ahead=5)
    assert past.known is not None
    past = replace(past, history=past.history.assign(price=past.history["price"].where(past.history.index % 7 != 3)))
    known = past.known.assign(price=past.known["price"].where(past.known.index != 2), event="unheard")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = additive(ebm, **QUICK).fit(past)
        found, y_hat = model.explain(past, 5, known), model.predict(past, 5, known)
    assert found.groupby(["unique_id", "ds"])["value"].sum().to_numpy() == pytest.approx(y_hat["y_hat"].to_numpy())


def test_texts_beyond_what_a_table_holds_share_a_column() -> None:
    """A covariate of 80 texts gets no more than 50 columns, all of which speak for it, and the sum holds."""
    panel = one_series(np.random.default_rng(1).normal(9, 1, 400))
    event = np.array([f"event {at % 80:02}" for at in range(407)], dtype=object)
    panel = replace(panel, history=panel.history.assign(event=event[:400]), future=("event",), horizon=7)
    forecaster, future = additive(linear).fit(panel), panel.grid(7).assign(event=event[400:])
    told = forecaster.explain(panel, 7, future)
    assert forecaster.model_[-1].coef_.size < 80
    assert "event" in set(told["component"])
    y_hat = forecaster.predict(panel, 7, future)["y_hat"].to_numpy()
    np.testing.assert_allclose(told.groupby("ds")["value"].sum(), y_hat, rtol=1e-9)
