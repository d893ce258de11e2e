from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import DataError
from pipelines.forecasting import frequency
from pipelines.forecasting.etl import clean, load
from pipelines.forecasting.etl.clean import Cleaned
from pipelines.forecasting.settings import Aggregate, GapPolicy
from tests.support.factories import workspace

LATER = pd.Timestamp("2030-01-01")
NAN = float("nan")


def series(
    y: list[Any], start: str = "2024-01-01", freq: str = "D", name: str = "a", skip: tuple[int, ...] = (), **more: Any
) -> pd.DataFrame:
    """One series on a grid, without the steps `skip`."""
    ds = pd.date_range(start, periods=len(y), freq=freq)
    return pd.DataFrame({"ds": ds, "y": y, "unique_id": name, **more}).drop(index=list(skip))


def run(*parts: pd.DataFrame, frequency: str = "D", as_of: pd.Timestamp = LATER, **settings: Any) -> Cleaned:
    rows = pd.concat(parts, ignore_index=True)
    spec = workspace(frequency, {"columns": {"ds": "ds", "y": "y", "keys": ["unique_id"]}}, **settings)
    cleaned = clean.clean(load.load(rows, spec), spec, as_of)
    balanced(cleaned)
    return cleaned


def balanced(cleaned: Cleaned) -> None:
    counts, observations = cleaned.counts, cleaned.observations
    assert counts["rows_in"] == counts["rows_kept"] + counts["rows_merged"] + counts["rows_rejected"]
    assert len(observations) == counts["rows_kept"] + counts["rows_filled"]
    assert observations.equals(observations.drop_duplicates(["unique_id", "ds"]).sort_values(["unique_id", "ds"]))


def targets(cleaned: Cleaned, name: str = "a") -> list[float]:
    """The target of a series, -1 where it is missing."""
    rows = cleaned.observations
    return rows.loc[rows["unique_id"] == name, "y"].fillna(-1).tolist()


def span(cleaned: Cleaned, name: str = "a") -> tuple[str, str]:
    found = cleaned.spans.set_index("unique_id").loc[name]
    return f"{found['first_ds']:%m-%d}", f"{found['last_ds']:%m-%d}"


# Balance


ODD_DATES, ODD_TARGETS = st.sampled_from(["x", None]), st.sampled_from(["x", None, "inf", "-5"])


@st.composite
def messy(draw: st.DrawFn, alias: str) -> pd.DataFrame:
    """A panel with gaps, duplicates, stamps off the grid, unreadable cells, zeros and series without any target."""
    grid = pd.date_range("2024-01-01", periods=16, freq=frequency.parse(alias))
    off = st.sampled_from([0, 0, 0, 7, 61, 1500])
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["a", "b", "c", None]),
                st.one_of(st.integers(0, len(grid) - 1), st.integers(0, len(grid) - 1), ODD_DATES),
                off,
                st.one_of(st.integers(0, 4).map(str), st.integers(0, 4).map(str), ODD_TARGETS),
                st.sampled_from(["1", "2", None]),
            ),
            max_size=30,
        )
    )
    sure = [("a", 0, 0, "1", "1"), ("a", 9, 0, "2", None)]
    stamps = [
        str(grid[at] + pd.Timedelta(minutes=late)) if isinstance(at, int) else at for _, at, late, _, _ in rows + sure
    ]
    table = pd.DataFrame(rows + sure, columns=["unique_id", "ds", "late", "y", "price"])
    return table.assign(ds=stamps).drop(columns="late")


