"""What is told of an uploaded table: everything that can be found, and all that is wrong, in words."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from pipelines.core.errors import DataError, NotFound
from pipelines.core.names import new_version
from pipelines.forecasting import preview, settings
from pipelines.storage.catalog import Reader
from pipelines.storage.layout import Place
from pipelines.storage.store import Store, Stores

PLAIN = {"frequency": "auto", "timezone": "UTC", "title": "", "unit": "", "horizon": None}
DAYS = "".join(f"2024-01-{day:02d},Ash,{day % 7},{day % 3}\n" for day in range(1, 32))
TABLE = f"day,shop,units,price\n{DAYS}"


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    (tmp_path / "configs/workspaces").mkdir(parents=True)
    monkeypatch.setenv("FORECAST_CONFIG_DIR", str(tmp_path / "configs"))
    return Stores(Store(str(tmp_path / "data")), Store(str(tmp_path / "artifacts")))


def look(reader: Reader, content: bytes | str, **wanted: Any) -> dict[str, Any]:
    upload_id = new_version()
    draft = reader.data.draft(Place(("uploads", "mine", upload_id)))
    with draft.open("table.csv") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    draft.publish()
    found = preview.preview(reader, {"workspace": "mine", "upload_id": upload_id, **PLAIN, **wanted})
    assert str(Path(reader.data.root)) not in json.dumps(found, allow_nan=False)
    return found


def test_what_is_found_makes_the_settings(reader: Reader) -> None:
    """Frequency and columns that were guessed stand in the settings by name, and these are valid."""
    found = look(reader, TABLE, y="units", static=["shop"], horizon=5, unit="pieces", title="Shops")
    assert (found["acceptable"], found["problems"]) == (True, [])
    made = settings.workspace_of("mine", found["settings"], "test")
    assert (made.frequency, made.horizon, made.title, made.target.unit) == ("D", 5, "Shops", "pieces")
    assert (made.source.columns.ds, made.source.columns.y, made.source.columns.keys) == ("day", "units", ("shop",))
    assert made.covariates.static == ("shop",)


def test_rows_that_are_all_rejected_are_shown_too(reader: Reader) -> None:
    """So that it can be seen that the wrong column was taken for the date."""
    found = look(reader, TABLE, ds="shop", y="units")
    assert (found["rejected"]["count"], found["rejected"]["reasons"]) == (31, {"unreadable date": 31})
    assert (found["mapping"]["ds"], found["problems"][0]["field"]) == ("shop", "ds")


def test_settings_of_the_service_that_are_wrong_are_no_message_for_a_client(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They name its files and variables; the log has them."""
    monkeypatch.setenv("FORECAST_HORIZON", "many-secrets")
    (problem,) = look(reader, TABLE, y="units")["problems"]
    assert problem["field"] == "settings"
    assert "many-secrets" not in problem["message"]


def test_a_series_without_a_key_keeps_none(reader: Reader) -> None:
    """No key found is no key, also in the settings."""
    found = look(reader, "day,units\n" + "".join(f"2024-01-{day:02d},{day % 7}\n" for day in range(1, 32)), horizon=5)
    assert (found["mapping"]["keys"], found["settings"]["source"]["columns"]["keys"]) == ([], [])


def test_future_covariates_must_reach_over_the_horizon(reader: Reader) -> None:
    """As training will want them; with rows beyond the last value it is acceptable."""
    wanted = {"y": "units", "future": ["price"], "horizon": 3}
    assert [one["field"] for one in look(reader, TABLE, **wanted)["problems"]] == ["future"]
    ahead = "".join(f"2024-02-{day:02d},Ash,,1\n" for day in range(1, 4))
    assert look(reader, TABLE + ahead, **wanted)["acceptable"]


