"""Limits of a connection: each kind of slow or greedy client is closed, and no other."""

import asyncio
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from backend.core import connections
from backend.core.connections import GuardedProtocol, Pace, sweep

LARGE = 3 * 2**20
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers with the length of what was sent; /large with three megabytes, /events with pauses, /slow after one."""
    path, length, more = scope["path"], 0, True
    if path == "/slow":
        await asyncio.sleep(0.6)
    while more and path != "/early":
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length, more = length + len(message["body"]), message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if path == "/events":
        for _ in range(3):
            await send({"type": "http.response.body", "body": b"data: x\n\n", "more_body": True})
            await asyncio.sleep(0.5)
    body = b"x" * LARGE if path == "/large" else str(length).encode()
    await send({"type": "http.response.body", "body": body, "more_body": False})


class Swept(uvicorn.Server):
    """Looks for slow clients at each tick, ten times as often as the service."""

    async def on_tick(self, counter: int) -> bool:
        sweep(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)


@contextmanager
def serving() -> Iterator[tuple[int, uvicorn.Server]]:
    """The port of a server with these limits."""
    config = uvicorn.Config(app, port=0, http=GuardedProtocol, ws="none", lifespan="off", log_config=None)
    server = Swept(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1], server
    server.should_exit = server.force_exit = True
    thread.join(10)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server that waits for half a second where the service waits for ten."""
    monkeypatch.setattr(connections, "PATIENCE", 0.5)
    monkeypatch.setattr(connections, "WINDOW", 0.5)
    with serving() as (found, _):
        yield found


def connect(port: int, *pieces: bytes, receive: int = 0) -> socket.socket:
    """A client that has sent these pieces; `receive`: the size of its buffer."""
    client = socket.socket()
    if receive:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    client.settimeout(10)
    client.connect(("127.0.0.1", port))
    for piece in pieces:
        client.sendall(piece)
    return client


def answer(client: socket.socket) -> bytes:
    """All that the service sends until it closes the connection."""
    found = b""
    try:
        while piece := client.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    finally:
        client.close()
    return found


def status(client: socket.socket) -> int:
    """The status of the answer; 0 without one."""
    found = answer(client).split(b" ", 2)
    return int(found[1]) if len(found) > 1 else 0


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD, b"X-A: ", b"a" * 70_000],
        [HEAD, b"a" * 70_000],
        [b"GET /" + b"a" * 70_000],
        [HEAD, b"X-A: b\r\n" * 101],
        [HEAD, b"X-A: b\r\n" * 101, b"\r\n"],
        [HEAD, b"X-A: b\r\n" * 9000],
        [b"\r\n" * 40_000],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: ", b"a" * 90_000],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;x=", b"a" * 90_000],
        [HEAD + b"\r\n" + HEAD, b"X-A: " + b"a" * 90_000],
    ],
    ids=["value", "name", "line", "count", "count, whole", "many", "empty lines", "trailer", "extension", "second"],
)
def test_what_belongs_to_no_body_is_limited(port: int, pieces: list[bytes]) -> None:
    """A header, a request line, headers, trailers or extensions of chunks without end: 431 as a problem, and closed."""
    found = answer(connect(port, *pieces)).split(b"HTTP/1.1 ")[-1]
    head, _, body = found.partition(b"\r\n\r\n")
    if head:  # where bytes are still on the way, the reset may overtake the answer
        assert head.startswith(b"431 Request Header Fields Too Large\r\n")
        assert b"content-type: application/problem+json\r\n" in head
        assert (json.loads(body)["status"], json.loads(body)["title"]) == (431, "Request Header Fields Too Large")


