"""The challenge: a run replaces production unless it is worse on the same windows."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.forecasting import payload
from pipelines.forecasting.evaluation import metrics, select
from pipelines.forecasting.evaluation.candidates import build
from pipelines.forecasting.evaluation.report import Evaluation
from pipelines.forecasting.evaluation.strategy import Plan
from pipelines.forecasting.figures import Figures, Verdict
from pipelines.forecasting.promotion.challenge import Rival
from pipelines.forecasting.settings import Workspace
from pipelines.storage.folders import Folder
from pipelines.storage.records import Data
from pipelines.storage.store import Store, Stores

Values = dict[str, dict[str, list[float]]]  # model, series, value a window


def workspace(**given: Any) -> Workspace:
    values = {"name": "mine", "source": {"kind": "file", "path": "x.csv"}, "frequency": "D", "season_lengths": [7]}
    return Workspace.model_validate({**values, "models": ["naive", "theta"], **given})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def production(store: Store, served: dict[str, str], config: Workspace | None = None, **changed: Any) -> Folder:
    """A run whose champions are `served`: unique_id to model."""
    recording = payload.begin(Stores(store, store), config or workspace(), Data(), None)
    recording.info.config.update(changed)
    weights = pd.DataFrame({"unique_id": list(served), "member": list(served.values()), "weight": 1.0})
    recording.draft.write_parquet("weights.parquet", weights)
    return recording.succeed(Figures())


def plan(config: Workspace) -> Plan:
    return {name: ["a", "b", "new"] for name in dict.fromkeys([*config.models, "seasonal_naive"])}


def judge(rival: Rival, values: Values, config: Workspace) -> Verdict:
    """The verdict where each model had these errors: forecasts of an actual 0 that are off by so much."""
    cutoffs = pd.date_range("2024-01-01", periods=9)
    rows = [
        (name, cutoffs[fold], cutoffs[fold] + pd.Timedelta(days=1), model, 1, 0.0, error)
        for model, series in values.items()
        for name, errors in series.items()
        for fold, error in enumerate(errors)
    ]
    table = pd.DataFrame(rows, columns=["unique_id", "cutoff", "ds", "model", "step", "y", "y_hat"])
    table = pd.concat([table, rival.forecasts(table)], ignore_index=True)
    scales = table[["unique_id", "cutoff"]].drop_duplicates().assign(scale_mae=1.0, scale_rmse=1.0)
    values_of = metrics.evaluate(table, scales, [])
    champions = select.champions(values_of, "mase", list(plan(config)))
    nothing = pd.DataFrame()
    return rival.verdict(Evaluation(nothing, values_of, champions, nothing, nothing, nothing, nothing, nothing), "mase")


def verdict(run: Folder | None, values: Values, config: Workspace | None = None) -> Verdict:
    config = config or workspace()
    return judge(Rival.of(run, config, plan(config)), values, config)


BASE = {"seasonal_naive": {"a": [2.0, 2.0], "b": [2.0, 2.0]}}


def test_the_first_run_passes() -> None:
    """There is nothing to be worse than, and nothing more to backtest."""
    rival = Rival.of(None, workspace(), plan(workspace()))
    assert (rival.builds(), rival.plan) == ({}, {})
    assert judge(rival, BASE, workspace()) == Verdict(True, "the first successful run")


@pytest.mark.parametrize(
    ("theta", "passed", "reason"),
    [
        ([1.0, 2.0], True, "no worse: mase 1.5 against 2 of run "),
        ([2.0, 2.0], True, "no worse: mase 2 against 2 of run "),
        ([3.0, 3.0], True, "no worse: mase 2 against 2 of run "),  # not chosen: the champion stays
    ],
)
def test_the_same_models_are_compared_on_the_same_windows(
    store: Store, theta: list[float], passed: bool, reason: str
) -> None:
    """Production serves the seasonal naive; the champions of the new run are judged against it."""
    run = production(store, {"a": "seasonal_naive", "b": "seasonal_naive"})
    found = verdict(run, {**BASE, "theta": {"a": theta, "b": theta}})
    assert (found.passed, found.reason) == (passed, f"{reason}{run.name} on the same windows")


def test_a_run_without_the_model_that_production_has_can_be_worse(store: Store) -> None:
    """Theta is no candidate any more: it is backtested for production, wins, and the new run does not pass."""
    run = production(store, {"a": "theta", "b": "theta"})
    config = workspace(models=["naive"])
    rival = Rival.of(run, config, plan(config))
    assert rival.plan == {"production:theta": ["a", "b"]}
    assert list(rival.builds()) == ["production:theta"]
    assert type(rival.builds()["production:theta"]()) is type(build("theta", config)())
    values = {**BASE, "production:theta": {"a": [1.0, 1.0], "b": [1.0, 1.5]}}
    found = judge(rival, values, config)
    assert found == Verdict(False, f"worse: mase 2 against 1.125 of run {run.name} on the same windows", 2.0, 1.125)
    assert found.production == 1.125


@pytest.mark.parametrize(
    "old", [{"model_params": {"theta": {"max_history": 9}}}, {"season_lengths": [30]}], ids=["params", "seasons"]
)
def test_a_model_with_other_parameters_is_another_model(store: Store, old: dict[str, Any]) -> None:
    """It is backtested as production configures it, beside the one of the same name."""
    run = production(store, {"a": "theta", "b": "seasonal_naive"}, workspace(**old))
    rival = Rival.of(run, workspace(), plan(workspace()))
    assert "production:theta" in rival.builds()
    values = {name: {"a": [one, one]} for name, one in [("theta", 2.0), ("production:theta", 1.0)]}
    values["production:seasonal_naive"] = values["seasonal_naive"] = {"a": [3.0, 3.0]}
    assert not judge(rival, values, workspace()).passed


def test_an_unchanged_model_is_not_backtested_twice(store: Store) -> None:
    """The same name with the same parameters is the candidate itself."""
    run = production(store, {"a": "theta", "b": "seasonal_naive"})
    other = workspace(levels=[90], title="other")
    assert Rival.of(run, other, plan(other)).builds() == {}


@pytest.mark.parametrize(
    ("changed", "what"), [({"frequency": "h"}, "frequency"), ({"target": {"unit": "MW"}}, "target")]
)
def test_a_run_that_answers_another_question_passes(store: Store, changed: dict[str, Any], what: str) -> None:
    """Errors of another target or grid cannot be compared; the verdict says so."""
    run = production(store, {"a": "theta"})
    assert verdict(run, BASE, workspace(**changed)) == Verdict(
        True, f"not comparable with production: its {what} differs"
    )
    assert Rival.of(run, workspace(**changed), plan(workspace())).run_id == run.name


def test_production_with_a_model_that_is_gone_does_not_stop_training(store: Store) -> None:
    """Its settings name a model that this version of the code has not; the new run passes and says why."""
    run = production(store, {"a": "theta", "b": "neural"}, models=["theta", "neural"])
    assert verdict(run, BASE).reason == "not comparable with production: it uses neural, which is gone"


def test_production_with_settings_of_another_version_does_not_stop_training(store: Store) -> None:
    """A key that was renamed since is no reason for a crash."""
    run = production(store, {"a": "theta"}, colour="red")
    found = verdict(run, BASE)
    assert found.passed
    assert "settings that are not valid any more (colour)" in found.reason


def test_only_series_that_both_serve_are_compared(store: Store) -> None:
    """A new series with large errors does not count against the new run, nor a gone one for it."""
    run = production(store, {"a": "seasonal_naive", "gone": "seasonal_naive"})
    values = {"seasonal_naive": {"a": [2.0], "new": [99.0], "gone": [np.nan]}, "theta": {"a": [1.0], "new": [99.0]}}
    found = verdict(run, values)
    assert (found.passed, found.challenger, found.production) == (True, 1.0, 2.0)


def test_what_cannot_be_measured_is_said(store: Store) -> None:
    """No series in common: the run passes, and the reason has words in place of figures."""
    run = production(store, {"z": "seasonal_naive"})
    found = verdict(run, BASE)
    assert (found.passed, found.challenger, found.production) == (True, None, None)
    assert found.reason.startswith("no worse: mase not known against not known")


def test_an_ensemble_in_production_is_judged_as_the_ensemble_that_it_is(store: Store) -> None:
    """Half theta, half seasonal naive: errors of +1 and −2 make −0.5, better than either."""
    weights = pd.DataFrame({"unique_id": ["a", "a"], "member": ["theta", "seasonal_naive"], "weight": [0.5, 0.5]})
    recording = payload.begin(Stores(store, store), workspace(), Data(), None)
    recording.draft.write_parquet("weights.parquet", weights)
    run = recording.succeed(Figures())
    found = verdict(run, {"theta": {"a": [1.0]}, "seasonal_naive": {"a": [-2.0]}})
    assert (found.passed, found.challenger, found.production) == (False, 1.0, 0.5)
