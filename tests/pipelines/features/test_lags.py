import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

from pipelines.features.lags import lags


def history(**series: list[float]) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"unique_id": k, "ds": pd.date_range("2024-01-01", periods=len(v)), "y": v})
        for k, v in series.items()
    ]
    return pd.concat(parts, ignore_index=True).astype({"y": float})


def test_lags_by_hand() -> None:
    """Values one and two steps back; the first of a series has none, whatever the series before it ended with."""
    found = lags(history(a=[1, 2, 3], b=[10, 20, 30]), (1, 2), ())
    np.testing.assert_array_equal(found["lag_1"], [np.nan, 1, 2, np.nan, 10, 20])
    np.testing.assert_array_equal(found["lag_2"], [np.nan, np.nan, 1, np.nan, np.nan, 10])


def test_rolling_statistics_by_hand() -> None:
    """Over the two values before each: the value itself is never among them."""
    found = lags(history(a=[1, 5, 3, 7], b=[10, 20]), (), (2,))
    np.testing.assert_array_equal(found["roll_mean_2"], [np.nan, 1, 3, 4, np.nan, 10])
    np.testing.assert_array_equal(found["roll_min_2"], [np.nan, 1, 1, 3, np.nan, 10])
    np.testing.assert_array_equal(found["roll_max_2"], [np.nan, 1, 5, 5, np.nan, 10])
    np.testing.assert_allclose(found["roll_std_2"], [np.nan, np.nan, np.sqrt(8), np.sqrt(2), np.nan, np.nan])
    assert list(found.columns) == ["roll_mean_2", "roll_std_2", "roll_min_2", "roll_max_2"]


def test_gaps_count_as_steps_and_are_left_out_of_the_statistics() -> None:
    """A missing value is a step of the grid, and no value."""
    found = lags(history(a=[1, np.nan, 3, 4]), (1,), (2,))
    np.testing.assert_array_equal(found["lag_1"], [np.nan, 1, np.nan, 3])
    np.testing.assert_array_equal(found["roll_mean_2"], [np.nan, 1, 1, 3])


values = st.one_of(st.just(np.nan), st.integers(-1000, 1000).map(float))


@given(
    st.lists(st.lists(values, min_size=1, max_size=15), min_size=1, max_size=4), st.integers(1, 8), st.integers(2, 8)
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_each_series_by_itself_gives_the_same(series: list[list[float]], lag: int, window: int) -> None:
    """Against a plain shift and rolling over one series at a time."""
    frame = history(**{f"s{i}": y for i, y in enumerate(series)})
    found = lags(frame, (lag,), (window,))
    for _, rows in frame.groupby("unique_id"):
        before = rows["y"].shift(1).rolling(window, min_periods=1)
        alone = found.loc[rows.index]
        assert_series_equal(alone[f"lag_{lag}"], rows["y"].shift(lag), check_names=False)
        for statistic in ("mean", "std", "min", "max"):
            expected = before.agg(statistic)
            assert_series_equal(alone[f"roll_{statistic}_{window}"], expected, check_names=False, rtol=1e-9, atol=1e-6)


def test_the_index_and_the_input_stay() -> None:
    """The result has the index of the history, which is left as it was; an empty history gives empty columns."""
    frame = history(a=[1, 2, 3]).set_axis([4, 4, 9])
    before = frame.copy()
    assert list(lags(frame, (1,), (2,)).index) == [4, 4, 9]
    assert_frame_equal(frame, before)
    assert lags(frame.iloc[:0], (1,), (2,)).shape == (0, 5)
