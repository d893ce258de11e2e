"""Long tables as matrices."""

from collections.abc import Callable
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.forecasting.read.grid import Grid

Open = Callable[[pd.DataFrame], pq.ParquetFile]
ROWS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 12), st.one_of(st.none(), st.floats(-1e3, 1e3))), max_size=40
)


@pytest.fixture(scope="session")
def open_rows(tmp_path_factory: pytest.TempPathFactory) -> Open:
    """Rows as a parquet file of several row groups, its names as a dictionary."""
    path = tmp_path_factory.mktemp("grid") / "rows.parquet"

    def opened(rows: pd.DataFrame) -> pq.ParquetFile:
        schema = pa.schema([("unique_id", pa.string()), ("ds", pa.timestamp("ns")), ("y", pa.float64())])
        pq.write_table(pa.Table.from_pandas(rows, schema, preserve_index=False), path, row_group_size=7)
        return pq.ParquetFile(path, read_dictionary=["unique_id"])

    return opened


def table(rows: list[tuple[str, int, float | None]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["unique_id", "day", "y"]).astype({"y": float})
    return frame.assign(ds=pd.Timestamp("2024-01-01") + pd.to_timedelta(frame["day"], unit="D"))[
        ["unique_id", "ds", "y"]
    ]


@given(ROWS)
def test_a_cell_is_the_sum_of_its_rows_and_null_without_a_value(open_rows: Open, rows: list) -> None:  # type: ignore[type-arg]
    """As pandas pivots the same rows, for the series that are asked for."""
    frame = table(rows)
    found = Grid.of(open_rows(frame), "y", {"a": 0, "c": 1}, cells=1000)
    wide = frame.pivot_table(index="unique_id", columns="ds", values="y", aggfunc="sum", dropna=False)
    wide = wide.reindex(index=["a", "c"], columns=sorted(frame["ds"].unique()))
    counted = frame.dropna().groupby(["unique_id", "ds"]).size().unstack().reindex_like(wide)
    assert found.ds == [stamp.to_pydatetime() for stamp in wide.columns]
    np.testing.assert_allclose(found.values, wide.where(counted > 0).to_numpy(dtype=float), rtol=1e-4, atol=1e-3)


def test_the_newest_steps_are_kept_where_all_are_too_many(open_rows: Open) -> None:
    """So many as fit, up to the end that is asked for."""
    file = open_rows(table([("a", day, float(day)) for day in range(10)] + [("b", 3, 1.0)]))
    found = Grid.of(file, "y", {"a": 0, "b": 1}, datetime(2024, 1, 8), cells=8)
    assert [stamp.day for stamp in found.ds] == [5, 6, 7, 8]
    assert found.values[0].tolist() == [4, 5, 6, 7]
    assert np.isnan(found.values[1]).all()


def test_steps_that_a_grid_has_not_are_null(open_rows: Open) -> None:
    """In any order, and where none is asked for."""
    grid = Grid.of(open_rows(table([("a", 0, 1.0), ("a", 1, 2.0)])), "y", {"a": 0}, cells=10)
    found = grid.at([datetime(2024, 1, 2), None, datetime(2030, 1, 1), datetime(2024, 1, 1)])
    np.testing.assert_array_equal(found, [[2, np.nan, np.nan, 1]])
