"""The copilot with an endpoint that does what endpoints do: answer, err, be slow, be full, and be wrong."""

import json
import time
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.backend.copilot import conftest as copilots
from tests.support.endpoint import Asked, Endpoint, Reply, calls, fails, raw, says, sleeps
from tests.support.site import Site

EXPLAIN = "/api/v1/copilot/explain"
QUESTION = {"workspace": "shop", "question": "How much will Ash/tea sell?", "unique_id": "Ash/tea"}


def good(asked: Asked) -> Reply:
    """Looks up the forecast, then writes what the rules allow."""
    if not asked.facts:
        return calls("forecast_summary", {"unique_id": "Ash/tea"})
    total, period = asked.fact("total of the forecast"), asked.fact("steps that are forecast")
    return says(f"The forecast totals {{{{{total}}}}} over {{{{{period}}}}}.")


def ask(client: TestClient, **changed: Any) -> dict[str, Any]:
    response = client.post(EXPLAIN, json={**QUESTION, **changed})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_what_the_endpoint_writes_is_rendered_from_facts(asked: TestClient, endpoint: Endpoint) -> None:
    """A draft with placeholders becomes prose with numbers, each traceable, and its tokens are counted."""
    endpoint.script = good
    found = ask(asked)
    assert (found["provider"], found["grounding"], found["model"]) == ("openai", "grounded", "scripted")
    total = next(one for one in found["facts"] if one["label"] == "total of the forecast")
    assert total["text"] in found["explanation"]
    assert total["source"].startswith("forecasts/")
    assert found["usage"] == {"requests": 2, "input_tokens": 200, "output_tokens": 40}


def test_a_refused_draft_is_repaired_once(asked: TestClient, endpoint: Endpoint) -> None:
    """The first draft says a number itself; the endpoint is told so and writes it right."""

    def script(asked: Asked) -> Reply:
        return says("About 412 pieces.") if asked.facts and asked.number == 1 else good(asked)

    endpoint.script = script
    found = ask(asked)
    assert (found["provider"], found["grounding"]) == ("openai", "grounded")
    assert b"says a number itself" in endpoint.requests[2]


def test_a_draft_that_is_refused_twice_gives_way_to_the_offline_answer(asked: TestClient, endpoint: Endpoint) -> None:
    """It is labelled as what it is, and holds nothing of the draft."""
    endpoint.script = lambda asked: says("Sales will be exactly 412 pieces.")
    found = ask(asked)
    assert (found["provider"], found["grounding"]) == ("offline", "fallback")
    assert "412" not in found["explanation"]


def test_an_endpoint_may_abstain(asked: TestClient, endpoint: Endpoint) -> None:
    """It says what is missing, without numbers."""
    endpoint.script = lambda asked: calls("not_in_the_data", {"missing": "Nothing is known about the weather."})
    found = ask(asked, question="Will it rain?")
    assert (found["grounding"], found["explanation"]) == ("abstained", "Nothing is known about the weather.")


