"""Sentences of the offline planner: templates with slots for facts."""

from backend.copilot.facts import Fact, Subject
from backend.copilot.offline.prose import Call, Found, call, listed, placeholder

SHOP = Subject("series", "shop")
TOTAL = Fact("forecast_total", 12.0, "pieces", (SHOP,), "", "forecasts.parquet", id="f1")
WIDE = Fact("n_series", 3, "count", (), "", "forecasts.parquet", id="f2")


def test_a_template_is_filled_only_if_every_fact_is_known() -> None:
    """A sentence with a missing fact is left out, and the others stay."""
    found = Found((TOTAL, WIDE))
    said = found.say("It totals {forecast_total}.", "It peaks at {peak_value}.", "There are {n_series:by} series.")
    assert said == "It totals {{f1}}. There are {{f2:by}} series."


def test_facts_are_selected_by_their_subjects() -> None:
    """`about` keeps the facts of exactly these subjects, `whole` those of the workspace."""
    found = Found((TOTAL, WIDE))
    assert found.about(SHOP).facts == (TOTAL,)
    assert found.whole().facts == (WIDE,)
    assert found.subjects("series") == [SHOP]
    assert (found.number("n_series"), found.number("peak_value")) == (3.0, None)


def test_results_of_two_calls_are_joined_in_order() -> None:
    """The facts keep their order, and the first note is kept."""
    both = Found((TOTAL,), "first") + Found((WIDE,), "second")
    assert (both.facts, both.note) == ((TOTAL, WIDE), "first")


def test_a_call_has_no_empty_arguments() -> None:
    """Arguments that are None are left to the tool's defaults."""
    assert call("forecast", unique_id="shop", level=None) == Call("forecast", {"unique_id": "shop"})


def test_names_are_listed_with_and() -> None:
    """Commas separate all but the last."""
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert placeholder(TOTAL, "moves") == "{{f1:moves}}"
