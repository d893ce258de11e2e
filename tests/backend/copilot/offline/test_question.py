"""Parsing of a question about the workspace of the tests: names, times, numbers, unknown words, and follow-ups."""

import asyncio
from typing import Any

import pytest

from backend.copilot.answers import ExplainIn, Turn
from backend.copilot.offline.question import Question, understand
from tests.backend.conftest import open_scope
from tests.support.site import IDS, Site

NORTH = [name for name in IDS if name.startswith("Ash/")]


def parse(site: Site, question: str, *history: str) -> Question:
    """The parsed question, after those of `history`."""
    turns = tuple(Turn(question=one, unique_ids=()) for one in history)
    ask = ExplainIn(workspace="shop", question=question, history=turns)
    return asyncio.run(understand(open_scope(site), ask))


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is the forecast of Ash/tea?", {"series": ("Ash/tea",)}),
        ("what is the forecast of ash tea", {"series": ("Ash/tea",)}),
        ("forecast for Elm, tea", {"series": ("Elm/tea",)}),
        ("Which series of Ash are worst?", {"matching": tuple(sorted(NORTH))}),
        ("How much in the north?", {"filters": {"region": "north"}}),
        ("compare north and south", {"values": {"region": ("north", "south")}, "filters": {}}),
        ("Which region is largest?", {"attributes": ("region",)}),
        ("Is the price drifting?", {"columns": ("price",)}),
        ("How good is seasonal_naive by MAE?", {"models": ("seasonal_naive",), "metrics": ("mae",)}),
        ("tea in the south of Ash", {"nothing": True}),
        ("the 5 worst series", {"number": 5}),
        ("the three worst series", {"number": 3}),
        ("Does the 95 % interval hold?", {"level": 95, "number": None}),
        ("Is the zorblax of Ash/tea high?", {"unknown": ("zorblax",)}),
        ("What is the forcast of the whole workspace?", {"unknown": (), "is_of_all": True}),
    ],
)
def test_names_and_numbers_are_taken_from_a_question(site: Site, question: str, expected: dict[str, Any]) -> None:
    """Each part of the parsed question is what the words mean in this workspace."""
    found = parse(site, question)
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize("question", ["Will it rain on Ash/tea?", "What sells on 31 February?", "Retrain the models"])
def test_what_no_data_can_answer_is_refused_with_a_reason(site: Site, question: str) -> None:
    """Other topics, impossible dates and orders carry the reason for their refusal."""
    assert parse(site, question).refused


@pytest.mark.parametrize(
    ("question", "past"),
    [
        ("What will Ash/tea sell next week?", False),
        ("What did Ash/tea sell last week?", True),
        ("What was sold in the last 3 days?", True),
        ("forecast for tomorrow", False),
    ],
)
def test_times_are_past_or_ahead_of_the_latest_actual(site: Site, question: str, past: bool) -> None:
    """The span of the question lies on the right side of the latest actual."""
    found = parse(site, question)
    assert found.span is not None
    assert found.calendar is not None
    assert found.span.past == past
    assert (found.span.start <= found.calendar.last) == past


def test_a_follow_up_takes_its_subject_from_the_question_before(site: Site) -> None:
    """What the new question leaves out is inherited, and reported as inherited."""
    found = parse(site, "and for Elm/tea?", "What is the forecast of Ash/tea next week?")
    assert (found.series, found.inherited) == (("Elm/tea",), True)
    assert found.span is not None
    again = parse(site, "Why?", "What is the forecast of Ash/tea?")
    assert (again.series, again.inherited) == (("Ash/tea",), True)


def test_a_complete_question_inherits_nothing(site: Site) -> None:
    """A question with a subject and a verb of its own is read alone."""
    found = parse(site, "Which series are worst in all the workspace?", "What is the forecast of Ash/tea?")
    assert (found.series, found.inherited) == ((), False)
