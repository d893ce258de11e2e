import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from pipelines.forecasting.evaluation.select import champions, no_worse

Row = tuple[str, int, str, str, float]


def metrics_of(*rows: Row) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["unique_id", "cutoff", "model", "metric", "value"])
    return frame.assign(cutoff=pd.Timestamp("2024-01-01") + pd.to_timedelta(frame["cutoff"], unit="D"))


def folds(model: str, *values: float, unique_id: str = "a", metric: str = "mase") -> list[Row]:
    return [(unique_id, cutoff, model, metric, value) for cutoff, value in enumerate(values)]


def champion(rows: list[Row], models: tuple[str, ...] = ("seasonal_naive", "x", "y")) -> dict[str, object]:
    found = champions(metrics_of(*rows), "mase", models)
    assert len(found) == 1
    return dict(found.iloc[0])


def test_the_lowest_mean_wins() -> None:
    """x has the mean 1, y 2 and the baseline 4: a skill of 3/4, and y comes second."""
    found = champion(folds("seasonal_naive", 4, 4) + folds("x", 0.5, 1.5) + folds("y", 1, 3))
    assert found == {
        "unique_id": "a",
        "model": "x",
        "metric": "mase",
        "value": 1.0,
        "runner_up": "y",
        "skill_vs_seasonal_naive": 0.75,
    }


@pytest.mark.parametrize("models", [("x", "y"), ("y", "x"), ("y", "seasonal_naive", "x"), ("seasonal_naive", "y", "x")])
def test_a_tie_keeps_the_preference_order(models: tuple[str, ...]) -> None:
    """Three equal models: the first named wins, the second comes second; the baseline is last unless named."""
    order = [*models, "seasonal_naive"]
    found = champion(folds("x", 1, 1) + folds("seasonal_naive", 1, 1) + folds("y", 1, 1), models)
    assert (found["model"], found["runner_up"]) == (order[0], order[1])


def test_only_the_folds_of_the_baseline_count() -> None:
    """On the fold that the baseline could not do, others may be as bad as they like; value and skill leave it out."""
    found = champion(folds("seasonal_naive", 2, np.nan) + folds("x", 1, 100) + folds("y", 1.5, 0))
    assert (found["model"], found["value"], found["skill_vs_seasonal_naive"]) == ("x", 1.0, 0.5)


def test_a_model_that_skips_a_fold_is_not_chosen() -> None:
    """x is best where it has a value, but it has none, or no row, where the others do."""
    skips = folds("x", 0.1, np.nan), folds("x", 0.1)
    for rows in skips:
        found = champion(folds("seasonal_naive", 2, 2) + rows + folds("y", 1, 1))
        assert (found["model"], found["runner_up"]) == ("y", "seasonal_naive")


def test_models_outside_the_candidates_are_ignored() -> None:
    """A row of a model that is no candidate changes nothing."""
    assert champion(folds("seasonal_naive", 2) + folds("stranger", 0))["model"] == "seasonal_naive"


def test_an_undefined_metric_falls_back_to_mae() -> None:
    """A constant history has no MASE: the champion is that of the MAE, and the metric column says so."""
    rows = folds("seasonal_naive", np.nan) + folds("x", np.nan)
    found = champion(rows + folds("seasonal_naive", 2, metric="mae") + folds("x", 1, metric="mae"))
    assert (found["model"], found["metric"], found["value"], found["skill_vs_seasonal_naive"]) == ("x", "mae", 1.0, 0.5)


def test_a_series_without_any_value_keeps_the_baseline() -> None:
    """Too short for a fold: baseline, null value, null skill, no runner-up; also for a series without a row."""
    rows = (
        folds("seasonal_naive", np.nan)
        + folds("x", np.nan)
        + folds("seasonal_naive", 1, unique_id="b")
        + folds("x", 2, unique_id="b")
    )
    found = champions(metrics_of(*rows), "mase", ["x"], ids=["c", "b"]).set_index("unique_id")
    assert list(found.index) == ["a", "b", "c"]
    assert list(found["model"]) == ["seasonal_naive"] * 3
    assert list(found["metric"]) == ["mase"] * 3
    assert found.loc[["a", "c"], ["value", "runner_up", "skill_vs_seasonal_naive"]].isna().all(axis=None)
    assert found.loc["b", "runner_up"] == "x"


def test_no_metrics_at_all() -> None:
    """An empty backtest gives every series the baseline."""
    found = champions(metrics_of(), "mase", ["x"], ids=["a"])
    assert list(found["model"]) == ["seasonal_naive"]
    assert found["value"].isna().all()
    assert champions(metrics_of(), "mase", ["x"]).empty


def test_a_perfect_baseline_leaves_skill_undefined() -> None:
    """Nothing can be better than an error of 0, and nothing be divided by it."""
    found = champion(folds("seasonal_naive", 0, 0) + folds("x", 1, 1))
    assert (found["model"], found["value"]) == ("seasonal_naive", 0)
    assert np.isnan(found["skill_vs_seasonal_naive"])  # type: ignore[call-overload]


@given(st.lists(st.tuples(*[st.sampled_from([0.5, 1.0, 2.0, np.nan])] * 3), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_champion_is_never_beaten(table: list[tuple[float, float, float]]) -> None:
    """Compared fold by fold by hand, no eligible model is better, and none before it in the order as good."""
    models = ["x", "seasonal_naive", "y"]
    rows = [
        ("a", cutoff, model, "mase", value)
        for cutoff, values in enumerate(table)
        for model, value in zip(models, values, strict=True)
    ]
    compared = [values for values in table if not np.isnan(values[1])]
    means = {
        model: float(np.mean([values[i] for values in compared])) if compared else np.nan
        for i, model in enumerate(models)
    }
    eligible = {model: mean for model, mean in means.items() if not np.isnan(mean)}
    expected = min(eligible, key=lambda model: (eligible[model], models.index(model))) if eligible else "seasonal_naive"
    found = champion(rows, tuple(models))
    assert found["model"] == expected
    np.testing.assert_allclose(float(str(found["value"])), eligible.get(expected, np.nan))


def of(**values: float) -> pd.DataFrame:
    return pd.DataFrame({"unique_id": list(values), "value": list(values.values())}).astype({"value": float})


def test_no_worse_compares_the_common_series() -> None:
    """Series that only one side has do not count; equal is no worse, and a hair's breadth is equal."""
    assert no_worse(of(a=1, b=2, new=100), of(a=1, b=2, old=0)) == (True, 1.5, 1.5)
    assert no_worse(of(a=1 + 1e-12), of(a=1))[0]
    assert not no_worse(of(a=1.01), of(a=1))[0]
    assert no_worse(of(a=1.01), of(a=1), tolerance=0.1)[0]


def test_a_null_value_compares_with_nothing() -> None:
    """A series with null on a side is left out of both means."""
    assert no_worse(of(a=1, b=np.nan, c=7), of(a=2, b=0, c=np.nan)) == (True, 1.0, 2.0)


def test_nothing_to_be_worse_than_and_everything_lost() -> None:
    """Without a current value anything will do; a new side that has lost every value will not."""
    assert no_worse(of(a=1), of(b=1))[0]
    assert no_worse(of(a=1), of(a=np.nan))[0]
    assert not no_worse(of(a=np.nan), of(a=1))[0]


def test_the_metrics_are_left_as_they_were() -> None:
    """Choosing changes nothing in place."""
    metrics = metrics_of(*folds("seasonal_naive", 1, np.nan), *folds("x", 2, 3))
    before = metrics.copy()
    champions(metrics, "mase", ["x"])
    assert_frame_equal(metrics, before)
