import math
from typing import Any, Literal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.forecasting.etl import numbers

NAN = float("nan")


def read(*values: Any, decimal: Literal["auto", ".", ","] = "auto") -> list[float]:
    return numbers.parse(pd.Series(values, dtype="object"), decimal).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,234.5", 1234.5),
        ("1.234,5", 1234.5),
        ("1,234,567", 1234567.0),
        ("1.234.567", 1234567.0),
        ("12,34,567.5", 1234567.5),  # lakhs
        ("3,5", 3.5),
        ("0,125", 0.125),
        ("€ 3", 3.0),
        ("3 €", 3.0),
        ("$1,200.00", 1200.0),
        ("EUR 3", 3.0),
        ("3EUR", 3.0),
        ("1 234,5", 1234.5),
        ("1\u00a0234,5", 1234.5),
        ("1\u202f234", 1234.0),
        ("1'234.5", 1234.5),
        ("1’234", 1234.0),
        (" 7 ", 7.0),
        ("(12)", -12.0),
        ("(€ 1,200.50)", -1200.5),
        ("5-", -5.0),
        ("−5", -5.0),
        ("-5", -5.0),
        ("+5", 5.0),
        ("1e3", 1000.0),
        ("2.5E-3", 0.0025),
        (".5", 0.5),
        ("5.", 5.0),
        ("inf", math.inf),
        ("-Infinity", -math.inf),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, expected: float) -> None:
    """Separators, currencies, white space of every kind and each way to write a minus."""
    assert read(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "",
        "-",
        "€",
        "1,2,3",
        "12.3.4",
        "5 6",
        "1 2345",
        "12%",
        "0x10",
        "1_000",
        "(12",
        "-(12)",
        "(-12)",
        "5--",
        "nan",
    ],
)
def test_what_is_no_number_stays_missing(text: str) -> None:
    """Nothing is guessed from half a number."""
    assert math.isnan(read(text)[0])


def test_the_decimal_mark_is_that_of_the_whole_column() -> None:
    """1,234 alone is ambiguous: a number beside it tells which mark is meant."""
    assert read("1,234", "5,678") == [1234.0, 5678.0]
    assert read("1,234", "5,6") == [1.234, 5.6]
    assert read("1.234", "5.678") == [1.234, 5.678]
    assert read("1.234", "1.234,5") == [1234.0, 1234.5]
    assert read("1,234", "1,234.5") == [1234.0, 1234.5]
    assert read("0,125", "1,234") == [0.125, 1.234]


def test_a_number_against_its_column_is_missing_and_not_misread() -> None:
    """Where commas group thousands, 1,5 is a slip and not fifteen."""
    assert read("1,234,567", "1,5")[0] == 1234567.0
    assert math.isnan(read("1,234,567", "1,5")[1])
    assert math.isnan(read("1,5", decimal=".")[0])
    assert math.isnan(read("1.5", decimal=",")[0])


def test_the_configured_mark_wins() -> None:
    """`source.decimal` settles what the column leaves open."""
    assert read("1,234", decimal=",") == [1.234]
    assert read("1,234", decimal=".") == [1234.0]
    assert read("1.234", decimal=",") == [1234.0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pd.Series([1, None], dtype="Int64"), [1.0, NAN]),
        (pd.Series([True, False]), [1.0, 0.0]),
        (pd.Series([True, None], dtype="boolean"), [1.0, NAN]),
        (pd.Series(["1", "1.0", None, "x"], dtype="category"), [1.0, 1.0, NAN, NAN]),
        (pd.Series(["1,5", None], dtype="string"), [1.5, NAN]),
        (pd.Series([1, 2.5, "3"], dtype="object"), [1.0, 2.5, 3.0]),
        (pd.Series([None, None], dtype="object"), [NAN, NAN]),
        (pd.Series([], dtype="object"), []),
    ],
)
def test_every_column_type_becomes_floats_on_its_own_index(values: pd.Series, expected: list[float]) -> None:
    """Typed, nullable, categorical and mixed columns; a missing value stays missing."""
    shifted = values.set_axis(values.index + 10)
    found = numbers.parse(shifted)
    pd.testing.assert_series_equal(found, pd.Series(expected, index=shifted.index, dtype="float64"))


def written(number: float, decimal: str) -> str:
    """The number with grouped thousands by either convention, without losing a digit."""
    text = f"{number:,}"
    return text if decimal == "." else text.translate(str.maketrans(",.", ".,"))


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.sampled_from([".", ","]))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_float_comes_back_from_either_convention(values: list[float], decimal: Literal[".", ","]) -> None:
    """Writing a column with grouped thousands and reading it with its mark loses nothing."""
    assert read(*(written(value, decimal) for value in values), decimal=decimal) == values


@given(st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1), st.sampled_from([".", ","]))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_amounts_with_cents_need_no_setting(values: list[Any], decimal: Literal[".", ","]) -> None:
    """Two decimals tell the convention by themselves."""
    assert read(*(written(value, decimal) for value in values)) == [float(value) for value in values]
