"""A real HTTP server that speaks the chat protocol of OpenAI, and says what a script tells it to."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.serving import Quiet, answering

Reply = dict[str, Any]
Script = Callable[["Asked"], Reply]


@dataclass(frozen=True)
class Asked:
    """A request as it came: its number from 0, and what is in it."""

    number: int
    body: dict[str, Any]

    @property
    def facts(self) -> dict[str, dict[str, Any]]:
        """All facts that tools gave so far, by their ids."""
        found: dict[str, dict[str, Any]] = {}
        for message in self.body["messages"]:
            if message["role"] == "tool" and str(message["content"]).startswith("{"):
                found |= {fact["id"]: fact for fact in json.loads(message["content"]).get("facts", [])}
        return found

    def fact(self, label: str) -> str:
        """The id of the first fact with this label."""
        return next(name for name, fact in self.facts.items() if fact["is"] == label)


def says(text: str) -> Reply:
    return {"message": {"role": "assistant", "content": text}}


def calls(name: str, arguments: dict[str, Any] | str | None = None) -> Reply:
    """Asks a tool; `arguments` as text go out as they are."""
    given = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    call = {"id": f"call-{time.monotonic_ns()}", "type": "function", "function": {"name": name, "arguments": given}}
    return {"message": {"role": "assistant", "content": None, "tool_calls": [call]}}


def calls_all(*wanted: tuple[str, dict[str, Any]]) -> Reply:
    """Asks several tools at once."""
    asked = [calls(name, arguments)["message"]["tool_calls"][0] for name, arguments in wanted]
    return {"message": {"role": "assistant", "content": None, "tool_calls": asked}}


def fails(status: int, **headers: str) -> Reply:
    return {"status": status, "headers": headers, "raw": b'{"error": {"message": "no luck"}}'}


def raw(content: bytes) -> Reply:
    return {"raw": content}


def whole(**changed: Any) -> Reply:
    """An answer as it should be but for what is changed; None leaves a key out."""
    content = {**_completion(says("fine")["message"]), **changed}
    return raw(json.dumps({name: value for name, value in content.items() if value is not None}).encode())


def sleeps(seconds: float) -> Reply:
    return {**says("too late"), "delay": seconds}


@dataclass
class Endpoint:
    """`requests`: the bodies as they came, byte for byte; `headers` with them."""

    url: str
    script: Script
    requests: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def serving(script: Script = lambda asked: says("")) -> Iterator[Endpoint]:
    """The server on a free port of this machine; its script may be changed while it runs."""

    class Handler(Quiet):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            found.requests.append(content)
            found.headers.append({name.lower(): value for name, value in self.headers.items()})
            reply = found.script(Asked(len(found.requests) - 1, json.loads(content)))
            time.sleep(reply.get("delay", 0))
            answer = reply.get("raw") or json.dumps(_completion(reply["message"])).encode()
            try:
                self.send_response(reply.get("status", 200))
                for name, value in {"Content-Type": "application/json", **reply.get("headers", {})}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
            except OSError:
                pass  # the client did not wait

    found = Endpoint("", script)
    with answering(Handler) as address:
        found.url = f"{address}/v1"
        yield found


def _completion(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "completion",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "scripted",
        "choices": [
            {"index": 0, "message": message, "finish_reason": "tool_calls" if message.get("tool_calls") else "stop"}
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }
