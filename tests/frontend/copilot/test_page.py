"""The page Copilot and the boxes: over the service, and over one that answers as the worst of them would."""

import json
import re
from collections import ChainMap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from streamlit.testing.v1 import AppTest

from frontend.copilot import chat, knowledge
from tests.frontend.conftest import Answer, Asked, Open, answering
from tests.frontend.core.test_stream import STREAM, event
from tests.support.pages import texts

SOURCES = "/api/v1/knowledge/sources"
EVIL = "![x](http://evil.test/x.png) <script>alert(1)</script> $x$ :red[x]"
FACT = {
    "id": "f1",
    "label": "total of the forecast",
    "text": "1,234 pieces",
    "value": 1234.5,
    "unit": "pieces",
    "unique_id": "Ash/tea",
    "about": ["Ash/tea"],
    "period": "2024-03-25/2024-03-31",
    "source": "forecasts/x/forecasts.parquet",
    "how": "",
}
ANSWER = {
    "workspace": "shop",
    "explanation": "It totals 1,234 pieces.",
    "facts": [FACT],
    "spans": [{"start": 10, "end": 22, "fact": "f1"}],
    "citations": [],
    "grounding": "grounded",
    "provider": "openai",
    "model": "some-model",
    "usage": {"requests": 1, "input_tokens": 900, "output_tokens": 100},
    "latency_ms": 1250.0,
    "suggestions": ["And last year?"],
}


def stream(**changed: Any) -> Answer:
    """An answer as it comes."""
    answer = {**ANSWER, **changed}
    told = [("start", {}), ("tool", {"tool": "accuracy"}), ("text", {"text": answer["explanation"]}), ("done", answer)]
    return 200, [event(*one) for one in told]


@contextmanager
def playing(service: str, answers: dict[str, Answer], asked: list[Asked] | None = None) -> Iterator[str]:
    """The service where it is not told otherwise, as far as the page Copilot reads it."""
    paths = ("/workspaces", "/workspaces/shop", "/copilot/suggestions")
    with httpx2.Client(base_url=f"{service}/api/v1") as http:
        known: dict[str, Answer] = {
            f"/api/v1{path}": (200, http.get(path, params={"workspace": "shop"} if "copilot" in path else {}).json())
            for path in paths
        }
    with answering(ChainMap(answers, known), (404, {"detail": "There is nothing at this path."}), asked) as address:
        yield address


def said(app: AppTest, place: int = -1) -> dict[str, Any]:
    """What the browser is given of an answer."""
    found: dict[str, Any] = json.loads(app.get("bidi_component")[place].proto.json)
    return found


def words_of(app: AppTest, place: int = -1) -> str:
    return "".join(piece["text"] for block in said(app, place)["blocks"] for piece in block["pieces"])


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def test_a_suggested_question_is_answered_with_facts(open_page: Open) -> None:
    """Over the service itself: text, the cards of its facts, what may follow, and the question in the link."""
    app = open_page("copilot", workspace="shop")
    assert (first := labels(app))
    app = app.button[0].click().run()
    assert not app.exception
    assert app.get("text")[0].value == first[0]
    cards, pieces = said(app)["cards"], said(app)["blocks"][0]["pieces"]
    shown = [piece for piece in pieces if piece["fact"]]
    assert shown
    for piece in shown:
        assert dict(map(tuple, cards[piece["fact"]]["rows"]))["Source"]
    assert app.query_params["question"] in ([first[0]], first[0])
    assert "offline" in texts(app)


def test_a_link_asks_its_question_once(service: str, open_page: Open) -> None:
    """With the series and the page that it names; who clears the conversation clears it from the link."""
    asked: list[Asked] = []
    with playing(service, {STREAM: stream()}, asked) as address:
        app = open_page(
            "copilot", address, workspace="shop", question="How much?", series="Ash/tea", **{"from": "forecast"}
        )
        app = app.run()
        (sent,) = [json.loads(body) for _, path, body in asked if path == STREAM]
        assert sent == {
            "workspace": "shop", "question": "How much?", "page": "forecast", "unique_id": "Ash/tea", "history": [],
        }  # fmt: skip
        assert words_of(app) == ANSWER["explanation"]
        app = app.button(key="clear").click().run()
        assert not app.get("bidi_component")
        assert "question" not in app.query_params


