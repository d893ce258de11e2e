import datetime as dt
import decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pipelines.forecasting.etl import load, snapshot
from tests.support.factories import workspace


def test_the_same_rows_give_the_same_bytes() -> None:
    """Whatever their index; one changed cell gives others."""
    rows = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=3), "y": [1.0, np.nan, 3.0], "id": ["a", None, "b"]})
    content = snapshot.to_parquet(rows)
    assert snapshot.to_parquet(rows.copy()) == content
    assert snapshot.to_parquet(rows.set_axis([7, 8, 9])) == content
    assert snapshot.to_parquet(rows.assign(y=[1.0, np.nan, 3.1])) != content


def test_typed_rows_come_back() -> None:
    """Types, missing values and the order of rows and columns survive."""
    rows = pd.DataFrame(
        {
            "ds": pd.date_range("2024-01-01", periods=3, tz="Europe/London"),
            "y": [1.0, np.nan, 3.0],
            "n": pd.array([1, None, 3], dtype="Int64"),
            "id": ["a", None, "b"],
            "kind": pd.Categorical(["x", "y", "x"]),
            "open": [True, False, True],
        }
    )
    assert_frame_equal(snapshot.from_parquet(snapshot.to_parquet(rows)), rows)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([1, "a", None], ["1", "a", None]),
        ([1.5, "1,5", None], ["1.5", "1,5", None]),
        (["2024-01-01", dt.datetime(2024, 1, 2), None], ["2024-01-01", "2024-01-02 00:00:00", None]),
        ([2**70, 1, None], [str(2**70), "1", None]),
    ],
)
def test_a_column_that_mixes_types_is_kept_as_text(cells: list[Any], expected: list[Any]) -> None:
    """As workbooks have them; the frame itself is left as it was, and a missing cell stays missing."""
    rows = pd.DataFrame({"x": pd.Series(cells, dtype="object"), 0: [1, 2, 3]})
    before = rows.copy()
    found = snapshot.from_parquet(snapshot.to_parquet(rows))
    assert found["x"].astype("object").where(found["x"].notna(), None).tolist() == expected
    assert list(found.columns) == ["x", "0"]
    assert_frame_equal(rows, before)


def test_a_snapshot_loads_like_its_rows() -> None:
    """Decimals, dates and mixed cells are read from the stored rows as from the source's own."""
    rows = pd.DataFrame(
        {
            "date": [dt.date(2024, 1, 1), dt.date(2024, 1, 2), None],
            "y": [decimal.Decimal("1.50"), decimal.Decimal("2.25"), None],
            "shop": [1, "b", None],
        }
    )
    spec = workspace(source={"columns": {"keys": ["shop"]}})
    stored = load.load(snapshot.from_parquet(snapshot.to_parquet(rows)), spec)
    assert_frame_equal(stored.rows, load.load(rows, spec).rows)
    assert stored.rows["unique_id"].tolist() == ["1", "b"]
    assert stored.rejected["reason"].tolist() == ["missing key"]