@given(
    data=st.data(),
    alias=st.sampled_from(["D", "h", "30min", "5h", "W-SUN", "MS", "ME", "QS", "B", "2D", "2W", "BME"]),
    aggregate=st.sampled_from(get_args(Aggregate)),
    gaps=st.sampled_from(get_args(GapPolicy)),
    edges=st.sampled_from(get_args(GapPolicy)),
    non_negative=st.booleans(),
    as_of=st.sampled_from([pd.Timestamp("2024-01-12 07:00"), LATER]),
)
@settings(max_examples=80, deadline=None, derandomize=True)
def test_nothing_is_ever_lost(
    data: st.DataObject, alias: str, aggregate: str, gaps: str, edges: str, non_negative: bool, as_of: pd.Timestamp
) -> None:
    """Rows in = kept + merged + rejected; observations = kept + filled, one a step of the grid, spans within."""
    cleaned = run(
        data.draw(messy(alias)),
        frequency=alias,
        as_of=as_of,
        target={"aggregate": aggregate, "non_negative": non_negative},
        covariates={"future": ["price"]},
        missing={"gaps": gaps, "edges": edges},
        timezone="Europe/London",
    )
    observations = cleaned.observations
    grid = pd.date_range(observations["ds"].min(), observations["ds"].max(), freq=frequency.parse(alias))
    for name, rows in observations.groupby("unique_id"):
        assert list(rows["ds"]) == list(grid[(grid >= rows["ds"].min()) & (grid <= rows["ds"].max())])
        for bounds in cleaned.spans[cleaned.spans["unique_id"] == name].itertuples():
            ends = rows[rows["ds"].isin([bounds.first_ds, bounds.last_ds])]
            assert ends["y"].notna().all()
            assert len(ends) == (1 if bounds.first_ds == bounds.last_ds else 2)
            assert bounds.first_ds <= bounds.last_ds


def test_loaded_rows_are_left_as_they_were() -> None:
    """Cleaning changes nothing in place."""
    spec = workspace(missing={"gaps": "zero", "edges": "zero"})
    loaded = load.load(pd.concat([series([1, 2, 3], skip=(1,)), series([1, 1])]), spec)
    before = loaded.rows.copy()
    clean.clean(loaded, spec, LATER)
    pd.testing.assert_frame_equal(loaded.rows, before)


# Duplicates


@pytest.mark.parametrize(
    ("how", "expected"),
    [("sum", 9.0), ("mean", 3.0), ("median", 2.0), ("min", 1.0), ("max", 6.0), ("first", 2.0), ("last", 1.0)],
)
def test_duplicates_are_merged_by_the_aggregate(how: str, expected: float) -> None:
    """The rows 2, 6, none, 1 of one day become one; the covariate keeps its last value; all are counted."""
    day = pd.DataFrame({"ds": ["2024-01-01"] * 4, "y": [2, 6, None, 1], "unique_id": "a", "price": [1, 2, 3, None]})
    cleaned = run(
        day, series([5, 5, 5], "2024-01-02", price=4), target={"aggregate": how}, covariates={"past": ["price"]}
    )
    assert targets(cleaned) == [expected, 5, 5, 5]
    assert cleaned.observations["price"].tolist() == [3, 4, 4, 4]
    assert (cleaned.counts["rows_merged"], cleaned.counts["duplicate_keys"]) == (3, 3)


@pytest.mark.parametrize("how", get_args(Aggregate))
def test_nothing_but_missing_values_merges_to_a_missing_one(how: str) -> None:
    """A sum over no observation is no zero."""
    cleaned = run(series([NAN, 1, 1]), series([NAN]), target={"aggregate": how})
    assert targets(cleaned) == [-1, 1, 1]


def test_all_rows_may_be_duplicates() -> None:
    """With text covariates and attributes, and nothing left beside them."""
    part = series([1, 2, 3], kind="x", region=None)
    cleaned = run(part, part, covariates={"past": ["kind"], "static": ["region"]})
    assert targets(cleaned) == [2, 4, 6]
    assert cleaned.observations["kind"].tolist() == ["x"] * 3


# Gaps and edges


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("leave", [1, -1, -1, 4]), ("zero", [1, 0, 0, 4]), ("previous", [1, 1, 1, 4]), ("interpolate", [1, 2, 3, 4])],
)
def test_gaps_are_filled_by_policy(policy: str, expected: list[float]) -> None:
    """A missing row and a row without target are gaps alike; only rows are counted as filled."""
    cleaned = run(series([1, None, 3, 4], skip=(2,)), missing={"gaps": policy})
    assert targets(cleaned) == expected
    assert cleaned.counts["rows_filled"] == 1


