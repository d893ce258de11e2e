"""An endpoint that answers badly, not at all, or with a bill that cannot be: bounded in time, told, and paid as it was."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from backend.copilot import breaker
from backend.copilot.agent import Copilot
from backend.copilot.breaker import FAILURES, REST, Breaker
from backend.core.metrics import Metrics
from backend.knowledge.embeddings import EmbeddingFailed, Provider
from tests.backend.conftest import part
from tests.backend.copilot import conftest as copilots
from tests.backend.copilot.test_endpoint import ask, good
from tests.support import endpoint as endpoints
from tests.support.endpoint import Asked, Endpoint, Reply, fails, raw, says, sleeps, whole
from tests.support.site import Site

CHOICE = {"index": 0, "finish_reason": "stop"}
MALFORMED: dict[str, Reply] = {
    "no choices": whole(choices=[]),
    "choices that are null": whole(choices=None),
    "choices that are a text": whole(choices="none"),
    "a choice that is null": whole(choices=[None]),
    "a choice that is a number": whole(choices=[5]),
    "a choice without a message": whole(choices=[CHOICE]),
    "a message that is a text": whole(choices=[{**CHOICE, "message": "hello"}]),
    "no content": whole(choices=[{**CHOICE, "message": {"role": "assistant", "content": None}}]),
    "content that is a number": whole(choices=[{**CHOICE, "message": {"role": "assistant", "content": 5}}]),
    "content that is a list": whole(choices=[{**CHOICE, "message": {"role": "assistant", "content": [1]}}]),
    "tool calls that are a text": whole(choices=[{**CHOICE, "message": {"role": "assistant", "tool_calls": "x"}}]),
    "a tool call without a function": whole(choices=[{**CHOICE, "message": {"role": "assistant", "tool_calls": [{}]}}]),
    "an id that is a list": whole(id=[], choices=[]),
    "a time beyond the calendar": whole(created=10**30),
    "HTML": {**raw(b"<html><body>Bad gateway</body></html>"), "headers": {"Content-Type": "text/html"}},
    "half of it": raw(whole()["raw"][:-40]),
    "null": raw(b"null"),
    "a text": raw(b'"hello"'),
    "nothing": {**raw(b" "), "headers": {"Content-Length": "0"}},
    "deep nesting": raw(b"[" * 100_000),
    "an error in an answer": raw(b'{"error": {"message": "overloaded"}}'),
}


@pytest.fixture(autouse=True)
def _imported(asked: TestClient, endpoint: Endpoint) -> None:
    """What is imported with the first question counts for no test."""
    endpoint.script = good
    ask(asked)
    endpoint.requests.clear()


def figure(client: TestClient, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)


@pytest.mark.parametrize("reply", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_reply_ends_in_the_built_in_answer(asked: TestClient, endpoint: Endpoint, reply: Reply) -> None:
    """Within seconds, with a note that says why, and never with an error of ours."""
    endpoint.script = lambda asked: reply
    start = time.perf_counter()
    found = ask(asked)
    assert (found["provider"], found["grounding"]) == ("offline", "fallback")
    assert found["note"].startswith("Built-in answer: the endpoint ")
    assert time.perf_counter() - start < 10


def test_a_reply_without_end_is_not_read_to_its_end(asked: TestClient, endpoint: Endpoint) -> None:
    """A few MiB are more than any answer has: the rest is left where it is."""
    endpoint.script = lambda asked: raw(b'{"choices": [' + b" " * 12 * 2**20 + b"]}")
    assert ask(asked)["note"] == "Built-in answer: the endpoint could not be reached."


@pytest.mark.parametrize(
    ("reply", "note"),
    [
        (fails(500), "answered with status 500"),
        (fails(401), "answered with status 401"),
        (whole(choices=[]), "sent a reply that cannot be read"),
        (says("It will be 412."), "wrote what the facts do not support"),
        (sleeps(5), "did not answer within 1 s"),
    ],
)
def test_the_note_says_why(
    site: Site, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, reply: Reply, note: str
) -> None:
    """Each in its own words; of an answer that is shown there is no note."""
    client = copilots.connect(site, endpoint, monkeypatch, patience=1)
    endpoint.script = good
    assert ask(client)["note"] == ""
    endpoint.script = lambda asked: reply
    assert ask(client)["note"] == f"Built-in answer: the endpoint {note}."


def test_an_endpoint_that_keeps_failing_is_left_alone(
    asked: TestClient, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three failures nobody waits for it; after a rest one question probes, and its success lets all through."""
    now = 1000.0
    service = part(asked, Copilot)
    monkeypatch.setattr(service._breaker, "_clock", lambda: now)
    endpoint.script = lambda asked: fails(503)
    for _ in range(FAILURES):
        assert "status 503" in ask(asked)["note"]
    reached = len(endpoint.requests)
    found = ask(asked)
    assert found["note"] == "Built-in answer: the endpoint keeps failing. It is asked again in 30 s."
    assert len(endpoint.requests) == reached
    assert figure(asked, "copilot_endpoint_open") == 1
    assert figure(asked, 'copilot_endpoint_requests_total{outcome="skipped"}') == 1
    now += REST
    assert "status 503" in ask(asked)["note"]  # the probe fails: it is left alone again
    assert "keeps failing" in ask(asked)["note"]
    now += REST
    endpoint.script = good
    assert ask(asked)["provider"] == ask(asked)["provider"] == "openai"
    assert figure(asked, "copilot_endpoint_open") == 0


