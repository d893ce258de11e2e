from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.core.errors import DataError, MissingColumn
from pipelines.forecasting.etl import load
from pipelines.forecasting.etl.load import Loaded
from tests.support.errors import message_of
from tests.support.factories import workspace

DAYS = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"]


def run(columns: dict[str, Any], frequency: str = "D", source: dict[str, Any] | None = None, **settings: Any) -> Loaded:
    return load.load(pd.DataFrame(columns), workspace(frequency, source, **settings))


def reasons(loaded: Loaded) -> dict[int, str]:
    return dict(zip(loaded.rejected["row"], loaded.rejected["reason"], strict=True))


def test_usual_columns_are_found_and_told() -> None:
    """Names in any case and spacing; text columns are the key; what was taken for what is noted."""
    loaded = run({" Date ": DAYS, "Shop": list("aabb"), "Units": [1, 2, 3, 4], "price": [1.0, 1.0, 1.0, 2.0]})
    assert loaded.notes == {
        "ds": "column 'Date'", "y": "column 'Units'", "unique_id": "columns Shop", "dates": "ISO 8601",
    }  # fmt: skip
    expected = pd.DataFrame(
        {"row": [1, 2, 3, 4], "unique_id": list("aabb"), "ds": pd.to_datetime(DAYS), "y": [1.0, 2.0, 3.0, 4.0]}
    )
    pd.testing.assert_frame_equal(loaded.rows, expected)
    assert loaded.rejected.empty
    assert loaded.rows_in == 4


def test_the_source_is_left_as_it_was() -> None:
    """Loading changes nothing in place."""
    raw = pd.DataFrame({"date": ["x", *DAYS[1:]], "y": ["1", "-", "3", "4"], "id": [" a", None, "a", "a"]})
    before = raw.copy(deep=True)
    load.load(raw, workspace())
    pd.testing.assert_frame_equal(raw, before)


def test_named_columns_win_over_usual_ones() -> None:
    """Also a number can be the key once it is named."""
    loaded = run(
        {"date": DAYS, "seen": DAYS[::-1], "y": [0, 0, 0, 0], "sold": [1, 2, 3, 4], "store": [1, 1, 2, 2]},
        source={"columns": {"ds": "seen", "y": "sold", "keys": ["store"]}},
    )
    assert loaded.rows["ds"].dt.strftime("%Y-%m-%d").tolist() == DAYS[::-1]
    assert loaded.rows["y"].tolist() == [1, 2, 3, 4]
    assert loaded.rows["unique_id"].tolist() == ["1", "1", "2", "2"]


def test_without_any_key_there_is_one_series() -> None:
    """It has the workspace's name."""
    loaded = run({"date": DAYS, "y": [1, 2, 3, 4]})
    assert set(loaded.rows["unique_id"]) == {"shop"}
    assert loaded.notes["unique_id"] == "one series"


def test_only_names_of_things_make_an_inferred_key() -> None:
    """An attribute, an empty column, a second timestamp and covariates do not split the series."""
    loaded = run(
        {
            "date": DAYS,
            "y": [1, 2, 3, 4],
            "shop": list("aabb"),
            "region": ["n", "n", "s", "s"],
            "note": [None] * 4,
            "seen": pd.to_datetime(DAYS),
            "weather": ["sun", "rain", "sun", "rain"],
        },
        covariates={"static": ["region"], "past": ["weather"]},
    )
    assert loaded.notes["unique_id"] == "columns shop"
    assert loaded.rows["region"].tolist() == ["n", "n", "s", "s"]