@pytest.mark.parametrize(
    ("policy", "expected", "first", "last"),
    [
        ("leave", [5, 6], "01-03", "01-04"),
        ("zero", [0, 0, 5, 6, 0, 0], "01-03", "01-06"),
        ("previous", [-1, -1, 5, 6, 6, 6], "01-03", "01-06"),
        ("interpolate", [5, 5, 5, 6, 6, 6], "01-01", "01-06"),
    ],
)
def test_edges_are_filled_by_policy(policy: str, expected: list[float], first: str, last: str) -> None:
    """Between a series and the panel's ends; zeros before the first value are no history."""
    cleaned = run(series([1] * 6, name="b"), series([5, 6], "2024-01-03"), missing={"edges": policy})
    assert targets(cleaned) == expected
    assert span(cleaned) == (first, last)
    assert span(cleaned, "b") == ("01-01", "01-06")


def test_gaps_and_edges_do_not_mix() -> None:
    """Each place has its own policy, also in a series with rows but no target at its ends."""
    cleaned = run(
        series([1] * 6, name="b"),
        series([None, 2, None, 4, None, None]),
        missing={"gaps": "interpolate", "edges": "zero"},
    )
    assert targets(cleaned) == [0, 2, 3, 4, 0, 0]


def test_a_series_without_any_target_is_kept_empty() -> None:
    """Nothing is known of it, so no policy makes a history of zeros."""
    cleaned = run(series([1] * 4), series([None, None], name="b"), missing={"gaps": "zero", "edges": "zero"})
    assert targets(cleaned, "b") == [-1, -1]
    assert "b" not in set(cleaned.spans["unique_id"])


def test_rows_of_the_future_stay_without_target() -> None:
    """Rows with covariates and an empty target carry plans; edges are not filled there."""
    plans = series([1, 2, 3, None, None], price=[1, 2, 3, 4, 5])
    cleaned = run(plans, covariates={"future": ["price"]}, missing={"gaps": "zero", "edges": "zero"})
    assert targets(cleaned) == [1, 2, 3, -1, -1]
    assert cleaned.observations["price"].tolist() == [1, 2, 3, 4, 5]
    assert span(cleaned) == ("01-01", "01-03")


@pytest.mark.parametrize("alias", ["MS", "ME", "QS-FEB", "B", "W-WED", "2W-SUN", "YE", "2D"])
def test_gaps_of_calendar_frequencies_are_steps(alias: str) -> None:
    """Between two months lies one row, not thirty."""
    cleaned = run(series([1, 2, 3, 4, 5, 6], freq=alias, skip=(1, 4)), frequency=alias, missing={"gaps": "interpolate"})
    assert targets(cleaned) == [1, 2, 3, 4, 5, 6]
    assert cleaned.counts["rows_moved_onto_grid"] == 0


# Onto the grid


