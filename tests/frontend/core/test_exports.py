"""Tables as files: no text of them is a formula, and every number is what it was."""

import csv
import io
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend.core import exports

FORMULAS = [
    "=1+1",
    "+49 170",
    "-5",
    "@x",
    "\t=x",
    "\r=x",
    "\n=x",
    "\tx",
    "\rx",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "﹦1",
    '"=1+1"',
    "'=1+1",
    " =1+1",
    "\u00a0=1",
    "\ufeff=1",
    "\u200b=1",
    "\x01=1",
    '=HYPERLINK("http://x","y")',
    "=cmd|' /C calc'!A0",
    "=1,2",
]
HARMLESS = [
    "",
    "a",
    "a-b",
    "Bath/dairy-01",
    "1 - 2",
    "x=1",
    "a@b",
    "5",
    "2024-01-01",
    "a, -5",
    "“so”",
    "−5",
    "a;b",
    'say "x"',
]


def read(table: pd.DataFrame) -> list[str]:
    """The cells of the first column, as a program reads them that guesses nothing."""
    return [row[0] for row in csv.reader(io.StringIO(exports.csv(table).decode(), newline=""))][1:]


@pytest.mark.parametrize("kind", [object, "string", "category"])
def test_a_text_that_would_be_computed_begins_with_an_apostrophe(kind: str) -> None:
    """Whatever holds it; all that follows is the text as it was, and other texts are too."""
    found = read(pd.DataFrame({"name": pd.Series(FORMULAS + HARMLESS, dtype=kind)}))
    told = found[: len(FORMULAS)]
    assert all(text.startswith("'") for text in told)
    assert [text.replace("'", "") for text in told] == [text.replace("'", "") for text in FORMULAS]
    assert found[len(FORMULAS) :] == HARMLESS


def test_headers_are_texts_like_others() -> None:
    """A column of an upload may be called like a formula, and twice the same."""
    table = pd.DataFrame([[1, "=2"], [3, "4"]], columns=["=1+1", "=1+1"])
    assert exports.csv(table).decode().splitlines() == ["'=1+1,'=1+1", "1,'=2", "3,4"]


@pytest.mark.parametrize("text", ["a;=1+1", "a\n=1+1", "a\t@x", 'a;"=1"'])
def test_what_may_begin_a_cell_inside_a_text_is_none_either(text: str) -> None:
    """Where the semicolon separates cells, or quotes are not understood."""
    (found,) = read(pd.DataFrame({"name": [text]}))
    assert found.replace("'", "") == text
    assert "'" in found


@given(
    st.lists(
        st.tuples(st.floats(allow_nan=False, width=64), st.integers(-(2**62), 2**62), st.booleans()),
        min_size=1,
        max_size=20,
    )
)
def test_numbers_are_untouched(rows: list[tuple[float, int, bool]]) -> None:
    """The least of them reads back as it was, negative ones too, also in a column that holds texts besides."""
    table = pd.DataFrame(rows, columns=["x", "n", "yes"])
    table["mixed"] = pd.Series([*table["x"][:-1].tolist(), "=1"], dtype=object)
    found = pd.read_csv(io.BytesIO(exports.csv(table)), float_precision="round_trip")
    pd.testing.assert_frame_equal(found[["x", "n", "yes"]], table[["x", "n", "yes"]])
    assert found["mixed"].iloc[-1] == "'=1"
    assert [float(value) for value in found["mixed"].iloc[:-1]] == table["x"].tolist()[:-1]


def test_times_and_gaps_are_written_as_before() -> None:
    """Nothing but texts is looked at."""
    table = pd.DataFrame({"ds": pd.to_datetime(["2024-01-01", None]), "y": [np.nan, -0.5], "of": ["a", None]})
    assert exports.csv(table).decode().splitlines() == table.to_csv(index=False).splitlines()
    assert exports.csv(pd.DataFrame()).strip() == b""


def test_parquet_stays_what_it_was() -> None:
    """It is read by programs, and computes nothing."""
    table = pd.DataFrame({"=1": FORMULAS, "n": range(len(FORMULAS))})
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(exports._parquet(table))), table)


def test_streamlit_writes_no_csv_of_its_own() -> None:
    """The button on its tables writes cells as they are."""
    settings = tomllib.loads(Path(".streamlit/config.toml").read_text(encoding="utf-8"))
    assert settings["client"]["disableDataExport"] is True
