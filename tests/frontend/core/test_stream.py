"""The answer of the copilot as it comes over the wire: events in pieces, and streams that break."""

import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from frontend.core.client import ApiDown, ApiError, Client
from frontend.core.settings import Settings
from tests.frontend.conftest import Answer, Asked, answering

STREAM = "/api/v1/copilot/stream"
QUESTION = {"workspace": "shop", "question": "How much?"}


def event(kind: str, content: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(content, ensure_ascii=False)}\n\n".encode()


EVENTS = [
    ("start", {"workspace": "shop"}),
    ("tool", {"tool": "accuracy"}),
    ("text", {"text": "Zürich \u2028 日本 \x85"}),
]
DONE = ("done", {"explanation": "Zürich"})


def heard(answer: Answer, asked: list[Asked] | None = None) -> list[tuple[str, Any]]:
    """All events of an answer."""
    with answering({STREAM: answer}, asked=asked) as address:
        return list(Client(Settings(api_url=address, api_timeout=10)).stream("copilot", "stream", body=QUESTION))


@pytest.mark.parametrize(
    "cut",
    [
        lambda sent: [sent],
        lambda sent: [sent[at : at + 1] for at in range(len(sent))],  # within letters and within line ends
        lambda sent: [sent.replace(b"\n", b"\r\n")],
        lambda sent: [b": a comment\n\n", sent.replace(b"event: tool", b": another\nid: 7\nretry: 5\nevent: tool")],
    ],
)
def test_events_are_read_however_they_are_cut(cut: Callable[[bytes], list[bytes]]) -> None:
    """In one piece, byte by byte, with other line ends, with comments between."""
    asked: list[Asked] = []
    sent = b"".join(event(*one) for one in [*EVENTS, DONE])
    assert heard((200, cut(sent)), asked) == [*EVENTS, DONE]
    ((method, path, body),) = asked
    assert (method, path, json.loads(body)) == ("POST", STREAM, QUESTION)


def test_data_of_many_lines_is_one_event() -> None:
    """Joined by line ends, as the standard has it."""
    assert heard((200, [b'event: done\ndata: {"explanation":\ndata: "x"}\n\n'])) == [("done", {"explanation": "x"})]


@pytest.mark.parametrize(
    "sent",
    [
        [],
        [event("start", {})],
        [event("start", {}), event(*DONE)[:-9]],
        [b"event: text\ndata: {no json\n\n"],
        [b"event: text\ndata: 7\n\n"],
        [b'event: error\ndata: {"detail": "no status"}\n\n'],
    ],
)
def test_a_stream_that_breaks_off_is_a_service_that_is_down(sent: list[bytes]) -> None:
    """Never a short answer that passes for the whole."""
    with pytest.raises(ApiDown):
        heard((200, sent))


@pytest.mark.parametrize("answer", [(200, {"an": "answer that is no stream"}), (502, b"<html>"), (200, b"")])
def test_what_is_no_stream_is_a_service_that_is_down(answer: Answer) -> None:
    """Such as the page of a proxy."""
    with pytest.raises(ApiDown):
        heard(answer)


def test_an_error_on_the_way_is_told_in_its_words() -> None:
    """With its status, as if it had come first."""
    with pytest.raises(ApiError, match="It is stopping") as told:
        heard((200, [event("start", {}), event("error", {"status": 503, "detail": "It is stopping."})]))
    assert told.value.status == 503


def test_a_refusal_before_the_stream_is_told_in_its_words() -> None:
    """With the id of the request."""
    with pytest.raises(ApiError, match="Too many") as told:
        heard((429, {"detail": "Too many requests.", "request_id": "r1"}))
    assert (told.value.status, told.value.request_id) == (429, "r1")


def test_nobody_there_is_a_service_that_is_down() -> None:
    """As with every other question."""
    with pytest.raises(ApiDown):
        list(Client(Settings(api_url="http://127.0.0.1:9")).stream("copilot", "stream", body=QUESTION))


def test_who_stops_listening_leaves() -> None:
    """The stream is closed with the loop that reads it."""
    with (
        answering({STREAM: (200, [event(*one) for one in [*EVENTS, DONE]])}) as address,
        closing(Client(Settings(api_url=address)).stream("copilot", "stream", body=QUESTION)) as events,
    ):
        assert next(events) == EVENTS[0]
