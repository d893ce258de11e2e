"""The stream of events: what a client is told before it begins, and what becomes of the work when the client leaves."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from backend.copilot.agent import Copilot
from backend.copilot.scope import CannotTell

STREAM = "/api/v1/copilot/stream"
QUESTION = {"workspace": "shop", "question": "How accurate are the forecasts?"}


def test_a_question_about_no_workspace_is_a_problem_and_no_stream(client: TestClient) -> None:
    """The status is right: nothing is sent before the workspace is known to exist."""
    answer = client.post(STREAM, json={**QUESTION, "workspace": "nowhere"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_events_are_as_a_browser_reads_them(client: TestClient) -> None:
    """One `event:` and one `data:` a block, JSON in the latter; no proxy holds them back."""
    answer = client.post(STREAM, json=QUESTION)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    blocks = [block.split("\n") for block in answer.text.split("\n\n")[:-1] if not block.startswith(":")]
    assert all([line.partition(": ")[0] for line in block] == ["event", "data"] for block in blocks)
    told = {kind.removeprefix("event: "): json.loads(data.removeprefix("data: ")) for kind, data in blocks}
    assert told["start"] == {"workspace": "shop"}
    assert told["done"]["facts"] == told["facts"]["facts"]


def visit(client: TestClient, sent: Callable[[bytes], Awaitable[bool]]) -> None:
    """Asks without a buffer between; `sent` is given each piece of the body, and says whether the client stays."""

    async def asking() -> None:
        left = asyncio.Event()
        waiting = [{"type": "http.request", "body": json.dumps(QUESTION).encode(), "more_body": False}]

        async def receive() -> dict[str, Any]:
            if waiting:
                return waiting.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.body" and not await sent(message["body"]):
                left.set()

        headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "path": STREAM,
            "raw_path": STREAM.encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "headers": headers,
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        async with asyncio.timeout(30):
            await client.app(scope, receive, send)  # type: ignore[arg-type]

    asyncio.run(asking())


def test_the_work_ends_with_its_client(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that leaves after the first event pays for no answer."""
    ended: list[str] = []

    async def endless(*_: Any) -> None:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def leaving(piece: bytes) -> bool:
        return b"event: start" not in piece

    monkeypatch.setattr(Copilot, "answer", endless)
    visit(client, leaving)
    assert ended == ["cancelled"]


def test_a_slow_client_gets_every_event(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes to read one: longer than the service waits for the next."""
    read: list[str] = []

    async def failing(*given: Any) -> None:
        for tool in ("accuracy", "drift_and_alerts"):
            given[-1](tool)
        await asyncio.sleep(0.01)
        raise CannotTell("no series is called so")

    async def slowly(piece: bytes) -> bool:
        await asyncio.sleep(0.3)
        read.extend(re.findall("event: (.*)", piece.decode()))
        return True

    monkeypatch.setattr(Copilot, "answer", failing)
    visit(client, slowly)
    assert read == ["start", "tool", "tool", "error"]
