"""Rows of some series out of large tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

from pipelines.core.errors import NotFound, StoreError, Untrusted
from pipelines.storage.folders import Folder
from pipelines.storage.layout import Place
from pipelines.storage.store import Store
from pipelines.tables import parquet

ROWS = pd.DataFrame(
    {
        "unique_id": np.repeat([f"s{n:02d}" for n in range(20)], 7),
        "ds": np.tile(pd.date_range("2024-01-01", periods=7), 20),
        "y": np.where(np.arange(140) % 11 == 0, np.nan, np.arange(140.0)),
        "model": np.where(np.arange(140) % 3 == 0, "a", None),
    }
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A table in row groups of ten rows, across the borders of its series."""
    monkeypatch.setattr("pipelines.storage.store._ROW_GROUP", 10)
    draft = Store(str(tmp_path)).draft(Place(("one",)))
    draft.write_parquet("rows.parquet", ROWS)
    draft.write_parquet("none.parquet", ROWS.head(0).astype({"unique_id": object}))
    return draft.publish()


@pytest.mark.parametrize("ids", [["s00"], ["s03", "s04"], ["s19", "s00"], ["nobody"], [], ["s07", "nobody"]])
def test_the_rows_of_series_are_all_theirs_and_in_order(folder: Folder, ids: list[str]) -> None:
    """However the table is cut into groups."""
    file = folder.open_parquet("rows.parquet", ["unique_id"])
    assert file.metadata.num_row_groups == 14
    found = parquet.rows_of(file, ids, ["ds", "y"]).to_pandas().astype({"unique_id": object})
    expected = ROWS.loc[ROWS["unique_id"].isin(ids), ["unique_id", "ds", "y"]].reset_index(drop=True)
    assert_frame_equal(found, expected, check_dtype=False)


def test_only_the_groups_that_may_hold_a_series_are_decoded(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of fourteen."""
    file = folder.open_parquet("rows.parquet", ["unique_id"])
    read, groups = type(file).read_row_group, []
    monkeypatch.setattr(type(file), "read_row_group", lambda self, at, **o: (groups.append(at), read(self, at, **o))[1])
    parquet.rows_of(file, ["s10"])
    assert groups == [7]
    parquet.rows_of(file, ["s01"])
    assert groups == [7, 0, 1]


def test_an_empty_table_has_no_rows_of_anyone(folder: Folder) -> None:
    """As the bridge of a first forecast set, whose columns have no type."""
    file = folder.open_parquet("none.parquet", ["unique_id"])
    assert parquet.rows_of(file, ["s00"], ["y"]).num_rows == 0


def test_codes_and_numbers_keep_nulls_apart(folder: Folder) -> None:
    """-1 and NaN, also in slices and in columns of several chunks."""
    table = folder.open_parquet("rows.parquet").read()
    codes, names = parquet.coded(table["model"].slice(4, 30))
    assert [None if code < 0 else names[code] for code in codes] == ROWS["model"].iloc[4:34].tolist()
    np.testing.assert_array_equal(parquet.numbers(table["y"].slice(3, 50)), ROWS["y"].iloc[3:53])
    assert parquet.numbers(pa.chunked_array([[1, None], [3]])).tolist()[::2] == [1.0, 3.0]
    assert parquet.coded(pa.chunked_array([pa.nulls(2)]))[0].tolist() == [-1, -1]
    assert parquet.numbers(pa.chunked_array([], pa.float64())).tolist() == []


def test_a_changed_table_is_not_opened(folder: Folder) -> None:
    """The whole file is compared with its manifest before a row is read."""
    path = Path(folder.where, "rows.parquet")
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(Untrusted, match="SHA-256 differs"):
        folder.open_parquet("rows.parquet")
    path.unlink()
    with pytest.raises(Untrusted, match="listed, but gone"):
        folder.open_parquet("rows.parquet")
    with pytest.raises(NotFound, match="has no other"):
        folder.open_parquet("other")


def test_a_table_that_cannot_be_read_is_told(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the remedy, as every file."""

    def failing(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pipelines.storage.disk.opened", failing)
    with pytest.raises(StoreError, match=r"could not be read\. Permission denied"):
        folder.open_parquet("rows.parquet")