def test_a_question_that_follows_knows_those_before(service: str, open_page: Open) -> None:
    """What was asked, and the series that it was about; typed or clicked."""
    asked: list[Asked] = []
    with playing(service, {STREAM: stream()}, asked) as address:
        app = open_page("copilot", address, workspace="shop")
        app = app.chat_input[0].set_value("  How much?  ").run()
        app = next(button for button in app.button if button.label == "And last year?").click().run()
    first, second = (json.loads(body) for _, path, body in asked if path == STREAM)
    assert first["history"] == []
    assert second["history"] == [{"question": "How much?", "unique_ids": ["Ash/tea"]}]
    assert [element.value for element in app.get("text")] == ["How much?", "And last year?"]


def test_who_answered_and_what_it_took_is_said(service: str, open_page: Open) -> None:
    """Provider, model, seconds, tokens, and that the numbers are from the data."""
    with playing(service, {STREAM: stream()}) as address:
        app = open_page("copilot", address, workspace="shop", question="How much?")
    assert "every number from the data" in texts(app)
    assert "openai" in texts(app)
    assert "1 fact: select one to see where it comes from · by some-model · 1.2 s · 1,000 tokens" in texts(app)


@pytest.mark.parametrize(
    ("grounding", "badge"), [("abstained", "Not in the data"), ("fallback", "the provider did not answer")]
)
def test_an_answer_that_is_none_looks_different(service: str, open_page: Open, grounding: str, badge: str) -> None:
    """By a badge with a sign."""
    with playing(service, {STREAM: stream(grounding=grounding, facts=[], spans=[])}) as address:
        app = open_page("copilot", address, workspace="shop", question="What is the weather?")
    assert badge in texts(app)
    assert "every number from the data" not in texts(app)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((200, [event("start", {})]), "cannot be reached"),
        ((200, [event("start", {}), event("error", {"status": 503, "detail": "It is stopping."})]), "It is stopping."),
        ((429, {"detail": "Too many requests.", "request_id": "r1"}), "Too many requests."),
        ((404, {"detail": "No series is like that."}), "No series is like that."),
        ((500, b"<html>"), "cannot be reached"),
    ],
)
def test_a_question_is_not_lost_with_its_answer(service: str, open_page: Open, answer: Answer, told: str) -> None:
    """One message, the question above it, and the way to ask it again."""
    with playing(service, {STREAM: answer}) as address:
        app = open_page("copilot", address, workspace="shop", question="How much?")
        app = app.run()
    assert not app.exception
    assert told in texts(app)
    assert app.get("text")[0].value == "How much?"
    assert "Ask again" in labels(app)


def test_an_answer_that_failed_comes_when_it_is_asked_for_again(service: str, open_page: Open) -> None:
    """In the same place, without the message."""
    answers: dict[str, Answer] = {STREAM: (503, {"detail": "Not now."})}
    with playing(service, answers) as address:
        app = open_page("copilot", address, workspace="shop", question="How much?")
        assert "Not now." in texts(app)
        answers[STREAM] = stream()
        app = next(button for button in app.button if button.label == "Ask again").click().run()
    assert "Not now." not in texts(app)
    assert words_of(app) == ANSWER["explanation"]


def test_hostile_text_is_shown_as_it_is(service: str, open_page: Open) -> None:
    """A question, a name, a suggestion and a quotation are no markdown anywhere on the page."""
    facts = [{**FACT, "text": EVIL, "unique_id": EVIL, "about": [EVIL]}]
    changed = {
        "explanation": EVIL,
        "facts": facts,
        "spans": [{"start": 0, "end": len(EVIL), "fact": "f1"}],
        "suggestions": [EVIL],
        "citations": [{"source": EVIL, "heading": EVIL, "quote": EVIL}],
        "model": EVIL,
    }
    with playing(service, {STREAM: stream(**changed)}) as address:
        app = open_page("copilot", address, workspace="shop", question=EVIL, series=EVIL)
    assert not app.exception
    assert [element.value for element in app.get("text")][:2] == [f"About {EVIL}", EVIL]
    assert words_of(app) == EVIL
    assert EVIL in [element.value for element in app.code]
    shown = [str(element.value) for kind in ("markdown", "caption") for element in app.get(kind)]
    for text in [*shown, *labels(app)]:
        assert not re.search(r"(?<!\\)(!\[|\]\(|<script|\$x)|http:/", text)