REPLIES = {
    "status 500": fails(500),
    "status 429": fails(429, **{"Retry-After": "0"}),
    "status 401": fails(401),
    "status 404": fails(404),
    "status 503": fails(503),
    "broken JSON": raw(b"{not json"),
    "nothing": raw(b" "),
    "a list": raw(b"[]"),
    "no choices": raw(b'{"choices": []}'),
    "no message": raw(b'{"choices": [{"message": null}]}'),
    "no text": raw(b"\xff\xfe"),
    "an empty message": says(""),
    "a tool with broken arguments": calls("forecast_summary", "{not json"),
    "a tool with a number for a name": calls("forecast_summary", '{"unique_id": 7}'),
    "a tool with more than it takes": calls("forecast_summary", '{"unique_id": "Ash/tea", "and": "more"}'),
    "a tool that is not there": calls("no_such_tool"),
    "a tool of the language": calls("__import__", '{"name": "os"}'),
    "facts that are not there": calls("compute", '{"operation": "sum", "facts": ["f1", "f99"]}'),
    "an abstention with a number": calls("not_in_the_data", '{"missing": "It was 412."}'),
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_whatever_an_endpoint_does_there_is_an_answer(asked: TestClient, endpoint: Endpoint, reply: Reply) -> None:
    """Errors, nonsense and calls without end lead to the offline answer, never to an error of ours."""
    endpoint.script = lambda asked: reply
    found = ask(asked)
    assert (found["provider"], found["grounding"]) == ("offline", "fallback")
    assert len(endpoint.requests) <= 8


def test_a_request_is_retried(site: Site, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that is busy once is asked again."""
    endpoint.script = lambda asked: fails(429, **{"Retry-After": "0"}) if asked.number == 0 else good(asked)
    found = ask(copilots.connect(site, endpoint, monkeypatch, retries=2))
    assert (found["provider"], len(endpoint.requests)) == ("openai", 3)


def test_a_slow_endpoint_is_not_waited_for(site: Site, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its patience the copilot answers offline."""
    client = copilots.connect(site, endpoint, monkeypatch, patience=1, timeout=30)
    client.post(EXPLAIN, json=QUESTION)  # what is imported once
    endpoint.script = lambda asked: sleeps(20)
    start = time.perf_counter()
    assert ask(client)["grounding"] == "fallback"
    assert time.perf_counter() - start < 10


def test_tokens_have_an_end(site: Site, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a day's tokens are used up the endpoint is not asked any more."""
    endpoint.script = good
    client = copilots.connect(site, endpoint, monkeypatch, daily_tokens=200)
    assert ask(client)["provider"] == "openai"  # 240 tokens: the last one that there are tokens for
    asked = len(endpoint.requests)
    assert ask(client)["grounding"] == "fallback"
    assert len(endpoint.requests) == asked


def test_one_answer_may_not_cost_everything(site: Site, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that asks tools without end is stopped by the tokens of an answer."""
    endpoint.script = lambda asked: calls("find_series", {"text": f"tea {asked.number}"})
    client = copilots.connect(site, endpoint, monkeypatch, answer_tokens=300, requests=50, tool_calls=50)
    found = ask(client)
    assert found["grounding"] == "fallback"
    assert found["usage"]["input_tokens"] + found["usage"]["output_tokens"] <= 480
    assert len(endpoint.requests) <= 4


def test_nothing_private_leaves(site: Site, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes that leave hold no key but the endpoint's own in its header, no history, and nobody's address."""
    monkeypatch.setenv("ARTIFACT_SIGNING_KEY", "signing-canary-1234")
    endpoint.script = good
    client = copilots.connect(site, endpoint, monkeypatch)
    question = (
        "Ask jane.doe@example.com or +44 20 7946 0958, key sk-abcdefghijklmnopqrstuv, card 4111 1111 1111 1111, "
        "signing-canary-1234: how much tea?"
    )
    ask(client, question=question, history=[{"question": "I am john@example.org"}])
    sent = b"".join(endpoint.requests)
    for secret in (b"jane.doe", b"john@", b"7946", b"abcdefghijkl", b"4111", b"signing-canary", copilots.KEY.encode()):
        assert secret not in sent
    assert sent.count(b"[removed: ") >= 6
    assert endpoint.headers[0]["authorization"] == f"Bearer {copilots.KEY}"
    told = [
        json.loads(one["content"]) for one in json.loads(endpoint.requests[-1])["messages"] if one["role"] == "tool"
    ]
    for fact in (fact for answer in told for fact in answer["facts"]):
        assert set(fact) <= {"id", "is", "text", "about", "period", "say"}
    assert sum(len(answer["facts"]) for answer in told) < 60


def test_events_come_in_their_order(asked: TestClient, endpoint: Endpoint) -> None:
    """start, the tools, the text in pieces that are the explanation, its facts, and the whole."""
    endpoint.script = good
    with asked.stream("POST", "/api/v1/copilot/stream", json=QUESTION) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        blocks = "".join(response.iter_text()).split("\n\n")[:-1]
    events = [(block.split("\n")[0][7:], json.loads(block.split("\n")[1][6:])) for block in blocks]
    kinds = list(dict.fromkeys(kind for kind, _ in events))
    assert kinds == ["start", "tool", "text", "facts", "done"]
    answer = events[-1][1]
    assert "".join(content["text"] for kind, content in events if kind == "text") == answer["explanation"]
    assert answer["provider"] == "openai"


def test_a_provider_without_a_key_is_told_at_the_start(
    site: Site, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says which variable to set."""
    from pipelines.core.errors import ConfigError
    from tests.backend import conftest as backend

    monkeypatch.setenv("FORECAST_COPILOT__PROVIDER", "openai")
    monkeypatch.delenv("LLM_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="LLM_API_KEY"):
        backend.connect(site)
