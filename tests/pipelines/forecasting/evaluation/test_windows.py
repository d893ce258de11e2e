import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from pipelines.core.errors import DataError
from pipelines.forecasting.evaluation.windows import cutoffs, split, usable
from pipelines.forecasting.panel import Panel

START = pd.Timestamp("2024-01-01")


def panel_of(spans: dict[str, tuple[int, int]], known_days: int = 0) -> Panel:
    """A daily panel whose series run over their span of days, with a future and a past covariate."""
    days = {
        name: pd.date_range(START + pd.Timedelta(days=a), START + pd.Timedelta(days=b))
        for name, (a, b) in spans.items()
    }
    history = pd.concat([pd.DataFrame({"unique_id": name, "ds": ds}) for name, ds in days.items()], ignore_index=True)
    history["y"] = np.arange(len(history), dtype=float)
    history["price"] = history["ds"].dt.day.astype(float)
    history["visits"] = 1.0
    ahead = [
        pd.DataFrame({"unique_id": name, "ds": pd.date_range(ds[-1], periods=known_days + 1)[1:]})
        for name, ds in days.items()
    ]
    known = pd.concat(ahead, ignore_index=True)
    known["price"] = known["ds"].dt.day.astype(float)
    static = pd.DataFrame({"unique_id": list(spans), "store": "s"})
    return Panel(history, "D", (7,), ("price",), ("visits",), known if known_days else None, static)


def day(n: int) -> pd.Timestamp:
    return START + pd.Timedelta(days=n)


def test_the_newest_test_part_ends_at_the_last_timestamp() -> None:
    """Three windows of two days, three apart, after a gap of one day, counted back from day 20."""
    assert cutoffs(day(20), "D", horizon=2, windows=3, step=3, gap=1) == [day(11), day(14), day(17)]


@pytest.mark.parametrize(
    ("frequency", "last", "expected"),
    [
        ("MS", "2024-03-01", ["2023-11-01", "2023-12-01"]),
        ("ME", "2024-03-31", ["2023-11-30", "2023-12-31"]),
        ("W-SUN", "2024-01-28", ["2023-12-31", "2024-01-07"]),
        ("30min", "2024-01-01 02:00", ["2024-01-01 00:00", "2024-01-01 00:30"]),
        ("B", "2024-01-09", ["2024-01-03", "2024-01-04"]),
        ("2D", "2024-01-21", ["2024-01-13", "2024-01-15"]),
        ("QS", "2024-07-01", ["2023-07-01", "2023-10-01"]),
    ],
)
def test_cutoffs_lie_on_the_grid(frequency: str, last: str, expected: list[str]) -> None:
    """Three steps back, and one more for the earlier window, in steps of the calendar."""
    found = cutoffs(pd.Timestamp(last), frequency, horizon=3, windows=2, step=1, gap=0)
    assert found == [pd.Timestamp(stamp) for stamp in expected]


def test_the_test_part_starts_after_the_gap() -> None:
    """With a gap of two days the first tested day is the third after the cutoff; known covers the gap as well."""
    train, test = split(panel_of({"a": (0, 20)}), day(10), horizon=3, gap=2, strategy="expanding", size=None)
    assert train.history["ds"].max() == day(10)
    assert list(test["ds"]) == [day(13), day(14), day(15)]
    assert list(test["y"]) == [13.0, 14.0, 15.0]
    assert train.known is not None
    assert list(train.known["ds"]) == [day(n) for n in range(11, 16)]
    assert list(train.known.columns) == ["unique_id", "ds", "price"]


def test_known_continues_with_what_the_source_gave() -> None:
    """Where the history ends inside the test part, the covariates come from the panel's known rows, once a step."""
    train, test = split(panel_of({"a": (0, 12)}, known_days=10), day(10), 5, 0, "expanding", None)
    assert train.known is not None
    assert list(train.known["ds"]) == [day(n) for n in range(11, 16)]
    assert list(train.known["price"]) == [float(day(n).day) for n in range(11, 16)]
    assert list(test["ds"]) == [day(11), day(12)]


def test_without_future_covariates_nothing_is_known() -> None:
    """A panel without future covariates has no `known` after the split, so no model can lean on it."""
    panel = panel_of({"a": (0, 20)})
    bare = Panel(panel.history[["unique_id", "ds", "y"]], "D", (7,))
    assert split(bare, day(10), 3, 0, "expanding", None)[0].known is None


def test_ragged_series() -> None:
    """A series that ends early has fewer test rows or none; one that starts later is in neither part."""
    panel = panel_of({"early": (0, 11), "gone": (0, 5), "late": (11, 20), "whole": (0, 20)}, known_days=5)
    train, test = split(panel, day(10), 3, 0, "expanding", None)
    assert train.ids == ["early", "gone", "whole"]
    assert test.groupby("unique_id").size().to_dict() == {"early": 1, "whole": 3}
    assert train.known is not None
    assert "late" not in set(train.known["unique_id"])
    assert train.static is not None
    assert list(train.static["unique_id"]) == ["early", "gone", "whole"]


def test_a_series_without_an_observation_before_the_cutoff_is_left_out() -> None:
    """Rows with a null target alone give a model nothing to learn from."""
    panel = panel_of({"a": (0, 20), "b": (0, 20)})
    history = panel.history.assign(
        y=panel.history["y"].mask((panel.history["unique_id"] == "b") & (panel.history["ds"] <= day(10)))
    )
    train, test = split(Panel(history, "D"), day(10), 3, 0, "expanding", None)
    assert train.ids == ["a"]
    assert set(test["unique_id"]) == {"a"}


