from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from pipelines.forecasting.features import origin
from pipelines.forecasting.features.origin import AHEAD, AT_ORIGIN, OF_SERIES, Histories, Shape
from pipelines.forecasting.panel import Panel
from tests.support import factories


def known(panel: Panel) -> Histories:
    return origin.histories(panel, origin.encode(panel))


def one(values: list[float], seasons: tuple[int, ...] = (2,)) -> tuple[Histories, Shape]:
    days = pd.date_range("2024-01-01", periods=len(values))
    panel = Panel(pd.DataFrame({"unique_id": "a", "ds": days, "y": values}), "D", seasons)
    return known(panel), Shape.of(known(panel), seasons)


def at(table: Histories, shape: Shape, column: int, step: int) -> tuple[pd.Series, float, float]:
    found, level, spread = origin.features(table, shape, np.array([0]), np.array([column]), np.array([step]))
    return found.iloc[0], float(level[0]), float(spread[0])


def test_features_by_hand() -> None:
    """Ten values, a season of two, level and spread over the last four up to the origin."""
    table, shape = one([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    assert (shape.seasons, shape.window) == ((2,), 4)
    row, level, spread = at(table, shape, 7, 3)  # the origin is the 8, the step the eleventh value's place
    assert level == 6.5
    assert spread == pytest.approx(np.sqrt(1.25))
    raw = row * spread + level
    assert raw[["newest 0", "newest 1", "newest 3"]].tolist() == pytest.approx([8, 7, 5])
    assert raw[["season 2 0", "season 2 1", "season 2 2"]].tolist() == pytest.approx([7, 5, 3])  # odd places
    assert raw["season 2 mean"] == pytest.approx(np.mean([7, 5, 3, 1][: shape.phases[0]]))
    assert raw[["mean 2", "mean 4", "mean 4 before"]].tolist() == pytest.approx([7.5, 6.5, 2.5])
    assert row["step"] == 3


@settings(max_examples=30, deadline=None)
@given(st.integers(20, 55), st.integers(1, 9), st.floats(-1e6, 1e6))
def test_nothing_after_the_origin_is_seen(place: int, step: int, wrong: float) -> None:
    """Changing every later value changes no feature."""
    panel = factories.panel(future=("price", "event"))
    later = panel.history["ds"] > panel.history["ds"].min() + pd.Timedelta(days=place)
    poisoned = replace(panel, history=panel.history.assign(y=panel.history["y"].mask(later, wrong)))
    shape = Shape.of(known(panel), panel.season_lengths)
    rows = (np.arange(3), np.full(3, place), np.full(3, min(step, 59 - place)))
    before, after = (origin.features(known(one), shape, *rows) for one in (panel, poisoned))
    assert_frame_equal(before[0], after[0], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(before[1:], after[1:])


@pytest.mark.parametrize(("factor", "shift"), [(1000.0, 0.0), (1.0, 500.0), (0.01, -3.0)])
def test_size_and_level_of_a_series_change_no_feature(factor: float, shift: float) -> None:
    """So that one model can learn from all; only the spread in relation to the level tells."""
    panel = factories.panel()
    moved = replace(panel, history=panel.history.assign(y=panel.history["y"] * factor + shift))
    shape = Shape.of(known(panel), panel.season_lengths)
    rows = (np.arange(3), np.full(3, 40), np.full(3, 5))
    tables = [origin.features(known(one), shape, *rows)[0].drop(columns="relative spread") for one in (panel, moved)]
    assert_frame_equal(*tables, rtol=1e-6, atol=1e-6)


def test_a_missing_value_is_left_out_of_the_means() -> None:
    """And is missing where it would be a feature itself."""
    table, shape = one([1, 2, 3, 4, 5, 6, np.nan, 8, 9])
    row, level, _ = at(table, shape, 7, 1)
    assert level == pytest.approx(np.mean([5, 6, 8]))
    assert np.isnan(row["newest 1"])
    assert not np.isnan(row["newest 0"])


def test_a_series_that_never_changed_has_no_spread() -> None:
    """Its forecast is its level, whatever the model says."""
    table, shape = one([5.0] * 12)
    _, level, spread = at(table, shape, 10, 1)
    assert (level, spread) == (5, 0)


def test_where_the_recent_past_is_flat_the_whole_past_gives_the_spread() -> None:
    """A product that rests: what it used to vary by is still known."""
    table, shape = one([0, 4, 0, 4, 0, 4] + [0.0] * 20)
    _, level, spread = at(table, shape, 24, 1)
    assert level == 0
    assert spread > 0


def test_covariates_are_taken_at_the_step_and_past_ones_at_the_origin() -> None:
    """Text as its code; what was never seen is missing."""
    panel = factories.panel(n=20, ids=("a",), future=("price", "event"), ahead=3)
    codes = origin.encode(panel)
    assert codes == {"event": {"fair": 0}}
    past = replace(panel, history=panel.history.assign(visits=np.arange(20.0)), past=("visits",))
    assert past.known is not None
    ahead = past.known.assign(event=["fair", "unheard", None])
    table = origin.histories(past, codes, ahead)
    shape = Shape.of(table, (7,))
    found, _, _ = origin.features(table, shape, np.zeros(3, int), np.full(3, 19), np.arange(1, 4))
    assert found["ahead: price"].tolist() == ahead["price"].tolist()
    assert found["ahead: event"].fillna(-1).tolist() == [0, -1, -1]
    assert found["at origin: visits"].tolist() == [19, 19, 19]


def test_covariates_named_like_our_features_replace_none() -> None:
    """Each of our features stays as it is beside covariates of every kind with the names of all of them."""
    panel = factories.panel(n=120)
    shape = Shape.of(known(panel), panel.season_lengths)
    rows = (np.arange(3), np.full(3, 100), np.arange(1, 4))
    ours, _, _ = origin.features(known(panel), shape, *rows)
    names = [str(name) for name in ours] + [kind + str(name) for kind in (AHEAD, AT_ORIGIN, OF_SERIES) for name in ours]
    strange = pd.DataFrame(7.0, index=panel.history.index, columns=names)
    attributes = pd.DataFrame(7.0, index=range(3), columns=names)
    crowded = replace(
        panel,
        history=pd.concat([panel.history, strange], axis=1),
        future=tuple(names),
        past=tuple(names),
        static=attributes.assign(unique_id=panel.ids),
    )
    found, _, _ = origin.features(known(crowded), shape, *rows)
    assert_frame_equal(found[list(ours)], ours)
    theirs = found.drop(columns=list(ours))
    assert theirs.shape[1] == 3 * len(names)
    assert (theirs == 7).all(axis=None)
    assert [origin.covariate(str(name)) for name in theirs] == names * 3


def test_hours_are_those_of_the_time_zone() -> None:
    """New York's 9:00 is one place on the circle in summer and in winter; the hour that it has twice, twice."""
    ds = pd.date_range("2024-03-01", "2024-12-01", freq="h")
    panel = Panel(pd.DataFrame({"unique_id": "a", "ds": ds, "y": 1.0}), "h", timezone="America/New_York")
    shape = Shape.of(known(panel), (24,), panel.timezone)
    moments = ["2024-03-05 14:00", "2024-07-02 13:00", "2024-11-03 05:00", "2024-11-03 06:00", "2024-03-10 07:00"]
    at = ds.get_indexer(pd.DatetimeIndex(moments))
    found, _, _ = origin.features(known(panel), shape, np.zeros(5, int), at - 1, np.ones(5, int))
    hours = np.arctan2(found["time_of_day_sin"], found["time_of_day_cos"]) / (2 * np.pi) % 1 * 24
    assert hours.tolist() == pytest.approx([9, 9, 1, 1, 3])
    days = np.arctan2(found["day_of_week_sin"], found["day_of_week_cos"]) / (2 * np.pi) % 1 * 7
    assert days.tolist() == pytest.approx([1, 1, 6, 6, 6])


def test_series_of_different_lengths_and_ends_keep_their_dates() -> None:
    """All end in the last column; the grid says which day each column is."""
    history = factories.panel(n=9, ids=("a", "b")).history
    shorter = history[(history["unique_id"] == "b") | history["ds"].between("2024-01-03", "2024-01-06")]
    table = known(Panel(shorter.reset_index(drop=True), "D"))
    assert np.isnan(table.y[0]).sum() == 5
    assert table.grid[table.offset + 8].strftime("%d").tolist() == ["06", "09"]


def test_a_cycle_that_was_not_seen_twice_is_no_pattern() -> None:
    """Sixty days show weeks and, nearly, months; of years they say nothing."""
    table = known(factories.panel(n=60))
    assert Shape.of(table, (7,)).cycles == ("day_of_week",)


def test_an_attribute_of_names_is_not_learnt_from() -> None:
    """Of 200 series, a value that one has is a name; what every tenth has describes."""
    ids = tuple(f"{n:03}" for n in range(200))
    static = pd.DataFrame({"unique_id": ids, "item": ids, "store": [name[-1] for name in ids]})
    panel = replace(factories.panel(n=3, ids=ids), static=static)
    codes = origin.encode(panel)
    assert codes == {"item": {}, "store": {str(digit): digit for digit in range(10)}}
    assert set(origin.histories(panel, codes).static) == {"store"}