def test_attributes_are_the_key_where_nothing_else_is() -> None:
    """Otherwise the series of two shops would be added up."""
    loaded = run({"date": DAYS, "y": [1, 2, 3, 4], "shop": list("aabb")}, covariates={"static": ["shop"]})
    assert loaded.rows["unique_id"].tolist() == list("aabb")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (
            {"source": {"columns": {"y": "unitz"}}},
            "'unitz' is missing (found: date, units, store) (did you mean 'units'?)",
        ),
        ({"source": {"columns": {"ds": "dat"}}}, "(did you mean 'date'?)"),
        ({"source": {"columns": {"keys": ["stroe"]}}}, "(did you mean 'store'?)"),
        ({"covariates": {"future": ["price"]}}, "column 'price' is missing"),
        ({"covariates": {"static": ["region"]}}, "column 'region' is missing"),
    ],
)
def test_a_missing_column_is_named_with_the_nearest_one(settings: dict[str, Any], named: str) -> None:
    """The message lists what is there and where to set it."""
    with pytest.raises(MissingColumn) as error:
        run({"date": DAYS, "units": [1, 2, 3, 4], "store": list("aabb")}, **settings)
    message = message_of(error.value)
    assert named in message
    assert message.startswith("workspace shop: ")
    assert "in the workspace file" in error.value.remedy
    assert error.value.field in (
        "source.columns.ds",
        "source.columns.y",
        "source.columns.keys",
        "covariates.future",
        "covariates.static",
    )


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"date": [], "y": []}, "the source has a header but no rows (columns: date, y)"),
        (
            {"when": DAYS, "y": [1, 2, 3, 4]},
            "no column looks like the timestamp (found: when, y). Name it in source.columns.ds",
        ),
        (
            {"date": DAYS, "p": [1, 2, 3, 4], "q": [1, 2, 3, 4]},
            "looks like the target (found: date, p, q). Name it in source.columns.y",
        ),
        (
            {"date": DAYS, "y": [None] * 4},
            "the target 'y' is empty in all 4 rows. Name the right column in source.columns.y",
        ),
    ],
)
def test_unusable_sources_are_refused_in_one_sentence(columns: dict[str, Any], message: str) -> None:
    """A header only, no timestamp, no target, an empty target: what was found and what to do."""
    with pytest.raises(DataError) as error:
        run(columns)
    assert message in message_of(error.value)


def test_all_dates_unreadable_names_rows_and_examples() -> None:
    """The message shows what the first rows hold and which settings help."""
    with pytest.raises(DataError) as error:
        run({"date": ["soon", "later\x00", "never", "now"], "y": [1, 2, 3, 4]})
    message = message_of(error.value)
    assert (error.value.code, error.value.field) == ("no_usable_row", "source.columns.ds")
    assert error.value.found == {"unreadable date": 4}
    assert (
        "no row can be used. Rejected: 4 × unreadable date (row 1: date='soon', y='1'; row 2: date='later?'" in message
    )
    assert "row 3" in message
    assert "row 4" not in message
    assert "source.date_format" in message


