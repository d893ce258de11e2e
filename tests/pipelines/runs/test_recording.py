"""Runs: recorded while they happen, finished once, and unpickled only when every byte is what was written."""

import json
import pickle
import re
import sys
import types
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.core import code
from pipelines.core.errors import ConfigError, DataError, NotFound, StoreError, Untrusted
from pipelines.forecasting import payload
from pipelines.forecasting.evaluation.fit import Fitted
from pipelines.forecasting.figures import Figures
from pipelines.forecasting.payload import load_models
from pipelines.forecasting.settings import Workspace
from pipelines.runs import recording as runs
from pipelines.runs.recording import Recording
from pipelines.storage.folders import Folder
from pipelines.storage.layout import Place
from pipelines.storage.records import Data
from pipelines.storage.store import Store, Stores

ROOT = Path(__file__).parents[3]
WORKSPACE = Workspace.model_validate(
    {"name": "mine", "source": {"kind": "file", "path": "x.csv"}, "frequency": "D", "model_params": {"theta": {"a": 1}}}
)
DATA = Data(version="v", sha256="s")
SUMMARY = Figures(champion=0.5)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "artifacts"))


def record(store: Store) -> Recording:
    return payload.begin(Stores(store, store), WORKSPACE, DATA, parent=None)


def status(recording: Recording) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((Path(recording.draft.where) / "run.json").read_text())
    return content


def fitted(*models: tuple[str, tuple[str, ...], Any]) -> Iterator[Fitted]:
    yield from (Fitted(model, ids, forecaster) for model, ids, forecaster in models)


def trained(store: Store, *forecasters: Any) -> Folder:
    recording = record(store)
    payload.save_models(recording, fitted(*[("naive", (f"s{i}",), one) for i, one in enumerate(forecasters)]))
    return recording.succeed(SUMMARY)


def test_a_run_is_pending_then_running_then_a_success(store: Store) -> None:
    """Its file says so at each step, and it exists for readers from the last one only."""
    recording = record(store)
    assert (status(recording)["status"], status(recording)["stages"]) == ("pending", [])
    with recording.failing(), recording.stage("load"):
        assert status(recording)["status"] == "running"
    with pytest.raises(NotFound):
        store.folder(Place(("mine", "runs", recording.run_id)))
    info = recording.succeed(SUMMARY).read_json("run.json")
    assert (info["status"], info["summary"], info["run_id"]) == ("success", {"champion": 0.5}, recording.run_id)
    assert info["started_at"] <= info["finished_at"]
    assert store.folders(Place(("mine", "runs"))) == [recording.run_id]


def test_the_address_of_a_source_is_kept_without_its_secrets(store: Store) -> None:
    """Neither user, password nor query of a download's address is in the run's file; the host and the path are."""
    url = "https://me:hunter2@data.example/sales.csv?token=abc#part"
    workspace = Workspace.model_validate({"name": "mine", "source": {"kind": "download", "url": url}, "frequency": "D"})
    recording = payload.begin(Stores(store, store), workspace, DATA, parent=None)
    written = json.dumps(status(recording))
    assert "https://data.example/sales.csv" in written
    assert not any(secret in written for secret in ("hunter2", "me:", "token", "abc"))


