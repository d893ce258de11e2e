"""What release 0.1.0 stored in percent is read as fractions, wherever a run or a monitoring is read, and nothing is guessed."""

from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pytest
from pandas.testing import assert_frame_equal

from pipelines.core.names import new_version
from pipelines.storage import units
from pipelines.storage.folders import Folder
from pipelines.storage.records import Run
from pipelines.storage.store import Store, Stores
from pipelines.tables import parquet

METRICS = pd.DataFrame(
    {
        "unique_id": ["a", "a", "a", "b", "b", "b"],
        "metric": ["mae", "wape", "coverage_80", "smape", "coverage_80", "mase"],
        "value": [3.0, 0.6, 80.0, 150.0, None, 0.9],
        "baseline": [4.0, 1.2, 75.0, 160.0, 100.0, None],
        "deviation": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    }
)
SERIES = pd.DataFrame(
    {
        "unique_id": ["a", "b"],
        "mae": [3.0, 4.0],
        "wape": [0.6, 12.5],
        "coverage_80": [0.4, None],
        "coverage_80_baseline": [81.0, 79.0],
        "coverage_status": ["ok", "warn"],
        "skill": [0.25, -0.5],
        "last_value": [50.0, 60.0],
    }
)


@pytest.fixture
def stores(tmp_path: Any) -> Stores:
    return Stores(Store(str(tmp_path / "data")), Store(str(tmp_path / "artifacts")))


def stored(stores: Stores, record: dict[str, Any]) -> Folder:
    """A run with such a record, read through the catalog."""
    draft = stores.artifacts.draft(stores.places("mine").run(new_version()))
    draft.write_json(units.RUN, record)
    draft.write_parquet("metrics.parquet", METRICS)
    draft.write_parquet("series.parquet", SERIES)
    return stores.run("mine", draft.publish().name)


OLD: dict[str, Any] = {
    "status": "success",
    "config": {},
    "summary": {
        "metric": "wape",
        "champion": 0.6,
        "baseline": 120.0,
        "skill": 0.995,
        "coverage": {"80": 0.801},
        "leaderboard": {"theta": {"mase": 0.9, "wape": 0.6, "smape": 63.0, "bias": None}},
        "against_production": {"passed": True, "reason": "no worse", "challenger": 0.6, "production": None},
    },
}


def test_a_record_of_0_1_0_is_read_as_fractions(stores: Stores) -> None:
    """Errors in percent are divided by 100, however small; its coverage and skill were fractions before."""
    summary = Run.of(stored(stores, OLD)).summary
    assert summary is not None
    assert (summary["champion"], summary["baseline"], summary["skill"]) == (0.006, 1.2, 0.995)
    assert summary["coverage"] == {"80": 0.801}
    assert summary["leaderboard"] == {"theta": {"mase": 0.9, "wape": 0.006, "smape": 0.63, "bias": None}}
    against = {"passed": True, "reason": "no worse", "challenger": 0.006, "production": None}
    assert summary["against_production"] == against


def test_a_record_that_names_its_unit_stays_as_it_is(stores: Stores) -> None:
    """However large or small its shares are."""
    folder = stored(stores, {**units.MARK, **OLD})
    assert Run.of(folder).summary == OLD["summary"]
    assert_frame_equal(folder.read_parquet("metrics.parquet"), METRICS)
    assert_frame_equal(folder.open_parquet("series.parquet").read().to_pandas(), SERIES)


@pytest.mark.parametrize("metric", ["mase", "mae"])
def test_errors_that_are_no_shares_stay_as_they_are(metric: str) -> None:
    """Champion and baseline are in percent only where the metric is a percentage."""
    summary = {**OLD["summary"], "metric": metric}
    changed = units.record({"summary": summary})["summary"]
    assert (changed["champion"], changed["baseline"]) == (0.6, 120.0)
    assert changed["against_production"] == summary["against_production"]


@pytest.mark.parametrize("damaged", [{}, {"summary": None}, {"summary": {"leaderboard": {}}}, {"timeline": "gone"}])
def test_a_record_of_another_shape_is_left_to_its_reader(damaged: dict[str, Any]) -> None:
    """The conversion raises nothing: who reads the record says what is wrong with it."""
    assert units.record(damaged) == {**damaged, **units.MARK}


def test_the_tables_of_0_1_0_are_read_as_fractions(stores: Stores) -> None:
    """Values of metrics that are shares and columns named after one are divided by 100, nothing else is."""
    folder = stored(stores, OLD)
    metrics = METRICS.assign(value=[3.0, 0.006, 0.8, 1.5, None, 0.9], baseline=[4.0, 0.012, 0.75, 1.6, 1.0, None])
    series = SERIES.assign(wape=[0.006, 0.125], coverage_80=[0.004, None], coverage_80_baseline=[0.81, 0.79])
    for dictionaries in ([], ["unique_id", "metric"]):
        file = folder.open_parquet("metrics.parquet", dictionaries)
        whole = file.read().to_pandas().astype({"unique_id": object, "metric": object})
        assert_frame_equal(whole, metrics)
    assert_frame_equal(folder.read_parquet("metrics.parquet"), metrics)
    assert_frame_equal(folder.read_parquet("series.parquet"), series)


def test_parts_of_a_table_of_0_1_0_are_read_as_fractions(stores: Stores) -> None:
    """Also where the column that names the metric was not asked for; the columns come in the order of the question."""
    file = stored(stores, OLD).open_parquet("metrics.parquet", ["unique_id", "metric"])
    rows = parquet.rows_of(file, ["b"], ["value"])
    assert (rows.column_names, rows["value"].to_pylist()) == (["unique_id", "value"], [1.5, None, 0.9])
    (piece,) = parquet.pieces(file, ["value", "unique_id"])
    assert piece.column_names == ["value", "unique_id"]
    assert pc.sum(piece["value"]).as_py() == pytest.approx(3.0 + 0.006 + 0.8 + 1.5 + 0.9)
    assert file.read(["deviation"]).column_names == ["deviation"]


def test_a_directory_that_holds_no_shares_is_read_as_it_is(stores: Stores) -> None:
    """A data version may have a column that is called as a metric is: it is the user's."""
    draft = stores.data.draft(stores.places("mine").dataset(new_version()))
    draft.write_parquet("series.parquet", SERIES)
    folder = stores.dataset_version("mine", draft.publish().name).folder
    assert_frame_equal(folder.read_parquet("series.parquet"), SERIES)
    assert_frame_equal(folder.open_parquet("series.parquet").read().to_pandas(), SERIES)