def test_rejected_rows_keep_their_cells_number_and_reason() -> None:
    """Each row that cannot be read is there as the source gave it; a missing target is no fault."""
    loaded = run(
        {
            "date": ["2024-01-01", "x", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-06", "2024-01-07"],
            "y": ["1,5", "2", "many", "inf", "-3", None, "7"],
            "id": ["a", "a", "a", "a", "a", "a", None],
        },
        target={"non_negative": True},
    )
    assert reasons(loaded) == {
        2: "unreadable date",
        3: "unreadable number in the target",
        4: "infinite target",
        5: "negative target",
        7: "missing key",
    }
    assert loaded.rejected["date"].tolist() == ["x", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-07"]
    assert loaded.rejected["y"].tolist() == ["2", "many", "inf", "-3", "7"]
    assert loaded.rows["row"].tolist() == [1, 6]
    assert loaded.rows["y"].isna().tolist() == [False, True]
    assert loaded.rows_in == len(loaded.rows) + len(loaded.rejected)


def test_of_several_faults_the_first_is_told() -> None:
    """One reason a row: key before date before target."""
    loaded = run(
        {"date": ["x", "x", "x", DAYS[3]], "y": ["inf", "inf", "z", "1"], "id": [None, "a\x07", "a", "a"]},
    )
    assert reasons(loaded) == {1: "missing key", 2: "control character in the key", 3: "unreadable date"}


def test_a_negative_target_may_be_meant() -> None:
    """Only a target that is declared non-negative rejects it."""
    assert run({"date": DAYS, "y": [1, -2, 3, 4]}).rejected.empty


def test_columns_called_row_and_reason_survive() -> None:
    """What the source calls `row` and `reason` is kept beside what we say."""
    loaded = run({"date": ["x", *DAYS[1:]], "y": [1, 2, 3, 4], "row": [9, 9, 9, 9], "reason": [7, 7, 7, 7]})
    found = loaded.rejected.iloc[0]
    assert (found["row"], found["reason"]) == (1, "unreadable date")
    assert (found["row (source)"], found["reason (source)"]) == ("9", "7")


@pytest.mark.parametrize("name", ["row", "unique_id", "ds", "y"])
def test_a_covariate_cannot_take_the_name_of_a_column_of_ours(name: str) -> None:
    """It would silently replace the target or the key."""
    with pytest.raises(DataError, match=f"'{name}' has a meaning of its own"):
        run(
            {"date": DAYS, "units": [1, 2, 3, 4], name: [5, 6, 7, 8]},
            source={"columns": {"ds": "date", "y": "units", "keys": []}},
            covariates={"past": [name]},
        )


def test_composite_keys_are_joined_by_a_slash() -> None:
    """Spaces are trimmed, whole floats lose their fraction, and a missing part makes the key missing."""
    loaded = run(
        {"date": DAYS, "y": [1, 2, 3, 4], "store": [1.0, 2.0, np.nan, 2.0], "item": [" x", "y ", "x", " "]},
        source={"columns": {"keys": ["store", "item"]}},
    )
    assert loaded.rows["unique_id"].tolist() == ["1/x", "2/y"]
    assert reasons(loaded) == {3: "missing key", 4: "missing key"}


def test_keys_that_join_to_one_name_are_refused() -> None:
    """a/b + c and a + b/c are two series; adding them up would be wrong. A slash alone does no harm."""
    keys = {"columns": {"keys": ["k", "l"]}}
    with pytest.raises(
        DataError, match=r"'a' \+ 'b/c' and 'a/b' \+ 'c' both give the name 'a/b/c'|'a/b' \+ 'c' and 'a'"
    ):
        run({"date": DAYS, "y": [1, 2, 3, 4], "k": ["a/b", "a", "q", "q"], "l": ["c", "b/c", "r", "r"]}, source=keys)
    loaded = run(
        {"date": DAYS, "y": [1, 2, 3, 4], "k": ["a/b", "a/b", "q", "q"], "l": ["c", "c", "r", "r"]}, source=keys
    )
    assert loaded.rows["unique_id"].tolist() == ["a/b/c", "a/b/c", "q/r", "q/r"]


@pytest.mark.parametrize("key", ["a\nb", "a\tb", "a\x7f", "a\x85b", "a\u2028b"])
def test_control_characters_in_a_key_are_rejected(key: str) -> None:
    """A series' name must be printable; letters of any script are."""
    loaded = run({"date": DAYS, "y": [1, 2, 3, 4], "id": [key, "Łódź", "東京", "a b|c"]})
    assert reasons(loaded) == {1: "control character in the key"}
    assert loaded.rows["unique_id"].tolist() == ["Łódź", "東京", "a b|c"]


def test_a_wide_table_becomes_long() -> None:
    """One column a series; rejected cells keep the number of their row in the source."""
    loaded = run(
        {"date": DAYS, "north": ["1", "2", "3", "4"], "south": ["5", "?", None, "8"], "temp": [1.0, 2.0, 3.0, 4.0]},
        source={"layout": "wide"},
        covariates={"future": ["temp"]},
    )
    assert loaded.rows_in == 8
    south = loaded.rows[loaded.rows["unique_id"] == "south"]
    assert south["row"].tolist() == [1, 3, 4]
    assert south["temp"].tolist() == [1.0, 3.0, 4.0]
    assert reasons(loaded) == {2: "unreadable number in the target"}


@pytest.mark.parametrize("names", [["y"], ["value", "series"], ["unique_id", "row"]])
def test_series_of_a_wide_table_may_have_any_name(names: list[str]) -> None:
    """Also the names that long tables use."""
    loaded = run({"ds": DAYS, **{name: [1, 2, 3, 4] for name in names}}, source={"layout": "wide"})
    assert set(loaded.rows["unique_id"]) == set(names)


def test_a_wide_table_may_have_keys_and_must_have_series() -> None:
    """Keys come first in the name; a table with nothing but dates is refused."""
    wide = {"layout": "wide", "columns": {"keys": ["shop"]}}
    loaded = run({"ds": DAYS[:2] * 2, "shop": list("aabb"), "beer": [1, 2, 3, 4], "wine": [1, 2, 3, 4]}, source=wide)
    assert sorted(set(loaded.rows["unique_id"])) == ["a/beer", "a/wine", "b/beer", "b/wine"]
    with pytest.raises(DataError, match="one column a series, but there is none beside ds, shop"):
        run({"ds": DAYS, "shop": list("aabb")}, source=wide)


def test_covariates_are_numbers_where_they_can_be() -> None:
    """Prices as text, yes and no, true and false become numbers; anything else is text."""
    loaded = run(
        {
            "date": DAYS,
            "y": [1, 2, 3, 4],
            "price": ["1,50", "2,00", None, "3,25"],
            "promo": ["yes", "no", None, "Yes"],
            "open": [True, False, True, True],
            "weather": [" sun", "rain", None, "sun"],
            "nothing": [None] * 4,
        },
        covariates={"future": ["price", "promo", "open"], "past": ["weather", "nothing"]},
    )
    rows = loaded.rows
    assert rows["price"].fillna(-1).tolist() == [1.5, 2.0, -1.0, 3.25]
    assert rows["promo"].fillna(-1).tolist() == [1.0, 0.0, -1.0, 1.0]
    assert rows["open"].tolist() == [1.0, 0.0, 1.0, 1.0]
    assert rows["weather"].fillna("").tolist() == ["sun", "rain", "", "sun"]
    assert rows["nothing"].isna().all()
    assert rows["nothing"].dtype == "float64"


def test_attributes_are_text() -> None:
    """A number that a missing value had made a float is written like the key made of it."""
    columns = {"date": DAYS, "y": [1, 2, 3, 4], "id": list("aabb"), "region": [1.0, 1.0, np.nan, np.nan]}
    assert run(columns, covariates={"static": ["region"]}).rows["region"].fillna("").tolist() == ["1", "1", "", ""]


@pytest.mark.parametrize("dtype", ["category", "string"])
def test_typed_text_is_read_like_any_text(dtype: str) -> None:
    """Parquet gives categories and strings for keys, dates, numbers and covariates."""
    raw = pd.DataFrame({"date": [*DAYS[:3], "x"], "y": ["1", None, "3", "4"], "id": list("aabb"), "kind": list("uvuv")})
    found = load.load(raw.astype(dtype), workspace(covariates={"past": ["kind"]}))
    expected = load.load(raw, workspace(covariates={"past": ["kind"]}))
    pd.testing.assert_frame_equal(found.rows, expected.rows)
    pd.testing.assert_frame_equal(found.rejected, expected.rejected)


def test_local_hours_become_utc_and_skipped_ones_are_rejected() -> None:
    """01:30 on 31 March 2024 is a time that no clock in London showed."""
    loaded = run(
        {"ts": ["2024-03-31 00:30", "2024-03-31 01:30", "2024-03-31 02:30", "2024-03-31T02:00Z"], "y": [1, 2, 3, 4]},
        "30min",
        source={"columns": {"ds": "ts"}},
        timezone="Europe/London",
    )
    assert loaded.rows["ds"].dt.strftime("%H:%M").tolist() == ["00:30", "01:30", "02:00"]
    assert reasons(loaded) == {2: "local time that the clocks of Europe/London skip"}


@pytest.mark.parametrize("frequency", ["D", "W", "MS", "auto"])
@pytest.mark.parametrize("timezone", ["America/New_York", "Australia/Lord_Howe", "Europe/London"])
@pytest.mark.parametrize("ending", ["", " 00:00", "offset", "Z", "typed"])
def test_dates_stay_on_the_local_calendar(frequency: str, timezone: str, ending: str) -> None:
    """A daily series does not move to the day before, written as dates, local or UTC midnights, with or without offset."""
    days = pd.date_range("2024-03-01", periods=40)
    ds: Any = days.strftime("%Y-%m-%d").to_series(index=range(40)) + ("" if ending in ("offset", "typed") else ending)
    ds = ds.str.replace("Z", "T00:00:00Z")
    if ending in ("offset", "typed"):
        local = pd.Series(days).dt.tz_localize(timezone)
        ds = local if ending == "typed" else local.map(lambda stamp: stamp.isoformat())
    loaded = run({"date": ds, "y": np.arange(40.0)}, frequency, timezone=timezone)
    assert loaded.rows["ds"].tolist() == days.tolist()


def test_a_daily_reading_at_some_hour_is_daily() -> None:
    """With `auto`, half past midnight in summer time is not the evening before in UTC; hours are hours."""
    daily = pd.date_range("2024-06-01 00:30", periods=10, freq="D")
    assert run({"date": daily, "y": np.arange(10.0)}, "auto", timezone="Europe/London").rows["ds"].tolist() == list(
        daily
    )
    hourly = pd.date_range("2024-06-01 00:30", periods=10, freq="h")
    found = run({"date": hourly, "y": np.arange(10.0)}, "auto", timezone="Europe/London").rows["ds"]
    assert found.tolist() == list(hourly - pd.Timedelta(hours=1))


def test_half_hours_of_victoria_equal_their_utc(shared_data: Path) -> None:
    """Three years of real local stamps, daylight saving included, give the UTC that the publisher gives."""
    raw = pd.read_parquet(shared_data / "vic_elec_halfhourly.parquet")
    spec = workspace(
        "30min", {"columns": {"ds": "ds", "y": "y", "keys": ["unique_id"]}}, timezone="Australia/Melbourne"
    )
    loaded = load.load(raw, spec)
    assert loaded.rejected.empty
    assert loaded.rows["ds"].equals(raw["ds_utc"].astype("datetime64[ns]").rename("ds"))
    backwards = load.load(raw[::-1], spec)
    assert backwards.rows["ds"].tolist() == raw["ds_utc"][::-1].tolist()