@pytest.mark.parametrize(("name", "query"), [("forecast", {"series": "Ash/tea"}), ("accuracy", {})])
def test_a_box_asks_about_what_is_on_the_page(open_page: Open, name: str, query: dict[str, str]) -> None:
    """Closed at first; opened, it suggests, and answers beneath what it is about."""
    app = open_page(name, workspace="shop", **query)
    assert not app.chat_input
    app.session_state[f"box-{name}"] = True
    app = app.run()
    assert not app.exception
    app = app.button(key=f"box-{name}-first-0").click().run()
    assert not app.exception
    assert said(app)["cards"]
    assert "Continue in Copilot" in labels(app)
    about = {row[1] for card in said(app)["cards"].values() for row in card["rows"] if row[0] == "About"}
    assert {one for one in about if "/" in one} == ({one for one in about if "Ash/tea" in one})
    assert any("Ash/tea" in one for one in about) == (name == "forecast")
    app = app.button(key=f"box-{name}-on").click().run()
    assert app.title[0].value == "Copilot"
    assert said(app)["cards"]


def test_a_turn_remembers_what_it_was_about() -> None:
    """The series on screen first, then those of its facts, each once, ten at most."""
    facts = [{**FACT, "unique_id": name} for name in ("b", "a", None, *map(str, range(20)))]
    turn = chat.Turn("?", "forecast", "a", {**ANSWER, "facts": facts})
    assert turn.series() == ["a", "b", *map(str, range(8))]


def source(**changed: Any) -> dict[str, Any]:
    return {
        "source_id": "0" * 16, "name": "Calendar.md", "kind": "note", "chunks": 2, "characters": 900,
        "added_at": "2024-05-01T12:00:00Z", "by": "ann", **changed,
    }  # fmt: skip


def test_sources_are_listed_and_notes_can_be_deleted(service: str, open_page: Open) -> None:
    """By the button in the popover that names the note; what follows from the project stays."""
    asked: list[Asked] = []
    card = source(source_id="1" * 16, name="Card of the run", kind="run_card", added_at=None, by=None)
    listed = {"workspace": "shop", "total": 2, "limit": 1000, "offset": 0, "items": [card, source(name=EVIL)]}
    answers: dict[str, Answer] = {SOURCES: (200, listed), f"{SOURCES}/{'0' * 16}": (200, source(name=EVIL))}
    with playing(service, answers, asked) as address:
        app = open_page("copilot", address, workspace="shop", view="Knowledge")
        assert app.dataframe[0].value["source"].tolist() == ["Card of the run", EVIL]
        assert app.selectbox(key="note").options == [EVIL]
        assert not [method for method, *_ in asked if method == "DELETE"]
        app = app.button(key="delete_note").click().run()
    assert not app.exception
    assert [path.partition("?")[0] for method, path, _ in asked if method == "DELETE"] == [f"{SOURCES}/{'0' * 16}"]


@pytest.mark.parametrize("name", ["Calendar.md", "notes.TXT", "paper.pdf"])
def test_a_note_is_added_as_what_it_is(service: str, open_page: Open, name: str) -> None:
    """With its name and its bytes."""
    asked: list[Asked] = []
    listed = {"workspace": "shop", "total": 0, "limit": 1000, "offset": 0, "items": []}
    kind = knowledge.KINDS[f".{name.lower().rpartition('.')[2]}"]
    with playing(service, {SOURCES: (200, {**listed, **source(name=name)})}, asked) as address:
        app = open_page("copilot", address, workspace="shop", view="Knowledge")
        app.file_uploader(key="note_file").upload(name, b"Closed on Mondays.", kind)
        app = app.button[0].click().run()
    assert not app.exception
    ((_, path, body),) = [one for one in asked if one[0] == "POST"]
    assert body == b"Closed on Mondays."
    assert f"name={name}" in path


def test_a_viewer_is_told_that_notes_need_another_role(service: str, open_page: Open) -> None:
    """In the service's words; the list stays."""
    listed = {"workspace": "shop", "total": 1, "limit": 1000, "offset": 0, "items": [source()]}
    refusal: Answer = (403, {"detail": "This needs the role analyst; the key has the role viewer."})
    with playing(service, {SOURCES: (200, listed), f"{SOURCES}/{'0' * 16}": refusal}) as address:
        app = open_page("copilot", address, workspace="shop", view="Knowledge")
        app = app.button(key="delete_note").click().run()
    assert "This needs the role analyst" in texts(app)
    assert app.dataframe