def test_a_stage_notes_its_seconds_and_memory(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order; also that of the stage that failed."""
    clock = iter([10.0, 12.5, 20.0, 20.25])
    monkeypatch.setattr(runs.time, "perf_counter", lambda: next(clock))
    recording = record(store)
    with recording.stage("load"):
        pass
    with pytest.raises(ZeroDivisionError), recording.stage("fit"):
        raise ZeroDivisionError
    stages = recording.info.stages
    assert [(stage.name, stage.seconds) for stage in stages] == [("load", 2.5), ("fit", 0.25)]
    assert all(1 < stage.peak_mb < 100_000 for stage in stages)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(DataError("no rows. Bring some."), "no rows. Bring some."), (ZeroDivisionError("1/0"), "ZeroDivisionError: 1/0")],
)
def test_a_failed_run_is_kept_with_its_reason(store: Store, error: Exception, reason: str) -> None:
    """The error passes on, and the run is finished as failed."""
    recording = record(store)
    with pytest.raises(type(error)), recording.failing(), recording.stage("fit"):
        raise error
    run = store.folder(Place(("mine", "runs", recording.run_id)))
    assert run.verify() == []
    info = run.read_json("run.json")
    assert (info["status"], info["error"], "summary" in info) == ("failed", reason, False)
    assert [stage["name"] for stage in info["stages"]] == ["fit"]


def test_a_summary_that_is_no_json_fails_the_run(store: Store) -> None:
    """An infinite figure is a bug that must not leave the run without an end."""
    recording = record(store)
    with pytest.raises(ValueError, match="not JSON compliant"), recording.failing():
        recording.succeed(Figures(champion=float("inf")))
    assert store.folder(Place(("mine", "runs", recording.run_id))).read_json("run.json")["status"] == "failed"


def test_a_full_disk_hides_no_error(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no room for the reason either, the first error is still what the user sees."""
    recording = record(store)

    def full(*_: object) -> None:
        raise StoreError("The disk is full: free some space and run again.")

    monkeypatch.setattr(recording.draft, "write_bytes", full)
    with pytest.raises(DataError, match="first"), recording.failing():
        raise DataError("first")
    assert store.folders(Place(("mine", "runs"))) == []


def test_a_success_that_the_disk_does_not_confirm_stays_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is told, and the run is not turned into a failed one under its readers."""
    recording = record(store)

    def unconfirmed(folder: str) -> None:
        if store.folders(Place(("mine", "runs"))):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr("pipelines.storage.disk.sync_folder", unconfirmed)
    with pytest.raises(StoreError, match="does not confirm"), recording.failing():
        recording.succeed(SUMMARY)
    run = store.folder(Place(("mine", "runs", recording.run_id)))
    assert (run.verify(), run.read_json("run.json")["status"]) == ([], "success")


def test_models_come_back_for_the_series_that_are_asked_for(store: Store) -> None:
    """Each with its name and its series; a file without a wanted series is not read."""
    recording = record(store)
    models = [("naive", ("b", "a"), {"is": 1}), ("theta", ("c",), {"is": 2}), ("naive", ("d", "e"), {"is": 3})]
    table = payload.save_models(recording, fitted(*models))
    assert table.to_dict("list") == {
        "unique_id": ["a", "b", "c", "d", "e"],
        "model": ["naive", "naive", "theta", "naive", "naive"],
        "file": [f"model/0000{n}.pkl" for n in (0, 0, 1, 2, 2)],
    }
    run = recording.succeed(SUMMARY)
    assert payload.n_model_files(run) == 3
    Path(run.where, "model/00001.pkl").unlink()
    found = [(one.model, one.ids, one.forecaster) for one in load_models(run, ["a", "b", "e", "unknown"])]
    assert found == [("naive", ("a", "b"), {"is": 1}), ("naive", ("e",), {"is": 3})]


class Bomb:
    """Unpickling it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_the_bomb_works(tmp_path: Path) -> None:
    """The next tests prove something only if unpickling really has this effect."""
    pickle.loads(pickle.dumps(Bomb(tmp_path / "boom")))
    assert (tmp_path / "boom").exists()


def test_a_model_with_another_checksum_is_not_unpickled(store: Store, tmp_path: Path) -> None:
    """A program in the place of a model, under the right name, is refused before it runs."""
    run = trained(store, {"is": 1})
    Path(run.where, "model/00000.pkl").write_bytes(pickle.dumps(Bomb(tmp_path / "boom")))
    with pytest.raises(Untrusted, match="not what was written"):
        list(load_models(store.folder(run.place), ["s0"]))
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize("key", [None, "another key"])
def test_production_loads_nothing_that_it_has_not_signed(tmp_path: Path, key: str | None) -> None:
    """A run that is consistent in itself, but unsigned or signed by someone else, is not even opened."""
    root = str(tmp_path / "artifacts")
    run = trained(Store(root, key), Bomb(tmp_path / "boom"))
    with pytest.raises(Untrusted, match="sign"):
        list(load_models(Store(root, "key", require_signature=True).folder(run.place), ["s0"]))
    assert not (tmp_path / "boom").exists()


def test_a_table_of_models_that_points_elsewhere_loads_nothing(store: Store, tmp_path: Path) -> None:
    """A file that the manifest does not list is not read, wherever it lies."""
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Bomb(tmp_path / "boom")))
    recording = record(store)
    table = pd.DataFrame({"unique_id": ["s0"], "model": ["naive"], "file": ["../../../../evil.pkl"]})
    recording.draft.write_parquet(payload.MODELS, table)
    with pytest.raises(NotFound):
        list(load_models(recording.succeed(SUMMARY), ["s0"]))
    assert not (tmp_path / "boom").exists()


