"""Errors as data and as messages."""

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.core import errors
from pipelines.core.errors import (
    ConfigError,
    ConfigErrors,
    DataError,
    ForecastError,
    MissingColumn,
    NotFound,
    Several,
    StoreError,
    UnknownName,
    did_you_mean,
)

MODELS = ("auto_arima", "croston", "ensemble", "naive", "prophet", "seasonal_naive", "theta")
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ForecastError)]
PLAIN = [kind for kind in KINDS if kind not in (UnknownName, MissingColumn) and not issubclass(kind, Several)]
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
FOUND = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300),
    lambda inside: st.lists(inside, max_size=30) | st.dictionaries(TEXT, inside, max_size=30),
    max_leaves=40,
)
EXAMPLES: list[ForecastError] = [
    UnknownName("model", "thetta", ["theta", "naive"], field="models"),
    MissingColumn("unit", ["day", "units"], "shop.csv", field="source.columns.y"),
    ConfigErrors("2 problems", [ConfigError("found 5", field="title")], code="wrong_settings"),
    *[kind("it failed", code="failed", remedy="Try again.", field="a.b", found=[1], where="here") for kind in PLAIN],
]


@given(st.sampled_from(PLAIN), TEXT, TEXT, st.none() | TEXT, FOUND, st.none() | TEXT)
def test_a_message_holds_all_that_a_person_needs(
    kind: type[ForecastError], problem: str, remedy: str, field: str | None, found: Any, where: str | None
) -> None:
    """Where, what is wrong and what to do, in this order; the members are JSON, small, and never say where."""
    error = kind(problem, remedy=remedy, code="failed", field=field, found=found, where=where)
    assert str(error) == (f"{where}: {error.text}" if where else error.text)
    assert error.text.endswith(f"{problem}. {remedy}")
    if field and issubclass(kind, ConfigError):
        assert error.text.startswith(f"{field}: ")
    members = json.loads(json.dumps(error.members(), allow_nan=False))
    assert members["code"] == "failed"
    assert members["remedy"] == remedy
    assert set(members) <= {"code", "field", "found", "remedy"}


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_passes_from_process_to_process_whole(error: ForecastError) -> None:
    """Workers of a training pickle what they raise; class, message and data arrive."""
    arrived = pickle.loads(pickle.dumps(error))
    assert type(arrived) is type(error)
    assert (str(arrived), arrived.members()) == (str(error), error.members())


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            UnknownName("metric", "masse", ["mase", "mae"]),
            "unknown metric 'masse' (did you mean 'mase'?). Use one of: mae, mase.",
        ),
        (UnknownName("workspace", "shop", []), "unknown workspace 'shop'. There is none yet: add one first."),
        (
            MissingColumn("unit", ["day", "units"], "workspace shop", field="source.columns.y"),
            "workspace shop: column 'unit' is missing (found: day, units) (did you mean 'units'?). "
            "Set source.columns.y in the workspace file.",
        ),
        (
            ConfigError("found 0", field="horizon", where="shop.yaml", remedy="Use a number of steps.", code="failed"),
            "shop.yaml: horizon: found 0. Use a number of steps.",
        ),
        (
            ConfigErrors(
                "2 problems",
                [ConfigError("is missing", field=name, remedy="Add it.", where="a.yaml") for name in ("x", "y")],
                code="wrong_settings",
            ),
            "2 problems:\n  - a.yaml: x: is missing. Add it.\n  - a.yaml: y: is missing. Add it.",
        ),
        (
            DataError("the file is empty", where="a.csv", remedy="Export it again."),
            "a.csv: the file is empty. Export it again.",
        ),
    ],
)
def test_the_message_of_each_kind(error: ForecastError, message: str) -> None:
    """Word for word."""
    assert str(error) == message


def test_several_problems_are_several_errors_for_programs() -> None:
    """Each with its field, code, value, remedy and message, and without the file it stands in."""
    wrong = ConfigError("found 0", field="n", found=0, code="wrong_setting", remedy="Use more.", where="/srv/a.yaml")
    members = ConfigErrors("1 problem", [wrong], code="wrong_settings").members()
    assert members["errors"] == [
        {"field": "n", "found": 0, "code": "wrong_setting", "remedy": "Use more.", "message": "n: found 0. Use more."}
    ]
    assert "/srv" not in json.dumps(members)


def test_an_error_is_no_place_for_a_table() -> None:
    """Of long texts and lists the beginning is kept; what JSON does not know is text."""
    found = DataError(
        "x", found={"columns": [f"c{n}" for n in range(1_000)], "text": "x" * 10_000, "nan": float("nan")}
    ).found
    assert (len(found["columns"]), len(found["text"]), found["nan"]) == (20, 200, "nan")


def test_the_storage_has_a_code_for_each_kind() -> None:
    """A subclass elsewhere belongs to the kind that it extends."""

    class Gone(NotFound):
        pass

    assert (Gone("x").code, Gone("x").family, StoreError("x").code) == ("not_found", "NotFound", "storage_failed")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("thetta", "theta"),
        ("prohpet", "prophet"),
        ("naïve", "naive"),
        ("season_naive", "seasonal_naive"),
        ("THETA", "theta"),
        ("autoarima", "auto_arima"),
    ],
)
def test_a_typo_is_told_its_name(name: str, near: str) -> None:
    """Letters more, less, other or exchanged, and capitals."""
    assert did_you_mean(name, MODELS) == f" (did you mean '{near}'?)"


@pytest.mark.parametrize("name", ["", "xgboost", "linear", "42"])
def test_nothing_is_said_of_a_name_that_is_close_to_none(name: str) -> None:
    """A guess would be worse."""
    assert did_you_mean(name, MODELS) == ""


def test_the_answer_does_not_depend_on_the_order() -> None:
    """Of two that are equally close, always the same one."""
    assert did_you_mean("stor", ["store", "storm"]) == did_you_mean("stor", {"storm": 1, "store": 2})