@pytest.mark.parametrize(
    ("alias", "stamps", "labels"),
    [
        ("D", ["2024-01-01 08:10", "2024-01-02 23:59"], ["2024-01-01", "2024-01-02"]),
        (
            "h",
            ["2024-01-01 00:00", "2024-01-01 01:20", "2024-01-01 02:00"],
            ["2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 02:00"],
        ),
        (
            "30min",
            ["2024-01-01 00:00", "2024-01-01 00:31", "2024-01-01 01:00"],
            ["2024-01-01 00:00", "2024-01-01 00:30", "2024-01-01 01:00"],
        ),
        ("W-SUN", ["2024-01-01", "2024-01-10"], ["2024-01-07", "2024-01-14"]),
        ("MS", ["2024-01-03", "2024-02-29 12:00"], ["2024-01-01", "2024-02-01"]),
        ("ME", ["2024-01-03", "2024-02-29 12:00"], ["2024-01-31", "2024-02-29"]),
        ("QS", ["2024-02-03", "2024-05-31"], ["2024-01-01", "2024-04-01"]),
        ("B", ["2024-01-05", "2024-01-06", "2024-01-08"], ["2024-01-05", "2024-01-08"]),
        ("2D", ["2024-01-02", "2024-01-05", "2024-01-06"], ["2024-01-02", "2024-01-04", "2024-01-06"]),
        ("2W-SUN", ["2024-01-05", "2024-01-08", "2024-01-22"], ["2024-01-07", "2024-01-21", "2024-02-04"]),
    ],
)
def test_irregular_stamps_move_onto_the_grid(alias: str, stamps: list[str], labels: list[str]) -> None:
    """Each lies in the period that pandas.resample puts it in; moved rows are counted."""
    rows = pd.DataFrame({"ds": pd.to_datetime(stamps, format="mixed"), "y": 1.0, "unique_id": "a"})
    cleaned = run(rows, frequency=alias)
    assert cleaned.observations["ds"].tolist() == pd.to_datetime(labels, format="mixed").tolist()
    moved = sum(pd.Timestamp(stamp) not in pd.DatetimeIndex(labels) for stamp in stamps)
    assert cleaned.counts["rows_moved_onto_grid"] == moved


@pytest.mark.parametrize(
    ("alias", "start", "timezone"),
    [
        ("h", "2024-01-01", "Asia/Kolkata"),
        ("h", "2024-01-01 00:05", "UTC"),
        ("5h", "2024-01-01", "UTC"),
        ("2D", "2024-01-01", "UTC"),
        ("2D", "2024-01-02", "UTC"),
        ("7D", "2024-01-03", "UTC"),
    ],
)
def test_stamps_on_a_grid_of_their_own_do_not_move(alias: str, start: str, timezone: str) -> None:
    """Whole hours in India are half hours of UTC; every second day may be an odd or an even one."""
    cleaned = run(series([1] * 9, start, alias), frequency=alias, timezone=timezone)
    assert cleaned.counts["rows_moved_onto_grid"] == 0
    assert len(cleaned.observations) == 9


def test_finer_data_are_aggregated() -> None:
    """24 hours become a day by the workspace's aggregate."""
    hours = series([1] * 72, freq="h")
    assert targets(run(hours)) == [24, 24, 24]
    assert targets(run(hours, target={"aggregate": "mean"})) == [1, 1, 1]
    assert run(hours).counts["rows_merged"] == 69


# The last period


def test_input_that_breaks_off_is_flagged_and_left_out() -> None:
    """Thirteen hours are no day: the row stays, but no model may learn from it."""
    cleaned = run(series([1] * (24 * 6 + 13), freq="h"))
    assert cleaned.notes["incomplete_period"] == "2024-01-07 00:00"
    assert cleaned.counts["incomplete_rows"] == 1
    assert targets(cleaned)[-1] == 13
    assert span(cleaned) == ("01-01", "01-06")


@pytest.mark.parametrize(
    ("rows", "alias"),
    [
        (series([1] * 60, "2024-01-01", "D"), "MS"),  # ends with February 29
        (series([1] * 455, "2021-12-01", "D"), "ME"),  # ends with February 28
        (series([1] * (24 * 7), freq="h"), "D"),
        (series([1] * 20, freq="D"), "D"),
        (series([1] * 30, freq="B"), "W-SUN"),
        (series([1] * (24 * 6), freq="h", skip=(130,)), "D"),
    ],
)
def test_a_period_that_reaches_its_end_is_complete(rows: pd.DataFrame, alias: str) -> None:
    """February is short and an hour may be missing in between, but the input goes on to the period's end."""
    assert "incomplete_period" not in run(rows, frequency=alias).notes


