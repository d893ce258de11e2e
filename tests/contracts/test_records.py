"""Records read every file that release 0.1.0 stored, ignore keys of later versions, and report damage."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from pipelines.core.documents import Record
from pipelines.core.errors import StoreError, Untrusted
from pipelines.forecasting.records import ForecastRun, Monitoring
from pipelines.storage.folders import Folder
from pipelines.storage.layout import Places
from pipelines.storage.pointers import Aliases, CurrentData, CurrentMonitoring
from pipelines.storage.records import Etl, Fixed, ForecastSet, Run, Snapshot
from pipelines.storage.store import Store, Stores
from tests.contracts.test_stored_by_0_1_0 import ARCHIVE, NAME

FIXED: list[type[Fixed]] = [Snapshot, Etl, Run, ForecastRun, ForecastSet, Monitoring]
POINTERS: list[type[Record]] = [Aliases, CurrentData, CurrentMonitoring]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stores:
    folder = tmp_path_factory.mktemp("stored")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return Stores(Store(str(folder / "data")), Store(str(folder / "artifacts")))


def folders(stored: Stores, record: type[Fixed]) -> list[Folder]:
    """Every directory of the archive that has the record's file."""
    places = Places(NAME)
    data, artifacts = (
        (stored.data, (places.raw, places.processed)),
        (stored.artifacts, (places.runs, places.forecast_sets, places.monitorings)),
    )
    found = [
        root.folder(above.file(name))
        for root, kinds in (data, artifacts)
        for above in kinds
        for name in root.folders(above)
    ]
    return [folder for folder in found if record.file in folder.files]


@pytest.mark.parametrize("record", FIXED)
def test_a_record_holds_all_that_the_last_release_wrote(stored: Stores, record: type[Fixed]) -> None:
    """Nothing is lost or renamed on the way, and only shares are converted: written again, the file says the same."""
    found = folders(stored, record)
    assert len(found) >= 2
    for folder in found:
        written = record.upgraded(folder.read_json(record.file))
        read = record.of(folder).model_dump(mode="json", exclude_unset=True, exclude={"settings", "figures"})
        assert read == written


def test_the_figures_of_a_run_are_typed(stored: Stores) -> None:
    """What its readers need of the settings and the summary, by name."""
    run = ForecastRun.of(stored.production(NAME))
    assert (run.succeeded, run.workspace, run.parent) == (True, NAME, None)
    assert (run.settings.metric, run.settings.horizon, run.settings.levels) == ("mase", 7, [80, 95])
    assert (run.settings.target.unit, run.settings.target.sums_over_time) == ("pieces", True)
    assert run.settings.covariates.varying == ["price"]
    assert run.figures.champion == pytest.approx(1.0336, abs=1e-4)
    assert run.figures.coverage["80"] == pytest.approx(0.8413, abs=1e-4)
    assert (run.figures.n_series, list(run.figures.leaderboard)) == (3, ["ensemble", "seasonal_naive"])
    assert run.figures.against_production.passed
    assert [stage.name for stage in run.stages] == ["load", "backtest", "evaluate", "fit"]


def test_the_other_records_are_typed(stored: Stores) -> None:
    """The data, the published forecasts, the newest monitoring and the pointers to them."""
    pointers, data, newest = stored.pointers(NAME), stored.current_data(NAME), stored.current_monitoring(NAME)
    assert (pointers.version, data.version, newest.version) == (10, 4, 3)
    assert (pointers.production.by, pointers.production.reason) == ("local", "the ensemble knows more")
    etl = stored.dataset(NAME).info
    assert (etl.frequency, etl.horizon, etl.counts["rows_in"], etl.synthetic) == ("D", 7, 336, False)
    assert etl.raw_version == data.raw_version
    served = ForecastSet.of(stored.published(NAME))
    assert (served.run_id, served.as_of) == (pointers.published.run_id, pointers.published.as_of)
    assert served.rivals["previous"].run_id == pointers.production.previous
    found = Monitoring.of(stored.monitoring(NAME))
    assert (found.status, found.counts["overall"].alert, found.key.data_version) == ("alert", 1, data.data_version)
    assert [past.status for past in found.history] == ["ok", "ok", "alert"]
    assert found.timeline[0].metrics["mase_baseline"] == pytest.approx(1.1532, abs=1e-4)


@pytest.mark.parametrize("record", [*FIXED, *POINTERS])
def test_what_a_later_version_adds_is_kept(stored: Stores, record: type[Record]) -> None:
    """A key that is not known is no error, and is still there when the record is written again."""
    values = {**example(stored, record), "added later": {"a": 1}}
    read = record.parse(json.dumps(values).encode(), "x.json")
    assert read.model_dump(mode="json")["added later"] == {"a": 1}


@pytest.mark.parametrize("record", [*FIXED, *POINTERS])
def test_a_field_of_another_type_is_told(stored: Stores, record: type[Record]) -> None:
    """The error names the file, the field, what was found and what to do; no field is guessed."""
    values = example(stored, record)
    for field in values:
        damaged = {**values, field: {"not": ["what", "it", "was"]}}
        if field in (
            "config",
            "summary",
            "counts",
            "libraries",
            "rivals",
            "inferred",
            "aliases",
            "published",
            "key",
            "bias_to",
            "data",
        ):
            damaged[field] = 5  # fmt: skip
        with pytest.raises(StoreError, match=rf"^shop/x\.json cannot be used \({field}.*: found .*\)\. \w+") as told:
            record.parse(json.dumps(damaged).encode(), "shop/x.json")
        assert isinstance(told.value, Untrusted) == issubclass(record, Fixed)


@pytest.mark.parametrize(
    ("record", "required"),
    [
        (Snapshot, ["sha256"]),
        (Etl, ["frequency", "horizon", "synthetic"]),
        (Run, ["status", "config"]),
        (ForecastSet, ["run_id", "as_of", "horizon"]),
        (Monitoring, ["workspace", "run_id", "data_version", "as_of", "status", "n_series", "counts"]),
        (Aliases, ["version"]),
    ],
)
def test_a_field_that_is_missing_is_named(stored: Stores, record: type[Record], required: list[str]) -> None:
    """Those that no reader can do without; the others may be missing, as in files of the first versions."""
    values = example(stored, record)
    for field in required:
        rest = {name: value for name, value in values.items() if name != field}
        with pytest.raises(StoreError, match=rf"cannot be used \({field} is missing\)"):
            record.parse(json.dumps(rest).encode(), "x.json")
    record.parse(json.dumps({name: values[name] for name in required}).encode(), "x.json")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_told(content: bytes) -> None:
    """In a few words."""
    with pytest.raises(Untrusted, match=r"x\.json cannot be used \(.+\)\. Use another run"):
        Run.parse(content, "x.json")


def example(stored: Stores, record: type[Record]) -> dict[str, Any]:
    """What the last release has written."""
    if issubclass(record, Fixed):
        return folders(stored, record)[-1].read_json(record.file)
    places = Places(NAME)
    found = {
        Aliases: (stored.artifacts, places.pointers),
        CurrentData: (stored.data, places.current_dataset),
        CurrentMonitoring: (stored.artifacts, places.current_monitoring),
    }
    root, place = found[record]
    content: dict[str, Any] = json.loads(Path(root.path(place)).read_bytes())
    return content