@pytest.mark.parametrize(
    "pieces",
    [
        [HEAD, b"X-A: " + b"a" * 40_000 + b"\r\n", b"Connection: close\r\n\r\n"],
        [HEAD, b"X-A: b\r\n" * 95, b"Connection: close\r\n\r\n"],
        [HEAD + b"\r\n" + HEAD + b"Connection: close\r\n\r\n"],
        [b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 300000\r\n\r\n", b"x" * 300_000],
        [
            b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1\r\nx\r\n" * 30_000 + b"0\r\nX-A: b\r\n\r\n",
        ],
    ],
    ids=["long header", "many headers", "pipelined", "body", "small chunks"],
)
def test_large_requests_within_the_limits_are_answered(port: int, pieces: list[bytes]) -> None:
    """Long headers, many of them, two requests at once, bodies far over the limit of a header, chunks of one byte."""
    assert answer(connect(port, *pieces)).count(b"HTTP/1.1 200 OK") == max(1, pieces[0].count(b"GET"))


def in_pieces(client: socket.socket, pieces: list[bytes], pause: float) -> int:
    """The status that a client gets which sends slowly."""
    for piece in pieces:
        try:
            client.sendall(piece)
        except OSError:
            break
        time.sleep(pause)
    return status(client)


def test_slow_requests_are_closed_and_slow_uploads_are_not(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a head, a byte of it now and then, half a body: 408. Nothing at all: closed. A body that moves on: 200."""
    monkeypatch.setattr(connections, "RATE", 100)
    body = b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n"
    answered = b"POST /early HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    clients: dict[str, tuple[list[bytes], float]] = {
        "half a head": ([HEAD], 0),
        "bytes of a head": ([HEAD, *[b"X"] * 30], 0.1),
        "nothing": ([], 0),
        "empty lines": ([b"\r\n"] * 30, 0.1),
        "half a body": ([body + b"x"], 0),
        "bytes of a body": ([body, *[b"x"] * 30], 0.1),
        "body after its answer": ([answered, *[b"x"] * 30], 0.1),
        "a slow upload": ([body, *[b"x" * 50] * 20], 0.1),
    }
    start = time.monotonic()
    with ThreadPoolExecutor(len(clients)) as pool:
        waiting = {
            name: pool.submit(in_pieces, connect(port), pieces, pause) for name, (pieces, pause) in clients.items()
        }
        found = {name: one.result() for name, one in waiting.items()}
    assert found == {
        "half a head": 408,
        "bytes of a head": 408,
        "nothing": 0,
        "empty lines": 0,
        "half a body": 408,
        "bytes of a body": 408,
        "body after its answer": 200,
        "a slow upload": 200,
    }
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("path", ["/events", "/slow"])
def test_clients_that_wait_for_the_service_are_not_closed(port: int, path: str) -> None:
    """A stream with pauses and an answer that takes longer than a client may."""
    found = answer(connect(port, f"GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode()))
    assert found.startswith(b"HTTP/1.1 200 OK")
    assert found.endswith(b"0\r\n\r\n")


def test_a_body_that_the_service_has_not_asked_for_is_waited_for(port: int) -> None:
    """`Expect: 100-continue`: the client may wait for as long as the service takes to ask."""
    head = b"POST /slow HTTP/1.1\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    client = connect(port, head)
    assert client.recv(1000).startswith(b"HTTP/1.1 100 Continue")
    client.sendall(b"xy")
    assert answer(client).startswith(b"HTTP/1.1 200 OK")


def test_answers_that_nobody_reads_are_dropped(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads nothing or a few bytes is closed; who reads slowly gets everything."""
    monkeypatch.setattr(connections, "RATE", 20_000)
    asked = b"GET /large HTTP/1.1\r\nConnection: close\r\n\r\n"

    def read(piece: int, pause: float) -> int:
        client, got = connect(port, asked, receive=4096), 0
        try:
            for _ in range(15):
                got += len(client.recv(piece))
                time.sleep(pause)
            return got + len(answer(client))
        except OSError:
            return got

    with ThreadPoolExecutor(3) as pool:
        little, more, slowly = pool.map(read, [1, 100, 60_000], [0.1] * 3)
    assert little < LARGE
    assert more < LARGE
    assert slowly > LARGE


def test_unread_answers_take_no_more_than_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of forty clients that read nothing, those are closed that have read nothing for longest; a new one gets its answer."""
    monkeypatch.setattr(connections, "MAX_HELD", 3 * LARGE)
    asked = b"GET /large HTTP/1.1\r\nConnection: close\r\n\r\n"
    with serving() as (port, server):
        clients = [connect(port, asked, receive=4096) for _ in range(40)]
        assert len(answer(connect(port, asked))) > LARGE
        held = [one.transport.get_write_buffer_size() for one in set(server.server_state.connections)]  # type: ignore[union-attr]
        assert 1 <= sum(size > 0 for size in held) <= 3
        for client in clients:
            client.close()


def test_incomplete_bodies_take_no_more_than_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those are closed that have sent nothing for longest; one that is sent at once is answered, and an upload is none of them."""
    monkeypatch.setattr(connections, "MAX_HELD", 2 * LARGE)
    head = "POST {} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n".format
    with serving() as (port, server):
        upload = connect(port, head("/a/uploads", 3 * LARGE).encode(), b"x" * (3 * LARGE - 1))
        clients = [connect(port, head("/", LARGE + 1).encode(), b"x" * LARGE) for _ in range(6)]
        time.sleep(0.5)  # by then the service has read what they have sent
        assert status(connect(port, head("/", LARGE).encode(), b"x" * LARGE)) == 200
        assert sum(one.cycle.more_body for one in set(server.server_state.connections) if one.cycle) <= 3  # type: ignore[union-attr]
        upload.sendall(b"x")
        assert answer(upload).endswith(str(3 * LARGE).encode() + b"\r\n0\r\n\r\n")
        for client in clients:
            client.close()


def test_a_crowd_of_idle_connections_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that has waited longest makes room; where all are busy, the new one is told 503."""
    monkeypatch.setattr(GuardedProtocol, "most", 10)
    asked = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"
    with serving() as (port, _):
        idle = [connect(port, HEAD) for _ in range(10)]
        assert status(connect(port, asked)) == 200
        assert len(select.select(idle, [], [], 5)[0]) == 1
        busy = [connect(port, b"GET /events HTTP/1.1\r\n\r\n") for _ in range(10)]
        assert all(one.recv(10) == b"HTTP/1.1 2" for one in busy)
        assert status(connect(port, asked)) == 503
        for client in (*idle, *busy):
            client.close()


def test_requests_ahead_of_their_answers_are_limited(port: int) -> None:
    """A thousand of them at once: closed, and not kept in memory; thirty are answered."""
    asked = b"GET / HTTP/1.1\r\n\r\n"
    assert answer(connect(port, asked * 30)).count(b"HTTP/1.1 200 OK") == 30
    assert answer(connect(port, asked * 1000)).count(b"HTTP/1.1 200 OK") < 1000


@pytest.mark.parametrize(
    ("moved", "slow"),
    [
        (lambda second: 0, True),
        (lambda second: min(second, 5) * 100_000, True),
        (lambda second: second * connections.RATE // 2, True),
        (lambda second: second * connections.RATE, False),
        (lambda second: second // 9 * 20_000, False),
    ],
    ids=["nothing", "stops", "half the rate", "the rate", "in bursts"],
)
def test_a_pace_is_slow_after_a_window_without_enough(moved: Callable[[int], int], slow: bool) -> None:
    """By the bytes of each window, however they are spread in it; a rest begins a new one."""
    pace = Pace()
    assert any(pace.is_slow(moved(second), 50.0 + second) for second in range(31)) is slow
    pace.rest()
    assert not any(pace.is_slow(7, 100.0 + second) for second in range(10))
