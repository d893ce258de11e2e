"""How facts are written, and what a ledger does with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.copilot import numberwords, render
from backend.copilot.facts import Fact, Ledger, Subject, name
from backend.copilot.scope import CannotTell
from backend.copilot.tools.compute import combine

A = Subject("series", "A")


@pytest.mark.parametrize(
    ("fact", "form", "text"),
    [
        (Fact("forecast_total", 1234.4, "pieces"), "", "1,234 pieces"),
        (Fact("change_on_last_period", -0.05), "", "−5.0 %"),
        (Fact("change_on_last_period", -0.05), "moves", "falls by 5.0 %"),
        (Fact("change_on_last_period", 0.0), "moves", "stays the same"),
        (Fact("change_on_last_year", 0.05), "by", "5.0 %"),
        (Fact("coverage", 0.801), "", "80.1 %"),
        (Fact("coverage", 0.006), "", "0.6 %"),
        (Fact("coverage", 0.0004), "", "0.04 %"),
        (Fact("coverage", 0.0), "", "0.0 %"),
        (Fact("coverage", 1.0), "", "100 %"),
        (Fact("error", 0.123, "fraction"), "", "12.3 %"),
        (Fact("error", 0.123), "", "0.12"),
        (Fact("derived_difference", -0.021, "fraction"), "", "−2.1 percentage points"),
        (Fact("derived_difference", 0.021, "fraction"), "by", "2.1 percentage points"),
        (Fact("forecast_date", "2024-06-03"), "", "Mon 3 Jun 2024"),
        (Fact("forecast_period", "2024-06-03/2024-06-04"), "", "Mon 3 Jun 2024 to Tue 4 Jun 2024"),
        (Fact("horizon_step", 1, "steps"), "", "1 step"),
        (Fact("n_series", 1, "series"), "", "1 series"),
        (Fact("rank", 12), "", "12th"),
        (Fact("interval", (1.0, 2.5), "MW"), "", "1 to 2.50 MW"),
    ],
)
def test_facts_are_written_for_people(fact, form, text):
    """Thousands, signs, units, dates and places as a reader expects them."""
    assert render.text(fact, form) == text


@pytest.mark.parametrize("concept", ["coverage", "live_coverage", "skill", "wape", "change_on_last_year", "share_zero"])
def test_shares_and_changes_are_fractions(concept):
    """Whatever tool makes the fact."""
    assert Fact(concept, 0.5).unit == "fraction"


def test_a_difference_of_shares_is_in_percentage_points_only_as_text():
    """The fact itself is a fraction; shares and other numbers are not calculated with each other."""
    high, low = Fact("coverage", 0.875), Fact("live_coverage", 0.5)
    found = combine("difference", [high, low])
    assert (found.value, found.unit, render.text(found)) == (0.375, "fraction", "+37.5 percentage points")
    for operation, other in (("difference", Fact("error", 0.5)), ("sum", low)):
        with pytest.raises(CannotTell):
            combine(operation, [high, other])


def test_a_form_that_a_kind_has_not_is_refused():
    """Only what has a direction moves."""
    with pytest.raises(ValueError, match="no form"):
        render.text(Fact("forecast_total", 1.0), "moves")


@given(st.text(min_size=1, max_size=60))
def test_names_are_no_markup(called):
    """Whatever a series is called, its markdown shows these characters and nothing else."""
    shown = render.markdown(name("series", called))
    for mark in "[]()<>!`*_|":
        at = shown.find(mark)
        while at >= 0 and mark not in "()":
            assert shown[at - 1] == "\\"
            at = shown.find(mark, at + 1)


def test_a_fact_has_one_id():
    """The same fact twice is one fact, and the names of what facts are about come before them."""
    ledger = Ledger()
    total = Fact("forecast_total", 1.0, "", (A,))
    ledger.add([total, total])
    assert [one.concept for one in ledger] == ["series", "forecast_total"]
    assert ledger.add([Fact("skill", None, "", (A,))]) == []  # what is not known is not said


def test_an_unknown_concept_is_a_mistake():
    """A fact of a concept that nobody has defined is not made."""
    with pytest.raises(KeyError):
        Fact("made_up", 1.0)


@pytest.mark.parametrize(
    "word", ["twelve", "zwölf", "douze", "dodici", "XIV", "half", "doubled", "t w e l v e", "٤", "percent"]
)
def test_number_words_are_found(word):
    """In several languages, scripts and disguises."""
    assert numberwords.find(f"about {word} of them")


@pytest.mark.parametrize("prose", ["The forecast rises.", "Sie steigt an", "an error in the backtest"])
def test_ordinary_words_are_not(prose):
    """Words that only look a little like numbers pass."""
    assert numberwords.find(prose) is None
