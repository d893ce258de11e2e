import pandas as pd
import pytest

from pipelines.core import plugins
from pipelines.forecasting.evaluation import strategy
from pipelines.forecasting.panel import Panel
from tests.support.factories import panel, workspace


def profile(*classes: str, n: int = 60) -> pd.DataFrame:
    return pd.DataFrame({"unique_id": list("abc")[: len(classes)], "n": n, "demand_class": classes})


def planned(whole: Panel, table: pd.DataFrame) -> dict[str, set[str]]:
    found = strategy.plan(whole, table, workspace())
    return {name: {model for model, ids in found.items() if name in ids} for name in whole.ids}


def test_a_list_of_models_is_tried_on_every_series() -> None:
    """As the workspace names them, and the baseline with them."""
    found = strategy.plan(panel(), profile("smooth"), workspace(models=["theta", "naive"]))
    assert found == {name: ["a", "b", "c"] for name in ("theta", "naive", "seasonal_naive")}


def test_the_default_chooses_by_demand_class_and_length() -> None:
    """Croston for demand that comes now and then, smoothing for the rest; what learns from all is for all."""
    found = planned(panel(), profile("smooth", "lumpy", "erratic"))
    for models in found.values():
        assert {"seasonal_naive", "gbm", "gbm_seasonal", "linear"} <= models
    assert {"theta", "ets"} <= found["a"] & found["c"]
    assert "croston" not in found["a"]
    assert {"croston", "tsb"} <= found["b"]
    assert "ets" not in found["b"]


@pytest.mark.parametrize(
    ("seasons", "n", "expected", "not_expected"),
    [
        ((24, 168), 400, {"mstl"}, {"ets"}),
        ((24, 168), 100, {"theta", "ets"}, {"mstl"}),
        ((52,), 200, {"theta", "mstl"}, {"ets"}),
        ((12,), 100, {"theta", "ets", "ces", "arima"}, {"mstl"}),
        ((7,), 700, {"theta"}, {"ets", "arima"}),
        ((7,), 5, {"naive", "theta"}, {"ets"}),
        ((7,), 1_000_000, {"moving_average"}, {"ets", "theta"}),
    ],
)
def test_the_default_knows_what_each_model_can_learn(
    seasons: tuple[int, ...], n: int, expected: set[str], not_expected: set[str]
) -> None:
    """Several seasons need MSTL, long ones are beyond smoothing, and millions of rows are for the global models."""
    whole = panel()
    whole = Panel(whole.history, "D", seasons)
    for models in planned(whole, profile("smooth", "smooth", "smooth", n=n)).values():
        assert expected <= models
        assert not not_expected & models


def test_the_default_names_registered_models_only() -> None:
    """Whatever a series is like."""
    names = set(plugins.names("pipelines.forecasting.models"))
    for demand_class in ("smooth", "erratic", "intermittent", "lumpy", "empty"):
        for n in (1, 9, 60, 10_000, 10_000_000):
            for models in planned(panel(), profile(demand_class, demand_class, demand_class, n=n)).values():
                assert models <= names


def test_groups_are_of_series_with_the_same_candidates() -> None:
    """In the order of the plan."""
    plan = {"seasonal_naive": ["a", "b", "c"], "gbm": ["a", "b", "c"], "theta": ["a", "c"]}
    assert strategy.groups(plan) == {
        ("seasonal_naive", "gbm", "theta"): ["a", "c"],
        ("seasonal_naive", "gbm"): ["b"],
    }
