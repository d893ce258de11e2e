"""The rules by which a draft is let through: each refuses what it is for, and lets the right sentence pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.copilot.draft import Refused, check_prose, render_draft
from backend.copilot.facts import Fact, Ledger, Subject, name

A, B = Subject("series", "A/tea"), Subject("series", "B/tea")


@pytest.fixture
def ledger() -> Ledger:
    found = Ledger()
    found.add(
        [
            name("series", "A/tea"),  # f1
            Fact("forecast_total", 120.0, "pieces", (A,), "2024-01-01/2024-01-07", "file"),  # f2
            Fact("change_on_last_period", 0.25, "", (A,), "", "file"),  # f3
            Fact("peak_value", 30.0, "pieces", (A,), "2024-01-05", "file"),  # f4
            Fact("peak_date", "2024-01-05", "", (A,), "2024-01-01/2024-01-07", "file"),  # f5
            name("series", "B/tea"),  # f6
            Fact("forecast_total", 50.0, "pieces", (B,), "2024-01-01/2024-01-07", "file"),  # f7
            Fact("skill", -0.1, "", (A,), "backtest", "file"),  # f8
            Fact("interval_level", 80, "", (A,), "80 %", "file"),  # f9
            Fact("coverage", 0.79, "", (A,), "80 %", "file"),  # f10
            Fact("interval_level", 95, "", (A,), "95 %", "file"),  # f11
            Fact("coverage", 0.96, "", (A,), "95 %", "file"),  # f12
            Fact("forecast_total", 170.0, "pieces", (), "2024-01-01/2024-01-07", "file"),  # f13
            Fact("rank", 1, "", (A,), "highest error", "file"),  # f14
        ]
    )
    return found


RIGHT = [
    "The forecast of {{f1}} totals {{f2}}.",
    "The forecast of {{f1}} totals {{f2}}. Against the last period it {{f3:moves}}.",
    "{{f1}} peaks at {{f4}} on {{f5}}.",
    "The forecast of {{f1}} totals {{f2}}, and that of {{f6}} is forecast at a total of {{f7}}.",
    "Of {{f1}} the {{f9}} interval covered {{f10}}, and the {{f11}} interval covered {{f12}}.",
    "The forecast of the whole workspace totals {{f13}}.",
    "The worst is {{f1}}, in {{f14}} place.",
    "The skill of {{f1}} is {{f8}}.",
]
WRONG = {
    "a digit": "The forecast of {{f1}} totals 120.",
    "a number word": "The forecast of {{f1}} totals {{f2}}, a dozen more.",
    "a multiple": "The forecast of {{f1}} doubled to a total of {{f2}}.",
    "an unknown fact": "The forecast of {{f1}} totals {{f99}}.",
    "a form that a total has not": "The forecast of {{f1}} totals {{f2:moves}}.",
    "another series' fact": "The forecast of {{f1}} totals {{f7}}.",
    "a fact without its series": "The forecast totals {{f2}}.",
    "the workspace's fact": "The forecast of {{f1}} totals {{f13}}.",
    "a peak in place of a total": "The forecast of {{f1}} totals {{f4}}.",
    "a total in place of a peak": "{{f1}} peaks at {{f2}} on {{f5}}.",
    "a date in place of a value": "{{f1}} peaks at {{f5}}.",
    "a value in place of a date": "{{f1}} peaks on {{f4}}.",
    "the other direction": "Against the last period {{f1}} falls by {{f3:by}}.",
    "a denied change": "Against the last period {{f1}} does not {{f3:moves}}.",
    "a direction without its fact": "The forecast of {{f1}} is rising.",
    "a superlative without its fact": "The forecast of {{f1}} is the highest: it totals {{f2}}.",
    "the other superlative": "The best is {{f1}}, in {{f14}} place.",
    "better where it is worse": "{{f1}} is better, with a skill of {{f8}}.",
    "the coverage of another level": "Of {{f1}} the {{f9}} interval covered {{f12}}.",
    "a level as an amount": "The forecast of {{f1}} totals {{f9}}.",
    "a link": "The forecast of {{f1}} totals {{f2}}, see https://a.example.",
    "a picture": "The forecast of {{f1}} totals {{f2}} ![x](y)",
    "HTML": "The forecast of {{f1}} totals {{f2}} <b>now</b>",
    "nothing": "  ",
    "half a placeholder": "The forecast of {{f1}} totals {{f2}.",
}


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_passes(ledger, text):
    """A sentence whose facts are in their places is rendered, and every fact has its span."""
    found = render_draft(text, ledger)
    assert [one.fact for one in found.spans]
    assert "{{" not in found.text
    assert all(found.text[one.start : one.end] for one in found.spans)


@pytest.mark.parametrize("why", WRONG)
def test_what_is_wrong_is_refused(ledger, why):
    """A draft is refused for each of the reasons there are."""
    with pytest.raises(Refused):
        render_draft(WRONG[why], ledger)


def test_a_series_in_the_prose_is_refused(ledger):
    """Only a fact may name a series."""
    with pytest.raises(Refused, match="names the series"):
        render_draft("The forecast of a/tea totals {{f2}}.", ledger, names={"a/tea"})


def test_the_series_on_screen_need_not_be_named(ledger):
    """A sentence may speak of what the question is about."""
    assert "120 pieces" in render_draft("The forecast totals {{f2}}.", ledger, focus=(A,)).text


@given(st.integers(), st.sampled_from(["{}", "x{}", "{}th", "-{}", "({})"]))
def test_no_number_gets_through(value, form):
    """Whatever the number and whatever stands around it."""
    with pytest.raises(Refused):
        check_prose("It comes to " + form.format(value))


@given(st.text(max_size=80))
def test_what_passes_holds_no_digit(prose):
    """Prose that passes holds no character that is a number in any script."""
    try:
        check_prose(prose)
    except Refused:
        return
    assert not any(char.isnumeric() for char in prose)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz ", min_size=1, max_size=40), st.integers(0, 30))
def test_invisible_letters_hide_nothing(word, at):
    """A number word with an invisible letter within is found like without."""
    for said in ("twelve", "doubled", "percent"):
        hidden = f"{said[:3]}\u200b{said[3:]}"
        with pytest.raises(Refused):
            check_prose(f"{word[:at]} {hidden} {word[at:]}")