class Restless:
    def __setstate__(self, state: object) -> None:
        raise KeyError("horizon")


def test_a_model_of_another_version_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class that is gone, one that has changed, and bytes that are no pickle: train again."""
    gone = types.ModuleType(f"gone_{uuid.uuid4().hex}")
    exec("class Model: pass", gone.__dict__)
    monkeypatch.setitem(sys.modules, gone.__name__, gone)
    restless = Restless()
    restless.state = 1  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or types.ModuleType(__name__))
    monkeypatch.setattr(sys.modules[__name__], "Restless", Restless, raising=False)
    run = trained(store, gone.Model(), restless)
    monkeypatch.delitem(sys.modules, gone.__name__)
    for name in ("s0", "s1"):
        with pytest.raises(Untrusted, match=r"cannot be loaded with this version .*Train again"):
            list(load_models(run, [name]))


def test_a_run_from_before_phases_were_learnt_has_none(store: Store) -> None:
    """Its intervals are served as they were; those of a newer run come back as stored."""
    assert payload.phases_of(trained(store)).empty
    recording = record(store)
    table = pd.DataFrame({"phase": [0, 1], "size": [0.5, 1.5]})
    recording.draft.write_parquet("phases.parquet", table)
    assert payload.phases_of(recording.succeed(SUMMARY)).equals(table)


def test_pickles_are_loaded_in_one_place_only() -> None:
    """No other file of the project knows a way to turn bytes into a program."""
    loads = re.compile(r"pickle\.loads?\b|Unpickler|\bfrom pickle\b|joblib\.load|\bdill\b|read_pickle|allow_pickle")
    folders = [ROOT / name for name in ("pipelines", "scripts", "backend", "frontend")]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    assert len(files) > 50
    users = [str(path.relative_to(ROOT)) for path in files if loads.search(path.read_text())]
    assert users == ["pipelines/runs/pickles.py"]


def test_the_settings_of_a_run_come_back(store: Store) -> None:
    """As they were; and their hash does not depend on the order of keys."""
    run = trained(store)
    assert payload.workspace_of(run) == WORKSPACE
    assert run.read_json("run.json")["config_hash"] == payload.config_hash(payload.workspace_of(run))
    assert runs.digest({"a": 1, "b": 2}) == runs.digest({"b": 2, "a": 1}) != runs.digest({"a": 1, "b": 3})


def test_settings_of_another_version_are_told(store: Store) -> None:
    """Which keys, and what to do."""
    recording = record(store)
    recording.info.config.update({"frequency": "sometimes", "colour": "red"})
    with pytest.raises(ConfigError, match=r"not valid any more \(colour, frequency\). Train again"):
        payload.workspace_of(recording.succeed(SUMMARY))


def test_code_and_libraries_are_named(store: Store) -> None:
    """The package's version, with the commit in a checkout, and what decides a forecast."""
    assert re.fullmatch(r"\d+\.\d+\.\d+(\+[0-9a-f]{12})?", code.version())
    assert record(store).info.code_version == code.version()
    assert {"numpy", "pandas", "statsforecast"} <= runs.libraries().keys()


@pytest.mark.parametrize("name", ["ensemble", "default_ensemble"])
def test_the_strategys_ensemble_has_one_name_whatever_run_it_is_of(store: Store, name: str) -> None:
    """Runs from before there was a model `ensemble` called it that; a champion that is its own member keeps its name."""
    recording = record(store)
    champions = pd.DataFrame({"unique_id": ["a", "b", "c"], "model": [name, "ensemble", "theta"], "value": 1.0})
    members = [("a", "theta", 0.5), ("a", "naive", 0.5), ("b", "ensemble", 1.0), ("c", "theta", 1.0)]
    recording.draft.write_parquet("champions.parquet", champions)
    recording.draft.write_parquet(payload.WEIGHTS, pd.DataFrame(members, columns=["unique_id", "member", "weight"]))
    found = payload.champions_of(recording.succeed(SUMMARY))
    assert found["model"].tolist() == ["default_ensemble", "ensemble", "theta"]
    assert found.drop(columns="model").equals(champions.drop(columns="model"))
