"""The reader: by pointer, verified, and where there is nothing yet, the command that makes it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pipelines.core.config import Project
from pipelines.core.errors import ConfigError, DataError, NotFound, StoreError, Untrusted
from pipelines.core.names import new_version
from pipelines.forecasting.prepare import panel_of
from pipelines.forecasting.settings import Workspace
from pipelines.storage import catalog
from pipelines.storage.catalog import Reader
from pipelines.storage.folders import Folder
from pipelines.storage.pointers import Aliases, CurrentData
from pipelines.storage.records import Quality
from pipelines.storage.store import Store, Stores, stores
from tests.support import records
from tests.support.places import at

DAYS = pd.date_range("2024-01-01", periods=4)
OBSERVATIONS = pd.DataFrame({"unique_id": ["a"] * 4 + ["b"] * 4, "ds": [*DAYS] * 2, "y": [*range(8)]})
SERIES = pd.DataFrame({"unique_id": ["a", "b"], "first_ds": DAYS[0], "last_ds": [DAYS[3], DAYS[0]], "n": [4, 1]})
WORKSPACE = Workspace.model_validate(
    {"name": "mine", "source": {"kind": "file", "path": "x"}, "frequency": "D", "horizon": 2}
)
ASKS: list[Callable[[Reader, str], Any]] = [
    Reader.dataset,
    Reader.pointers,
    Reader.runs,
    Reader.production,
    Reader.forecast_sets,
    Reader.published,
    lambda reader, name: reader.run(name, new_version()),
    lambda reader, name: reader.calibration(name, new_version()),
    lambda reader, name: reader.forecast_set(name, new_version()),
]


@pytest.fixture
def reader(tmp_path: Path) -> Stores:
    return stores(Project(data_dir=str(tmp_path / "data"), artifacts_dir=str(tmp_path / "artifacts")))


def processed(reader: Reader) -> Folder:
    draft = reader.data.draft(reader.places("mine").dataset(new_version()))
    draft.write_parquet("observations.parquet", OBSERVATIONS)
    draft.write_parquet("series.parquet", SERIES)
    draft.write_parquet("rejected.parquet", pd.DataFrame({"reason": ["no date"]}))
    draft.write_json("quality.json", {"status": "pass"})
    draft.write_record(records.etl())
    return draft.publish()


def finished(reader: Stores, kind: str) -> Folder:
    draft = reader.artifacts.draft(at("mine", kind, new_version()))
    draft.write_json("run.json", {})
    return draft.publish()


def point(reader: Stores, **values: Any) -> None:
    reader.artifacts.move_pointer(at("mine", "pointers.json"), Aliases, lambda now: now.changed(**values))


def use(reader: Stores, version: str) -> None:
    place = at("processed", "mine", "current.json")
    reader.data.move_pointer(place, CurrentData, lambda now: now.changed(data_version=version))


def test_the_current_data_are_what_the_pointer_names(reader: Reader) -> None:
    """Not the newest directory: a version whose checks failed is there, but not current."""
    first, second = processed(reader), processed(reader)
    use(reader, first.name)
    dataset = reader.dataset("mine")
    assert dataset.version == first.name
    assert (dataset.info, dataset.quality) == (records.etl(), Quality(status="pass"))
    assert dataset.rejected["reason"].tolist() == ["no date"]
    assert_frame_equal(dataset.observations, OBSERVATIONS)
    assert_frame_equal(dataset.series, SERIES)
    assert reader.dataset_version("mine", second.name).version == second.name


def test_the_panel_leaves_out_series_that_ended(reader: Reader) -> None:
    """b ended three days ago, with a horizon of two; a is what the models see."""
    processed(reader)
    dataset = reader.dataset_version("mine", reader.data.folders(at("processed", "mine"))[0])
    panel, ended = panel_of(dataset, WORKSPACE)
    assert (panel.ids, ended) == (["a"], ["b"])
    assert panel.history["y"].tolist() == [0, 1, 2, 3]


def test_the_panel_has_the_clock_of_the_workspace(reader: Reader) -> None:
    """Models learn hours and weekdays as they are lived there."""
    processed(reader)
    dataset = reader.dataset_version("mine", reader.data.folders(at("processed", "mine"))[0])
    panel, _ = panel_of(dataset, WORKSPACE.model_copy(update={"timezone": "Europe/London"}))
    assert panel.timezone == "Europe/London"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"frequency": "h"}, "frequency D"),
        ({"covariates": {"future": ["price"], "static": ["region"]}}, "no price, region"),
    ],
)
def test_data_of_other_settings_are_refused(reader: Reader, change: dict[str, Any], found: str) -> None:
    """A covariate that came into the settings after the data, or another frequency: what to run is told."""
    processed(reader)
    dataset = reader.dataset_version("mine", reader.data.folders(at("processed", "mine"))[0])
    changed = Workspace.model_validate({**WORKSPACE.model_dump(), **change})
    with pytest.raises(DataError, match=f"has {found}, unlike the settings .* Run: python scripts/run_all.py"):
        panel_of(dataset, changed)


@pytest.mark.parametrize(
    ("ask", "command"),
    [(Reader.dataset, "run_etl.py"), (Reader.production, "train.py"), (Reader.published, "inference.py")],
)
def test_what_is_not_there_yet_comes_with_its_command(
    reader: Reader, ask: Callable[[Reader, str], Any], command: str
) -> None:
    """A newcomer can copy it."""
    with pytest.raises(NotFound, match=f"workspace mine has no .* yet. Run: python scripts/{command} --workspace mine"):
        ask(reader, "mine")


def test_nothing_yet_is_empty_lists_and_pointers(reader: Reader) -> None:
    """No error where there is simply nothing to list."""
    assert (reader.runs("mine"), reader.forecast_sets("mine")) == ([], [])
    assert reader.pointers("mine") == Aliases(version=0)


def test_production_and_published_follow_their_pointers(reader: Reader) -> None:
    """Also when newer ones are there; the lists have all, oldest first."""
    runs = [finished(reader, "runs").name for _ in range(3)]
    sets = [finished(reader, "forecasts").name for _ in range(3)]
    reader.artifacts.draft(at("mine", "runs", new_version())).write_json("run.json", {})
    point(
        reader,
        aliases={"production": {"run_id": runs[1]}},
        published={"forecast_id": sets[0], "run_id": runs[1], "as_of": "2024-01-01T00:00:00Z"},
    )
    assert (reader.production("mine").name, reader.published("mine").name) == (runs[1], sets[0])
    assert (reader.runs("mine"), reader.forecast_sets("mine")) == (runs, sets)


def test_the_calibration_of_a_run(reader: Reader) -> None:
    """As it was stored; a run without one, from before it was measured, says what to do."""
    table = pd.DataFrame({"level": [80], "by": "all", "group": "all", "n": [10], "coverage": [0.79], "msis": [1.5]})
    draft = reader.artifacts.draft(at("mine", "runs", new_version()))
    draft.write_parquet("calibration.parquet", table)
    assert_frame_equal(reader.calibration("mine", draft.publish().name), table)
    with pytest.raises(NotFound, match=r"has no calibration\.parquet.* Run: python scripts/train.py --workspace mine"):
        reader.calibration("mine", finished(reader, "runs").name)


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("name", ["", "..", "../mine", "a/b", "/etc", "a\0b"])
def test_no_workspace_name_leads_elsewhere(reader: Reader, ask: Callable[[Reader, str], Any], name: str) -> None:
    """Every way to ask passes the one check of names."""
    with pytest.raises(ConfigError, match=r"workspace .* is not allowed"):
        ask(reader, name)


@pytest.mark.parametrize("version", ["", "..", "../../x", "latest"])
def test_no_version_leads_elsewhere(reader: Stores, version: str) -> None:
    """Also when it comes from a pointer that someone has changed."""
    published = {"forecast_id": version, "run_id": version, "as_of": ""}
    pointers = {"version": 1, "aliases": {"production": {"run_id": version}}, "published": published}
    places = reader.places("mine")
    reader.artifacts.medium.write(places.pointers, json.dumps(pointers).encode())
    reader.data.medium.write(places.current_dataset, json.dumps({"version": 1, "data_version": version}).encode())
    for ask in (Reader.production, Reader.published, Reader.dataset):
        with pytest.raises(StoreError, match=r"cannot be used .* should match pattern"):
            ask(reader, "mine")


def test_the_key_guards_data_and_artifacts(tmp_path: Path) -> None:
    """A reader that wants signatures takes neither data nor runs without."""
    project = Project(data_dir=str(tmp_path / "data"), artifacts_dir=str(tmp_path / "artifacts"))
    plain = stores(project)
    data, run = processed(plain), finished(plain, "runs")
    strict = catalog.reader(project, "key", require_signature=True)
    with pytest.raises(Untrusted, match="not signed"):
        strict.dataset_version("mine", data.name)
    with pytest.raises(Untrusted, match="not signed"):
        strict.run("mine", run.name)


def test_the_workspaces_are_the_files(reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorted, whether they have data or not."""
    (tmp_path / "workspaces").mkdir()
    for name in ("b.yaml", "a.yml", "notes.txt"):
        (tmp_path / "workspaces" / name).touch()
    monkeypatch.setenv("FORECAST_CONFIG_DIR", str(tmp_path))
    assert reader.workspaces() == ["a", "b"]


def test_a_store_elsewhere_is_read_alike() -> None:
    """Any fsspec URL; lists and folders need no local disk."""
    reader = Stores(Store("memory://data"), Store("memory://artifacts"))
    run = finished(reader, "runs")
    assert run.name in reader.runs("mine")
    assert reader.run("mine", run.name).verify() == []