def test_test_rows_without_an_actual_are_dropped() -> None:
    """A gap in the actuals is nothing to be measured on."""
    panel = panel_of({"a": (0, 20)})
    history = panel.history.assign(y=panel.history["y"].mask(panel.history["ds"] == day(12)))
    assert list(split(Panel(history, "D"), day(10), 3, 0, "expanding", None)[1]["ds"]) == [day(11), day(13)]


def test_a_sliding_window_keeps_its_size() -> None:
    """The last five steps up to the cutoff; a series that ended before them is in neither part."""
    train, _ = split(panel_of({"a": (0, 20), "gone": (0, 5)}), day(10), 3, 0, "sliding", 5)
    assert list(train.history["ds"]) == [day(n) for n in range(6, 11)]
    assert train.ids == ["a"]


def test_a_sliding_window_without_size_is_a_mistake_of_the_caller() -> None:
    """The size cannot be guessed here."""
    with pytest.raises(ValueError, match="size"):
        split(panel_of({"a": (0, 20)}), day(10), 3, 0, "sliding", None)


def test_windows_that_see_too_little_are_dropped() -> None:
    """Of five windows on twelve days, those before the second observation are not used."""
    assert usable(panel_of({"a": (0, 11)}), horizon=4, windows=5, step=2, gap=0) == [day(1), day(3), day(5), day(7)]


def test_windows_are_counted_from_the_newest_observation() -> None:
    """Trailing rows without an actual, kept for their covariates, do not empty the newest test part."""
    panel = panel_of({"a": (0, 20)})
    history = panel.history.assign(y=panel.history["y"].mask(panel.history["ds"] > day(15)))
    assert usable(Panel(history, "D"), horizon=5, windows=1, step=5, gap=0) == [day(10)]


def test_a_horizon_longer_than_the_history_says_what_would_fit() -> None:
    """The remedy is the largest horizon, and that horizon does work."""
    panel = panel_of({"a": (0, 19)})
    with pytest.raises(
        DataError, match=r"horizon of 28 steps plus the gap of 2 .* 20 steps.* at most 16, a smaller gap"
    ):
        usable(panel, horizon=28, windows=3, step=28, gap=2)
    assert usable(panel, horizon=16, windows=3, step=16, gap=2) == [day(1)]
    with pytest.raises(DataError, match="at most 16"):
        usable(panel, horizon=17, windows=3, step=17, gap=2)


@pytest.mark.parametrize("observed", [0, 1])
def test_a_panel_without_two_observations_cannot_be_backtested(observed: int) -> None:
    """The message names what the longest series has."""
    panel = panel_of({"a": (0, 9)})
    history = panel.history.assign(y=panel.history["y"].where(panel.history.index < observed))
    with pytest.raises(DataError, match=f"at least 2 observations; the longest of 1 series has {observed}"):
        usable(Panel(history, "D"), 1, 1, 1, 0)


@given(
    st.integers(1, 10),
    st.integers(1, 4),
    st.integers(1, 10),
    st.integers(0, 5),
    st.integers(1, 20),
    st.sampled_from(["expanding", "sliding"]),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_training_never_meets_its_test(
    horizon: int, windows: int, step: int, gap: int, size: int, strategy: str
) -> None:
    """Training ends at the cutoff, the test starts gap + 1 steps later, and what lies between is in neither."""
    panel = panel_of({"a": (0, 59), "b": (20, 50)}, known_days=3)
    found = usable(panel, horizon, windows, step, gap)
    assert found == sorted(found)
    assert found[-1] + pd.Timedelta(days=gap + horizon) == day(59)
    for cutoff in found:
        train, test = split(panel, cutoff, horizon, gap, strategy, size)  # type: ignore[arg-type]
        assert train.history["ds"].max() <= cutoff
        assert test["ds"].min() == cutoff + pd.Timedelta(days=gap + 1)
        assert test["ds"].max() <= cutoff + pd.Timedelta(days=gap + horizon)
        assert test.groupby("unique_id").size().max() <= horizon
        assert set(test["unique_id"]) <= set(train.ids)
        assert train.known is not None
        assert train.known["ds"].min() > cutoff
        assert not train.known.duplicated(["unique_id", "ds"]).any()
        if strategy == "sliding":
            assert train.history.groupby("unique_id").size().max() <= size


@given(st.integers(1, 8), st.integers(0, 3))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_what_comes_later_changes_nothing_in_the_training_part(horizon: int, gap: int) -> None:
    """Poisoned targets and past covariates after the cutoff reach neither the history nor what is known."""
    panel = panel_of({"a": (0, 40), "b": (5, 30)}, known_days=5)
    later = panel.history["ds"] > day(20)
    poisoned = panel.history.assign(**{name: panel.history[name].mask(later, 1e9) for name in ("y", "visits")})
    clean, _ = split(panel, day(20), horizon, gap, "expanding", None)
    dirty, _ = split(
        Panel(poisoned, "D", (7,), ("price",), ("visits",), panel.known, panel.static),
        day(20),
        horizon,
        gap,
        "expanding",
        None,
    )
    assert_frame_equal(clean.history, dirty.history)
    assert clean.known is not None
    assert dirty.known is not None
    assert_frame_equal(clean.known, dirty.known)


def test_the_panel_is_left_as_it_was() -> None:
    """Splitting changes nothing in place."""
    panel = panel_of({"a": (0, 20), "b": (3, 12)}, known_days=4)
    before = panel.history.copy()
    split(panel, day(10), 3, 1, "sliding", 4)
    usable(panel, 3, 2, 3, 1)
    assert_frame_equal(panel.history, before)
