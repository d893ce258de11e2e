import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.forecasting.evaluation import ensemble

CUTOFFS = pd.date_range("2024-01-01", periods=2, freq="10D")


def table(**models: list[float]) -> pd.DataFrame:
    """Errors of each model over the steps of two windows of the series a and b, around an actual of 10."""
    rows = [
        (name, cutoff, cutoff + pd.Timedelta(days=step), model, step, 10.0, 10.0 + error)
        for name in "ab"
        for cutoff in CUTOFFS
        for model, errors in models.items()
        for step, error in enumerate(errors, start=1)
    ]
    return pd.DataFrame(rows, columns=["unique_id", "cutoff", "ds", "model", "step", "y", "y_hat"])


def scales(rows: pd.DataFrame, scale: float = 2.0) -> pd.DataFrame:
    return rows[["unique_id", "cutoff"]].drop_duplicates().assign(scale=scale)


def weights(rows: pd.DataFrame, squared: bool = False) -> dict[str, dict[str, float]]:
    models = tuple(sorted(rows["model"].unique()))
    found = ensemble.find(rows, scales(rows), {models: ["a", "b"]}, squared)
    return {
        str(name): dict(zip(part["member"], part["weight"], strict=True)) for name, part in found.groupby("unique_id")
    }


def test_models_that_err_to_opposite_sides_share_the_weight() -> None:
    """+2 and −2 cancel: half each; a third one that is always 9 off gets none."""
    found = weights(table(high=[2, 2, 2], low=[-2, -2, -2], wild=[9, -9, 9]))
    assert found == {"a": {"high": 0.5, "low": 0.5}, "b": {"high": 0.5, "low": 0.5}}


def test_a_model_that_no_other_improves_stays_alone() -> None:
    """Adding a worse model with errors on the same side can only hurt."""
    assert weights(table(good=[1, 1], bad=[3, 3]))["a"] == {"good": 1.0}


def test_the_weight_follows_the_size_of_the_errors() -> None:
    """+1 and −3 cancel at three to one."""
    assert weights(table(near=[1, 1], far=[-3, -3]))["a"] == pytest.approx({"near": 0.75, "far": 0.25})


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.floats(-9, 9), min_size=4, max_size=4), min_size=2, max_size=4), st.booleans())
def test_on_its_windows_the_ensemble_is_never_worse_than_the_best_member(
    errors: list[list[float]], squared: bool
) -> None:
    """It begins with the best model and keeps the best mean it met; its weights sum to 1."""
    rows = table(**{f"m{number}": values for number, values in enumerate(errors)})
    found = ensemble.find(rows, scales(rows), {tuple(f"m{i}" for i in range(len(errors))): ["a", "b"]}, squared)
    assert found.groupby("unique_id")["weight"].sum().to_numpy() == pytest.approx([1, 1])
    combined = ensemble.combine(rows, found, "both")

    def loss(part: pd.DataFrame) -> float:
        error = part["y_hat"] - part["y"]
        folds = (error**2 if squared else error.abs()).groupby([part["unique_id"], part["cutoff"]]).mean()
        return float((np.sqrt(folds) if squared else folds).mean())

    assert loss(combined) <= min(loss(part) for _, part in rows.groupby("model")) + 1e-9


def test_a_combination_is_the_weighted_mean_row_by_row() -> None:
    """A quarter of 14 and three quarters of 6 are 8; keys and columns stay as they were."""
    rows = table(one=[4], two=[-4])
    shares = pd.DataFrame({"unique_id": ["a", "a"], "member": ["one", "two"], "weight": [0.25, 0.75]})
    found = ensemble.combine(rows, shares, "both")
    assert found["y_hat"].tolist() == [8.0, 8.0]
    assert list(found.columns) == list(rows.columns)
    assert (found["unique_id"].unique().tolist(), found["model"].unique().tolist()) == (["a"], ["both"])


def test_a_row_that_a_member_lacks_is_left_out() -> None:
    """The mean of the other members would be another model."""
    rows = table(one=[4, 4], two=[-4])
    shares = pd.DataFrame({"unique_id": ["a", "a"], "member": ["one", "two"], "weight": [0.5, 0.5]})
    assert ensemble.combine(rows, shares, "both")["step"].tolist() == [1, 1]


def test_each_group_has_its_own_weights_and_one_without_folds_has_none() -> None:
    """a has both models, b only one, c was never tested."""
    rows = table(one=[2, 2], two=[-2, -2])
    rows = rows[(rows["unique_id"] == "a") | (rows["model"] == "one")]
    found = ensemble.find(rows, scales(rows), {("one", "two"): ["a", "c"], ("one",): ["b"], ("two",): ["d"]}, False)
    assert found[found["unique_id"] == "a"]["weight"].tolist() == [0.5, 0.5]
    assert found[found["unique_id"] == "b"]["member"].tolist() == ["one"]
    assert found[found["unique_id"] == "c"]["weight"].tolist() == [0.5, 0.5]  # what its group has learnt
    assert "d" not in set(found["unique_id"])


def test_members_are_those_of_the_ensemble_or_the_champion_itself() -> None:
    """a is served by the ensemble's two, b by one model."""
    champions = pd.DataFrame({"unique_id": ["a", "b"], "model": [ensemble.ENSEMBLE, "theta"]})
    shares = pd.DataFrame({"unique_id": ["a", "a", "b"], "member": ["x", "y", "x"], "weight": [0.4, 0.6, 1.0]})
    assert ensemble.members(champions, shares).to_dict("list") == {
        "unique_id": ["a", "a", "b"],
        "member": ["x", "y", "theta"],
        "weight": [0.4, 0.6, 1.0],
    }