@pytest.mark.parametrize(
    ("alias", "start", "n", "as_of", "timezone", "incomplete"),
    [
        ("D", "2024-01-01", 10, "2024-01-10 12:00", "UTC", "2024-01-10"),
        ("D", "2024-01-01", 10, "2024-01-11 00:00", "UTC", None),
        ("D", "2024-01-01", 10, "2024-01-11 03:00", "America/New_York", "2024-01-10"),
        ("D", "2024-01-01", 10, "2024-01-09 23:00", "Australia/Sydney", "2024-01-10"),
        ("D", "2024-01-01", 10, "2024-01-10 15:00", "Australia/Sydney", None),
        ("h", "2024-01-01", 10, "2024-01-01 09:59", "UTC", "2024-01-01 09:00"),
        ("h", "2024-01-01", 10, "2024-01-01 09:59", "Australia/Sydney", None),
        ("W-SUN", "2024-01-07", 5, "2024-01-31 12:00", "UTC", "2024-02-04"),
        ("ME", "2024-01-31", 5, "2024-05-02", "UTC", "2024-05-31"),
        ("MS", "2024-01-01", 5, "2024-05-31 23:00", "UTC", "2024-05-01"),
        ("MS", "2024-01-01", 5, "2024-06-01", "UTC", None),
        ("D", "2024-01-01", 10, "2023-06-01", "UTC", None),
    ],
)
def test_a_period_that_is_not_over_is_incomplete(
    alias: str, start: str, n: int, as_of: str, timezone: str, incomplete: str | None
) -> None:
    """Judged by the local calendar for days and longer; data wholly of the future are taken as they are."""
    cleaned = run(series([1] * n, start, alias), frequency=alias, as_of=pd.Timestamp(as_of), timezone=timezone)
    found = cleaned.notes.get("incomplete_period")
    assert found == (f"{pd.Timestamp(incomplete):%Y-%m-%d %H:%M}" if incomplete else None)
    if incomplete:
        assert cleaned.spans["last_ds"].max() < pd.Timestamp(incomplete)


# Spans


def test_leading_zeros_are_not_launched() -> None:
    """Only where the target cannot be negative; the rows stay. Zeros within stay in the span."""
    rows = series([0, 0, 3, 0, 2, 0])
    cleaned = run(rows, target={"non_negative": True})
    assert span(cleaned) == ("01-03", "01-06")
    assert cleaned.spans["leading_zeros"].tolist() == [2]
    assert len(cleaned.observations) == 6
    assert span(run(rows)) == ("01-01", "01-06")


def test_a_series_of_zeros_keeps_its_span() -> None:
    """It never launched, but there is nothing else to learn from."""
    cleaned = run(series([0, 0, 0]), target={"non_negative": True})
    assert span(cleaned) == ("01-01", "01-03")
    assert cleaned.spans["leading_zeros"].tolist() == [0]


@pytest.mark.parametrize("policy", ["zero", "previous", "interpolate"])
def test_filled_edges_do_not_launch_a_series(policy: str) -> None:
    """The span of a series with leading zeros begins with its first sale, whatever fills the edges."""
    cleaned = run(
        series([1] * 6, name="b"),
        series([0, 3], "2024-01-03"),
        target={"non_negative": True},
        missing={"edges": policy},
    )
    assert span(cleaned) == ("01-04", "01-06")


# Frequency


def test_auto_infers_and_tells() -> None:
    """A full grid exactly, one with holes from its most common step."""
    assert run(series([1] * 5, freq="MS"), frequency="auto").frequency == "MS"
    holes = run(series([1] * 20, freq="h", skip=(4, 9)), frequency="auto")
    assert (holes.frequency, holes.notes["frequency"]) == ("h", "inferred from the most common step")


@pytest.mark.parametrize("wide", ["W-MON", "MS", "QS"])
def test_mixed_frequencies_are_refused_and_named(wide: str) -> None:
    """One series of months among days, or the other way round: the message names it and its step."""
    days = [series([1] * 60, name=name) for name in "ab"]
    with pytest.raises(
        DataError, match=r"mixed frequencies: most series step every 1 days.*\(late every .* days.*Set frequency"
    ):
        run(*days, series([1] * 12, freq=wide, name="late"), frequency="auto")
    weeks = [series([1] * 60, freq="W", name=name) for name in "ab"]
    with pytest.raises(DataError, match=r"most series step every 7 days.*\(fine every 1 days"):
        run(*weeks, series([1] * 12, name="fine"), frequency="auto")


