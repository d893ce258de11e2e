"""The calibration of a run: the same figures as a loop over the points gives, and a note only where it is due."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.forecasting.evaluation import calibration

CUTOFFS = [pd.Timestamp("2024-01-10"), pd.Timestamp("2024-01-20")]
NULL = float("nan")
numbers = st.one_of(st.just(NULL), st.integers(-3, 3).map(float))


@st.composite
def points(draw: st.DrawFn) -> pd.DataFrame:
    """Rows of three series, two folds and three steps, some without actual or bounds; levels 50 and 80 nested."""
    rows = []
    for name in ("a", "b", "c"):
        for cutoff in CUTOFFS:
            for step in range(1, draw(st.integers(0, 3)) + 1):
                centre, narrow, wide = draw(numbers), draw(numbers), draw(st.integers(0, 3))
                inner, outer = abs(narrow), abs(narrow) + wide
                bounds = (centre - inner, centre + inner, centre - outer, centre + outer)
                rows.append((name, cutoff, step, draw(numbers), *bounds))
    return pd.DataFrame(rows, columns=["unique_id", "cutoff", "step", "y", "lo_50", "hi_50", "lo_80", "hi_80"])


def scales(values: list[float]) -> pd.DataFrame:
    keys = [(name, cutoff) for name in ("a", "b", "c") for cutoff in CUTOFFS]
    return pd.DataFrame(keys, columns=["unique_id", "cutoff"]).assign(scale=values)


SEGMENTS = pd.DataFrame({"unique_id": ["a", "b", "c"], "demand_class": ["smooth", "lumpy", "smooth"]})


def by_loop(
    rows: pd.DataFrame, sizes: pd.DataFrame, level: int, belongs: dict[str, list[int]]
) -> dict[str, tuple[int, float, float]]:
    """n, coverage and MSIS of each group by plain arithmetic over the points at the given places."""
    size = {(row.unique_id, row.cutoff): row.scale for row in sizes.itertuples()}
    found = {}
    for group, places in belongs.items():
        inside, scores = [], []
        for place in places:
            row = rows.iloc[place]
            low, high, y = row[f"lo_{level}"], row[f"hi_{level}"], row["y"]
            if math.isnan(y) or math.isnan(low) or math.isnan(high):
                continue
            inside.append(low <= y <= high)
            scale = size[row["unique_id"], row["cutoff"]]
            if scale > 0:
                missed = max(low - y, y - high, 0)
                scores.append((high - low + 2 / (1 - level / 100) * missed) / scale)
        mean = [sum(values) / len(values) if values else NULL for values in (inside, scores)]
        found[group] = (len(inside), mean[0], mean[1])
    return found


@given(points(), st.lists(st.sampled_from([0.0, 0.5, 2.0, NULL]), min_size=6, max_size=6))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_figures_are_those_of_a_loop_over_the_points(rows: pd.DataFrame, sizes: list[float]) -> None:
    """For all points, each step and each segment: the number of points, their coverage as a fraction, and their MSIS."""
    shuffled = rows.sample(frac=1, random_state=1)
    found = calibration.measure(shuffled, scales(sizes), SEGMENTS, [80, 50], horizon=4)
    kind = dict(zip(SEGMENTS["unique_id"], SEGMENTS["demand_class"], strict=True))
    of = {
        "all": {"all": list(range(len(rows)))},
        "step": {str(s): [i for i, step in enumerate(rows["step"]) if step == s] for s in range(1, 5)},
        "demand_class": {
            name: [i for i, series in enumerate(rows["unique_id"]) if kind[series] == name]
            for name in sorted({kind[series] for series in rows.loc[rows["y"].notna(), "unique_id"]})
        },
    }
    assert list(found.columns) == ["level", "by", "group", "n", "n_effective", "coverage", "msis"]
    assert found["n_effective"].between(0, found["n"]).all()
    expected = [
        (level, by, group, *figures)
        for level in (50, 80)
        for by, belongs in of.items()
        for group, figures in by_loop(rows, scales(sizes), level, belongs).items()
    ]
    assert [tuple(row[:4]) for row in expected] == [tuple(row[:4]) for row in found.itertuples(index=False)]
    for column, place in (("coverage", 4), ("msis", 5)):
        np.testing.assert_allclose(found[column], [row[place] for row in expected], rtol=1e-12)


def test_every_step_is_listed_in_its_order() -> None:
    """Also those that no point reached, and the tenth after the ninth."""
    rows = pd.DataFrame({"unique_id": "a", "cutoff": CUTOFFS[0], "step": [2], "y": 1.0, "lo_80": 0.0, "hi_80": 2.0})
    found = calibration.measure(rows, scales([1.0] * 6), SEGMENTS, [80], horizon=11)
    steps = found[found["by"] == "step"]
    assert list(steps["group"]) == [str(step) for step in range(1, 12)]
    assert list(steps["n"]) == [0, 1] + [0] * 9
    assert steps["coverage"].notna().tolist() == [False, True] + [False] * 9


def test_a_level_without_intervals_is_null() -> None:
    """Its rows are there, with no point and no figure."""
    rows = pd.DataFrame({"unique_id": "a", "cutoff": CUTOFFS[0], "step": [1], "y": 1.0, "lo_95": NULL, "hi_95": NULL})
    found = calibration.measure(rows, scales([1.0] * 6), SEGMENTS, [95], horizon=1)
    assert set(found["n"]) == {0}
    assert found[["coverage", "msis"]].isna().all(axis=None)


def profile(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"unique_id": [f"s{i:02}" for i in range(60)], "demand_class": "smooth", **columns})


def test_segments_are_the_demand_class_and_the_attributes() -> None:
    """As text, numbers without needless decimals, and a word for a value that is missing."""
    table = profile(region=[None, "north"] * 30, size=[1.0, 2.5, NULL] * 20)
    found, left_out = calibration.segments(table, ["region", "size"])
    assert left_out == []
    assert list(found.columns) == ["unique_id", "demand_class", "region", "size"]
    assert list(found["region"].head(2)) == ["not known", "north"]
    assert list(found["size"].head(3)) == ["1", "2.5", "not known"]


def test_an_attribute_with_too_many_values_is_left_out_and_named() -> None:
    """An attribute that tells each series apart, or one whose name already stands for something else."""
    table = profile(name=[f"n{i}" for i in range(60)], step="x", region="north", fifty=[i % 50 for i in range(60)])
    found, left_out = calibration.segments(table, ["name", "step", "region", "fifty"])
    assert list(found.columns) == ["unique_id", "demand_class", "region", "fifty"]
    assert left_out == [
        "The calibration is not reported by name: it has 60 values, over 50.",
        "The calibration is not reported by step: its name has a meaning here.",
    ]


def test_a_series_of_no_segment_is_counted_as_such() -> None:
    """Nothing is dropped: a series that the profile lacks belongs to the group `not known`."""
    rows = pd.DataFrame(
        {"unique_id": ["a", "z"], "cutoff": CUTOFFS[0], "step": 1, "y": 1.0, "lo_80": 0.0, "hi_80": 2.0}
    )
    found = calibration.measure(rows, scales([1.0] * 6), SEGMENTS, [80], horizon=1)
    of_class = found[found["by"] == "demand_class"]
    assert dict(zip(of_class["group"], of_class["n"], strict=True)) == {"smooth": 1, "not known": 1}


def measured(*rows: tuple[int, str, str, int, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["level", "by", "group", "n", "coverage"])
    return table.assign(msis=1.0, n_effective=table["n"])


@pytest.mark.parametrize(
    ("level", "n", "coverage", "short"),
    [
        (80, 10_000, 0.751, False),  # within five points
        (80, 10_000, 0.75, False),  # five points are not over five
        (80, 10_000, 0.749, True),
        (80, 100, 0.681, False),  # three standard errors are 12 points
        (80, 100, 0.679, True),
        (95, 10_000, 0.899, True),
        (95, 100, 0.886, False),  # three standard errors are 6.5 points
        (95, 100, 0.884, True),
        (80, 10_000, 0.99, False),  # too wide is no shortfall
        (80, 0, NULL, False),
    ],
)
def test_what_counts_as_too_little(level: int, n: int, coverage: float, short: bool) -> None:
    """Over five points under the level, and by more than three binomial standard errors."""
    assert len(calibration.shortfalls(measured((level, "step", "1", n, coverage)))) == short


@pytest.mark.parametrize(("together", "worth"), [(True, 60), (False, 60 * 40)])
def test_series_that_err_together_are_worth_one(together: bool, worth: int) -> None:
    """Forty series that are hit or missed as one make one point a step and window; forty that know nothing of each other, forty."""
    rng = np.random.default_rng(7)
    hits = rng.random((1 if together else 40, 3, 20)) < 0.6
    series, window, step = (axis.ravel() for axis in np.indices((40, 3, 20)))
    rows = pd.DataFrame({"unique_id": [f"s{i:02}" for i in series], "step": step + 1, "lo_80": -1.0, "hi_80": 1.0})
    rows["cutoff"] = np.array(pd.date_range("2024-01-01", periods=3, freq="20D"))[window]
    rows["y"] = np.where(np.broadcast_to(hits, (40, 3, 20)).ravel(), 0.0, 5.0)
    scale = rows[["unique_id", "cutoff"]].drop_duplicates().assign(scale=1.0)
    found = calibration.measure(rows, scale, rows[["unique_id"]].drop_duplicates(), [80], horizon=20)
    whole, steps = found[found["by"] == "all"].iloc[0], found[found["by"] == "step"]
    assert whole["n_effective"] == pytest.approx(worth, rel=0.35)
    assert steps["n_effective"].sum() == pytest.approx(worth, rel=0.35)
    assert len(calibration.shortfalls(steps)) < 20 if together else len(calibration.shortfalls(steps)) > 0


def test_notes_name_the_worst_groups() -> None:
    """One sentence a level and kind of group, the worst first, at most five by name."""
    steps = [(80, "step", str(step), 10_000, 0.6 + step / 100) for step in range(1, 8)]
    found = calibration.notes(measured((80, "all", "all", 70_000, 0.64), *steps, (95, "step", "1", 10_000, 0.95)))
    assert found == [
        "The 80 % intervals cover over 5 points too little overall (64.0 %).",
        "The 80 % intervals cover over 5 points too little for step 1 (61.0 %), 2 (62.0 %), 3 (63.0 %), 4 (64.0 %), "
        "5 (65.0 %) and 2 more.",
    ]
    assert calibration.notes(measured((80, "step", "1", 10_000, 0.8))) == []


def test_the_curve_tells_the_same_as_all_for_a_ladder_of_levels() -> None:
    """Whatever levels are published: the share of the points within the bounds of each."""
    n = 400
    rows = pd.DataFrame({"unique_id": "a", "cutoff": pd.Timestamp("2024-01-01"), "step": 1, "y": np.linspace(-1, 1, n)})
    for level in calibration.LADDER:
        rows[f"lo_{level}"], rows[f"hi_{level}"] = -level / 100, level / 100
    scales = pd.DataFrame({"unique_id": ["a"], "cutoff": [pd.Timestamp("2024-01-01")], "scale": [1.0]})
    found = calibration.curve(rows, scales, 1)
    assert set(found["by"]) == {calibration.CURVE}
    assert found["level"].tolist() == list(calibration.LADDER)
    assert found["coverage"].tolist() == pytest.approx([level / 100 for level in calibration.LADDER], abs=0.006)
