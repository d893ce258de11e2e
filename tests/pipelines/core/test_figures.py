"""Numbers, shares and times as everything but the web app writes them."""

from datetime import datetime

import numpy as np
import pytest

from pipelines.core import figures


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), np.float64("nan")])
def test_what_json_has_no_word_for_is_null(value: float) -> None:
    """NaN and the infinities become None, of Python and of numpy."""
    assert figures.known(value) is None


@pytest.mark.parametrize("value", [0.0, -1.5, 3, True, "nan", None])
def test_all_else_stays_as_it_is(value: object) -> None:
    """Numbers, text, booleans and None are returned unchanged."""
    assert figures.known(value) is value


@pytest.mark.parametrize(
    ("value", "usual", "precise"),
    [
        (0.123456, "0.12", "0.1235"),
        (1234567.0, "1,234,567", "1,234,567"),
        (0.0, "0", "0"),
        (-0.00004, "−4.0e-05", "−4.0e-05"),
        (0.8, "0.80", "0.8"),
        (12.345, "12.3", "12.35"),
        (999.96, "1,000", "1,000"),
        (-0.5, "−0.50", "−0.5"),
        (None, "not known", "not known"),
        (float("nan"), "not known", "not known"),
    ],
)
def test_a_number_has_the_figures_that_count(value: float | None, usual: str, precise: str) -> None:
    """About three of them, or four where values are compared; thousands are separated."""
    assert (figures.number(value), figures.number(value, precise=True)) == (usual, precise)


@pytest.mark.parametrize(
    ("share", "plain", "signed"),
    [
        (0.1234, "12.3 %", "+12.3 %"),
        (-0.5, "−50.0 %", "−50.0 %"),
        (0.0, "0.0 %", "0.0 %"),
        (2.0, "200 %", "+200 %"),
        (-0.0004, "−0.04 %", "−0.04 %"),
        (1e-17, "0.0 %", "0.0 %"),
    ],
)
def test_a_share_is_written_in_percent(share: float, plain: str, signed: str) -> None:
    """One decimal below 100 %, below 0.1 % one figure that counts; what is 0 but for noise has no sign."""
    assert (figures.percent(share), figures.percent(share, sign=True)) == (plain, signed)
    assert figures.percent(None) == "not known"
    assert figures.percent(0.05, unit="percentage points") == "5.0 percentage points"


def test_times_are_written_for_files_and_for_people() -> None:
    """In UTC for files and the API; by weekday for people; in messages no finer than they are."""
    when = datetime(2024, 6, 3, 14, 0)
    assert figures.stamp(when) == "2024-06-03T14:00:00Z"
    assert figures.day("2024-06-03") == "Mon 3 Jun 2024"
    assert figures.day("2024-06-03T14:00:00+01:00") == "Mon 3 Jun 2024, 14:00"
    assert figures.day("soon") == "soon"
    assert [figures.moment(one) for one in (datetime(2024, 6, 3), when, when.replace(second=5))] == [
        "2024-06-03",
        "2024-06-03 14:00",
        "2024-06-03 14:00:05",
    ]


def test_places_are_written_as_ordinals() -> None:
    """1st, 2nd, 3rd, and th for all others, the teens included."""
    assert [figures.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 112, 1003)] == (
        ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th", "1,003rd"]
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.12345, "0.123"),
        (12.345, "12.3"),
        (1234.5, "1,234"),
        (151_914.0, "151.9k"),
        (2_500_000.0, "2.5M"),
        (-0.5, "-0.5"),
    ],
)
def test_numbers_are_short_enough_for_a_table(value: float, shown: str) -> None:
    """A few digits, thousands and millions by letter."""
    assert figures.short(value) == shown


@pytest.mark.parametrize("value", [None, float("nan")])
def test_what_is_not_known_is_a_dash(value: float | None) -> None:
    """A null is shown as one."""
    assert figures.short(value) == "–"