def test_a_sparse_series_is_not_of_another_frequency() -> None:
    """Sales on a few odd days are no weekly series, nor are too few steps."""
    sparse = series([1] * 60, name="b").iloc[[0, 3, 4, 19, 26, 30, 41, 42, 59]]
    few = series([1] * 4, freq="W", name="c")
    assert run(series([1] * 60), sparse, few, frequency="auto").frequency == "D"


def test_weeks_that_begin_on_different_days_are_weeks() -> None:
    """Together their stamps fall on two days a week, which is no frequency of the panel."""
    tuesdays = series([1] * 12, "2024-01-02", "W-TUE", name="b")
    cleaned = run(series([1] * 20, freq="W-MON"), tuesdays, frequency="auto")
    assert cleaned.frequency == "W-MON"
    assert cleaned.counts["rows_moved_onto_grid"] == 12


@pytest.mark.parametrize(("declared", "odd"), [("D", ("months", "weeks")), ("W-SUN", ("months",)), ("MS", ())])
def test_a_declared_frequency_only_marks_wider_series(declared: str, odd: tuple[str, ...]) -> None:
    """Wider than the declared grid, whatever the others do; nothing is refused."""
    parts = [
        series([1] * 60, name="days"),
        series([1] * 9, freq="W", name="weeks"),
        series([1] * 9, freq="MS", name="months"),
    ]
    assert run(*parts, frequency=declared).odd_series == odd


def test_auto_without_a_common_step_asks_for_one() -> None:
    """Events at any second: the message names the workspace and the setting."""
    stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.random.default_rng(2).integers(0, 10**7, 50), unit="s")
    with pytest.raises(DataError, match=r"workspace shop: frequency: auto finds no common step.*Set frequency"):
        run(pd.DataFrame({"ds": stamps, "y": 1.0, "unique_id": "a"}), frequency="auto")


@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame({"ds": ["2024-01-01"] * 3, "y": 1.0, "unique_id": list("abc")}),
        pd.DataFrame({"ds": ["2024-01-01"] * 3, "y": 1.0, "unique_id": "a"}),
        pd.DataFrame({"ds": ["2024-01-01", "2024-01-02"], "y": [1.0, None], "unique_id": "a"}),
    ],
)
def test_one_observation_a_series_is_refused(rows: pd.DataFrame) -> None:
    """Also when it stands there twice; the message tells what to do about the key."""
    with pytest.raises(DataError, match=r"no series has more than one observation .* set source.columns.keys"):
        run(rows, frequency="auto")


# Real data


def test_daily_advertising_adds_up(shared_data: Path) -> None:
    """By campaign and banner a day has many rows; they are summed, not a display is lost, and the counts balance."""
    raw = pd.read_parquet(shared_data / "ads_online_daily.parquet")
    keys = ["campaign_number", "banner"]
    spec = workspace("D", {"columns": {"ds": "ds", "y": "displays", "keys": keys}}, target={"aggregate": "sum"})
    cleaned = clean.clean(load.load(raw, spec), spec, LATER)
    balanced(cleaned)
    assert cleaned.observations["y"].sum() == raw["displays"].sum()
    assert cleaned.counts["rows_merged"] == raw.duplicated([*keys, "ds"]).sum() > 0


def test_a_year_of_half_hours_has_no_gap(shared_data: Path) -> None:
    """The local clock jumps twice a year in Melbourne; the grid in UTC does not."""
    raw = pd.read_parquet(shared_data / "vic_elec_halfhourly.parquet", columns=["ds", "y"]).tail(48 * 400)
    spec = workspace("30min", {"columns": {"ds": "ds", "y": "y"}}, timezone="Australia/Melbourne")
    cleaned = clean.clean(load.load(raw, spec), spec, LATER)
    assert len(cleaned.observations) == len(raw)
    assert (cleaned.counts["rows_filled"], cleaned.counts["rows_moved_onto_grid"]) == (0, 0)