def test_what_a_model_writes_opens_no_breaker(asked: TestClient, endpoint: Endpoint) -> None:
    """An endpoint that answers is asked, however often its drafts are refused."""
    endpoint.script = lambda asked: says("It will be 412.")
    for _ in range(FAILURES + 2):
        assert "do not support" in ask(asked)["note"]


def test_one_question_at_a_time_probes() -> None:
    """Others that come meanwhile are told to wait; one that is given up lets the next probe."""
    now = 0.0
    found = Breaker(Metrics(), lambda: now)
    for _ in range(FAILURES):
        assert found.wait() == 0
        found.failed()
    assert found.wait() == REST
    now = REST
    assert found.wait() == 0
    assert found.wait() > 0
    found.gave_up()
    assert found.wait() == 0
    found.succeeded()
    assert [found.wait(), found.wait()] == [0, 0]
    assert breaker.REST >= 10


def test_many_questions_at_once_are_bounded_in_time(
    site: Site, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endpoint that hangs costs the questions of one moment their patience, and later ones nothing."""
    endpoint.script = lambda asked: sleeps(4)
    with (
        copilots.connect(site, endpoint, monkeypatch, patience=1) as client,  # one loop for all, as in a service
        ThreadPoolExecutor(4) as pool,
    ):
        notes = list(pool.map(lambda _: ask(client)["note"], range(4)))
        assert all("did not answer" in note or "keeps failing" in note for note in notes)
        reached = len(endpoint.requests)
        assert "keeps failing" in ask(client)["note"]
        assert len(endpoint.requests) == reached


def billed(usage: Any) -> Callable[[Asked], Reply]:
    """The good script, with these figures for each of its replies."""

    def script(asked: Asked) -> Reply:
        message = good(asked)["message"]
        finish = "tool_calls" if message.get("tool_calls") else "stop"
        return whole(choices=[{"index": 0, "message": message, "finish_reason": finish}], usage=usage)

    return script


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        {"prompt_tokens": -(10**9), "completion_tokens": -5, "total_tokens": -5},
        {"prompt_tokens": 10**9, "completion_tokens": 10**9, "total_tokens": 2 * 10**9},
        {"prompt_tokens": 10**30, "completion_tokens": 1, "total_tokens": 1},
        {"prompt_tokens": "many", "completion_tokens": "12", "total_tokens": "x"},
        {"prompt_tokens": 1.5, "completion_tokens": 2.5, "total_tokens": 4},
        {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
        {"prompt_tokens": True, "completion_tokens": [], "total_tokens": {}},
        "none",
        [1, 2],
        5,
    ],
    ids=lambda usage: json.dumps(usage)[:40],
)
def test_a_bill_that_cannot_be_is_not_believed(asked: TestClient, endpoint: Endpoint, usage: Any) -> None:
    """What is missing, negative or no number is estimated; more than was sent and may be written is cut."""
    endpoint.script = billed(usage)
    found = ask(asked)["usage"]
    sent = sum(map(len, endpoint.requests))
    assert found["requests"] == len(endpoint.requests)
    assert sent / 8 <= found["input_tokens"] <= sent
    assert 0 <= found["output_tokens"] <= 900 * found["requests"]
    endpoint.script = good
    assert ask(asked)["provider"] == "openai"  # the key is not blocked


def test_what_nobody_can_read_is_paid_for_as_well(
    site: Site, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an endpoint that answers nonsense would cost nothing of the day's tokens."""
    client = copilots.connect(site, endpoint, monkeypatch, daily_tokens=100)
    endpoint.script = lambda asked: whole(choices=[])
    assert ask(client)["usage"]["input_tokens"] > 100
    reached = len(endpoint.requests)
    assert "tokens of this key are used up" in ask(client)["note"]
    assert len(endpoint.requests) == reached


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nothing_follows_a_redirect(asked: TestClient, endpoint: Endpoint, status: int) -> None:
    """Neither a question nor a text to embed reaches whoever the endpoint names."""
    with endpoints.serving(good) as other:
        endpoint.script = lambda asked: fails(status, Location=f"{other.url}/chat/completions")
        assert "redirects to another address, which is refused" in ask(asked)["note"]
        with pytest.raises(EmbeddingFailed):
            Provider("small", endpoint.url, copilots.KEY).embed(["text"])
        assert other.requests == []
