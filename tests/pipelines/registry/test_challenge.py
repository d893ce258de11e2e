"""The challenge: a run replaces production unless it is worse on the same windows."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.evaluation import select
from pipelines.evaluation.candidates import build, candidates
from pipelines.evaluation.report import Evaluation
from pipelines.registry.challenge import Rival, Verdict
from pipelines.registry.runs import Recording
from pipelines.settings import Workspace
from pipelines.store import Folder, Store

Values = dict[str, dict[str, list[float]]]  # model, series, value a window


def workspace(**given: Any) -> Workspace:
    values = {"name": "mine", "source": {"kind": "file", "path": "x.csv"}, "frequency": "D", "season_lengths": [7]}
    return Workspace.model_validate({**values, "models": ["naive", "theta"], **given})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def production(store: Store, served: dict[str, str], config: Workspace | None = None, **changed: Any) -> Folder:
    """A run whose champions are `served`: unique_id to model."""
    recording = Recording(store, config or workspace(), {}, None)
    recording.info["config"] |= changed
    champions = pd.DataFrame({"unique_id": list(served), "model": list(served.values())})
    recording.draft.write_parquet("champions.parquet", champions)
    return recording.succeed({})


def evaluation(values: Values, config: Workspace) -> Evaluation:
    rows = [
        (name, pd.Timestamp("2024-01-01") + pd.Timedelta(days=cutoff), model, metric, value)
        for model, series in values.items()
        for name, windows in series.items()
        for cutoff, value in enumerate(windows)
        for metric in ("mase", "mae")
    ]
    metrics = pd.DataFrame(rows, columns=["unique_id", "cutoff", "model", "metric", "value"])
    champions = select.champions(metrics, "mase", candidates(config))
    return Evaluation(pd.DataFrame(), metrics, champions, pd.DataFrame(), pd.DataFrame(), {})


def verdict(run: Folder | None, values: Values, config: Workspace | None = None) -> Verdict:
    config = config or workspace()
    return Rival.of(run, config).verdict(evaluation(values, config), "mase")


BASE = {"seasonal_naive": {"a": [2.0, 2.0], "b": [2.0, 2.0]}}


def test_the_first_run_passes() -> None:
    """There is nothing to be worse than, and nothing more to backtest."""
    rival = Rival.of(None, workspace())
    assert rival.builds() == {}
    assert rival.verdict(evaluation(BASE, workspace()), "mase") == Verdict(True, "the first successful run")


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
    rival = Rival.of(run, config)
    assert list(rival.builds()) == ["production:theta"]
    assert type(rival.builds()["production:theta"]()) is type(build("theta", config)())
    values = {**BASE, "production:theta": {"a": [1.0, 1.0], "b": [1.0, 1.5]}}
    found = rival.verdict(evaluation(values, config), "mase")
    assert found == Verdict(False, f"worse: mase 2 against 1.125 of run {run.name} on the same windows", 2.0, 1.125)
    assert found.as_json()["production"] == 1.125


@pytest.mark.parametrize(
    "old", [{"model_params": {"theta": {"max_history": 9}}}, {"season_lengths": [30]}], ids=["params", "seasons"]
)
def test_a_model_with_other_parameters_is_another_model(store: Store, old: dict[str, Any]) -> None:
    """It is backtested as production configures it, beside the one of the same name."""
    run = production(store, {"a": "theta", "b": "seasonal_naive"}, workspace(**old))
    rival = Rival.of(run, workspace())
    assert "production:theta" in rival.builds()
    values = {name: {"a": [one, one]} for name, one in [("theta", 2.0), ("production:theta", 1.0)]}
    values["production:seasonal_naive"] = values["seasonal_naive"] = {"a": [3.0, 3.0]}
    assert not rival.verdict(evaluation(values, workspace()), "mase").passed


def test_an_unchanged_model_is_not_backtested_twice(store: Store) -> None:
    """The same name with the same parameters is the candidate itself."""
    run = production(store, {"a": "theta", "b": "seasonal_naive"})
    assert Rival.of(run, workspace(levels=[90], title="other")).builds() == {}


@pytest.mark.parametrize(
    ("changed", "what"), [({"frequency": "h"}, "frequency"), ({"target": {"unit": "MW"}}, "target")]
)
def test_a_run_that_answers_another_question_passes(store: Store, changed: dict[str, Any], what: str) -> None:
    """Errors of another target or grid cannot be compared; the verdict says so."""
    run = production(store, {"a": "theta"})
    assert verdict(run, BASE, workspace(**changed)) == Verdict(
        True, f"not comparable with production: its {what} differs"
    )
    assert Rival.of(run, workspace(**changed)).run_id == run.name


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