@pytest.mark.parametrize(
    ("wanted", "field", "code", "message"),
    [
        ({"frequency": "often"}, "frequency", "unknown_frequency", "no pandas alias"),
        ({"timezone": "Mars"}, "timezone", "wrong_setting", "IANA list"),
        ({"y": "unit"}, "y", "missing_column",
         "column 'unit' is missing (found: day, shop, units, price) (did you mean 'units'?). Correct the mapping."),
        ({"static": ["town"]}, "static", "missing_column", "column 'town' is missing"),
        ({"future": ["town"]}, "future", "missing_column", "column 'town' is missing"),
        ({"ds": "shop", "y": "units"}, "ds", "no_usable_row", "unreadable date"),
        ({"ds": "day", "y": "shop"}, "y", "no_usable_row", "unreadable number"),
        ({"y": "units", "keys": ["day"]}, "keys", "one_observation_per_series", "set keys to fewer columns"),
        ({"y": "units", "horizon": 60}, "horizon", "check_failed", "Set horizon to at most 29"),
        ({}, "y", "column_not_recognised", "no column looks like the target"),
    ],
)  # fmt: skip
def test_each_problem_names_its_parameter(
    reader: Reader, wanted: dict[str, Any], field: str, code: str, message: str
) -> None:
    """In words for who uploads, who has no workspace file, and as data."""
    table = TABLE.replace("units", "n") if not wanted else TABLE
    (problem,) = look(reader, table, **wanted)["problems"]
    assert (problem["field"], problem["code"]) == (field, code)
    assert message in problem["message"]
    assert problem["message"].endswith(problem["remedy"])
    assert "workspace file" not in problem["message"]
    assert "source." not in problem["message"]


STRAY = TABLE + "1900-01-01,Ash,3,1\n"
MIXED = TABLE + "".join(f"2024-01-{day:02d} {hour:02d}:00,Elm,{hour},1\n" for day in range(1, 15) for hour in range(24))


@pytest.mark.parametrize(
    ("table", "field", "code"),
    [(STRAY, "ds", "stray_date"), (MIXED, "frequency", "mixed_frequencies"), ("\n\n\n", "file", "no_header")],
)
def test_what_is_wrong_with_the_table_names_its_parameter_too(
    reader: Reader, table: str, field: str, code: str
) -> None:
    """By the field that the error carries, not by its words."""
    (problem,) = look(reader, table, y="units")["problems"]
    assert (problem["field"], problem["code"]) == (field, code)
    assert "workspace file" not in problem["message"]


def test_the_answer_stays_small(reader: Reader) -> None:
    """Of a thousand columns and cells without end, as much as can be looked at."""
    names = ",".join(f"c{number}" for number in range(1_000))
    found = look(
        reader, f"day,units,{names}\n" + "".join(f"2024-01-{d:02d},{d}{',' + 'x' * 50:s}\n" for d in range(1, 29))
    )
    assert (found["n_columns"], len(found["columns"])) == (1_002, 200)
    found = look(reader, f"day,units\n2024-01-01,{'1' * 100_000}\n")
    assert len(json.dumps(found)) < 10_000


def test_an_upload_that_was_changed_is_no_upload(reader: Reader) -> None:
    """What was received is compared with its manifest first."""
    with pytest.raises(NotFound):
        preview.preview(reader, {"workspace": "mine", "upload_id": new_version(), **PLAIN})
    look(reader, TABLE)
    (upload_id,) = reader.data.folders(Place(("uploads", "mine")))
    Path(reader.data.path(Place(("uploads", "mine", upload_id, "table.csv")))).write_text("day,units\n")
    with pytest.raises(DataError, match="not what was received"):
        preview.preview(reader, {"workspace": "mine", "upload_id": upload_id, **PLAIN})


CELLS = st.one_of(
    st.sampled_from(
        ["2024-01-01", "2024-01-02", "01/02/2024", "", "1", "-3,5", "NaN", "inf", "1e400", "Q1 2024", "2024W01"]
    ),
    st.sampled_from(
        ["9999-12-31", "00:00", "now", "20240101", "1704067200", "2024-01-01T00:00:00+01:00", "true", '"', "'"]
    ),
    st.text(max_size=8),
)


@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.lists(CELLS, min_size=1, max_size=4).map(",".join), max_size=12).map(lambda rows: "\n".join(rows)),
        st.lists(st.tuples(CELLS, CELLS), min_size=3, max_size=12).map(
            lambda rows: "date,value\n" + "\n".join(f"{first},{second}" for first, second in rows)
        ),
    )
)
@hypothesis(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_comes_there_is_an_answer(reader: Reader, content: Any) -> None:
    """No exception, and either settings or words that say why there are none."""
    found = look(reader, content.encode("utf-8", "replace") if isinstance(content, str) else content)
    assert found["acceptable"] is (not found["problems"]) is (found["settings"] is not None)
    assert not any("cannot be understood" in problem["message"] for problem in found["problems"])
