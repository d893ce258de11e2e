"""Connection limits: header size, time to send a request and to read a response, and number of connections.

With the parser used here, uvicorn limits neither the size of headers nor the time a client may take. `GuardedProtocol`
counts bytes as they arrive, and `sweep` closes the connections of slow clients. Together they cost about one
microsecond per request.
"""

import array
import asyncio
import contextlib
import fcntl
import json
import resource
import socket
import termios
from collections.abc import Collection
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from backend.core.problem_types import uri_of

MAX_HEAD = 64 * 1024  # bytes of a request line with its headers, and of anything else outside a body
MAX_HEADERS = 100
MAX_PIPELINED = 32  # requests sent before the responses to earlier ones
MAX_CONNECTIONS = 1_000
MAX_HELD = 32 * 2**20  # bytes buffered for slow clients over all connections: unread responses, incomplete bodies
PATIENCE = 10.0  # seconds to send a request line with its headers, and between two requests
WINDOW = 10.0  # seconds; in each window, a body being sent or a response being read must make progress
RATE = 1024  # minimum progress in bytes per second

STREAMED = "/uploads"  # bodies sent to these paths are streamed to a file

_PIECE = 16 * 1024  # bytes that are parsed and counted at a time
_UNSENT = 128 * 1024  # bytes that the kernel buffers per socket; the rest stays in this process, where it is counted
_HEAD_TOO_LARGE = f"Send at most {MAX_HEADERS} headers and {MAX_HEAD // 1024} KiB of them, the request line included."


class Pace:
    """Detects a client that sends or reads too slowly."""

    def __init__(self) -> None:
        self._start, self._at_start, self._resting = 0.0, 0, True

    def rest(self) -> None:
        """Resets: the client owes nothing now; the next window starts when it does."""
        self._resting = True

    def is_slow(self, moved: int, now: float) -> bool:
        """Whether a window has ended in which `moved` grew by less than the minimum."""
        if self._resting:
            self._start, self._at_start, self._resting = now, moved, False
            return False
        if now - self._start < WINDOW:
            return False
        grown = moved - self._at_start
        self._start, self._at_start = now, moved
        return grown < RATE * WINDOW


class GuardedProtocol(HttpToolsProtocol):
    """HTTP/1.1 with limits. A client that exceeds one gets 408, 431 or 503 if a response is still possible."""

    connections: "set[GuardedProtocol]"  # type: ignore[assignment]
    most = MAX_CONNECTIONS
    held = 0  # bytes in memory that wait for clients, over all connections of the process

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._in_head = False  # between the first byte of a request and the end of its headers
        self._since = self.loop.time()  # start of the period in which a request is due
        self._answer, self._unread = 0, 0  # bytes of a response held in memory for the client, and bytes not yet read
        self._body = 0  # bytes of an incomplete body
        self._moved_at = 0.0  # when the client last read or sent some of them
        self._received, self._bodiless = 0, 0  # bytes: in total, and since the last byte of a body
        self._sending, self._reading = Pace(), Pace()
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
        if len(self.connections) > self.most:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._hold(0, 0)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if len(data) <= _PIECE:
            self._parse(data)
            return
        view = memoryview(data)
        for start in range(0, len(data), _PIECE):
            self._parse(view[start : start + _PIECE])

    def _parse(self, piece: bytes | memoryview) -> None:
        if self.transport.is_closing():
            return
        super().data_received(piece)  # type: ignore[arg-type]
        self._received += len(piece)
        self._bodiless += len(piece)
        if self._bodiless >= MAX_HEAD or (self.headers and len(self.headers) > MAX_HEADERS):
            self._refuse(431, _HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        self._in_head, self._since, self._bodiless = True, self.loop.time(), 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self.headers) > MAX_HEADERS:
            self._refuse(431, _HEAD_TOO_LARGE)
            raise ValueError  # stops the parser
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refuse(503, f"Send at most {MAX_PIPELINED} requests ahead of their answers.")
            raise ValueError
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._bodiless = 0
        super().on_body(body)
        if (
            self.cycle.more_body
            and not self.cycle.response_complete
            and not self.cycle.scope["path"].endswith(STREAMED)
        ):
            self._hold(self._answer, self._body + len(body))
            _let_go(self.connections)

    def on_message_complete(self) -> None:
        if self._body:
            self._hold(self._answer, 0)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.transport.get_write_buffer_size()
        self._hold(self._unread, self._body)
        _let_go(self.connections)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._hold(0, self._body)

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, msg)

    def watch(self, now: float) -> None:
        """Closes the connection if its client is too slow."""
        unread = self.transport.get_write_buffer_size()
        if not unread:
            self._sending.rest()
        elif self._sending.is_slow(-unread - _in_system(self.transport), now):
            self._abort("its answer is not read")
            return
        if unread < self._unread:
            self._unread, self._moved_at = unread, now
        if self._is_waiting:
            if now - self._since > PATIENCE and self._in_head:
                self._refuse(408, f"Send the headers of a request within {PATIENCE:.0f} s.")
            elif now - self._since > PATIENCE:
                self.transport.close()
        elif not self._is_sending:
            self._reading.rest()
        elif self._reading.is_slow(self._received, now):
            self._refuse(408, f"Send the body of a request without pauses of {WINDOW:.0f} s.")

    @property
    def _is_waiting(self) -> bool:
        """Whether the client owes the head of a request, or the rest of a body that has already been answered."""
        return self._in_head or self.cycle is None or self.cycle.response_complete

    @property
    def _is_sending(self) -> bool:
        """Whether the client owes part of a body; false until the service asks for it, or while reading is paused."""
        return self.cycle.more_body and not self.flow.read_paused and not self.cycle.waiting_for_100_continue

    def _hold(self, answer: int, body: int) -> None:
        """Records the bytes in memory that wait for this client."""
        GuardedProtocol.held += answer + body - self._answer - self._body
        self._answer, self._body, self._moved_at = answer, body, self.loop.time()

    def _make_room(self) -> None:
        """Closes the connection that has waited longest for a request, or this one if all others are busy."""
        waiting = [one for one in self.connections if one._is_waiting and one is not self and one._is_open]
        if waiting:
            min(waiting, key=lambda one: one._since).transport.close()
        else:
            self._refuse(503, "Too many connections are open. Try again in a few seconds.")

    @property
    def _is_open(self) -> bool:
        return not self.transport.is_closing()

    def _refuse(self, status: int, detail: str) -> None:
        """Sends a problem and closes; closes without a response if another response is in progress."""
        if not self._is_open:
            return
        cycle = self.cycle
        is_its_turn = cycle is None or cycle.response_complete or (cycle.more_body and not cycle.response_started)
        if self.pipeline or not is_its_turn:
            self._abort(detail)
            return
        self.logger.info("Connection closed with %d: %s", status, detail)
        title = HTTPStatus(status).phrase
        body = json.dumps({"type": uri_of(status), "title": title, "status": status, "detail": detail}).encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        self.transport.write(STATUS_LINE[status] + lines + b"\r\n" + body)
        self.transport.close()

    def _abort(self, reason: str) -> None:
        self.logger.info("Connection closed: %s", reason)
        self._hold(0, 0)
        self.transport.abort()


def sweep(connections: Collection[object], now: float) -> None:
    """Closes connections of slow clients. Call it about once per second."""
    for one in list(connections):
        if isinstance(one, GuardedProtocol):
            one.watch(now)


def raise_descriptor_limit() -> None:
    """Raises the limit on open files, so that the process can hold the maximum number of connections and its files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = max(soft, min(hard, 4 * MAX_CONNECTIONS))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    GuardedProtocol.most = min(MAX_CONNECTIONS, soft // 2)


def _in_system(transport: asyncio.Transport) -> int:
    """Bytes in the kernel's send buffer that the client has not acknowledged. They drain in small steps, the buffer of
    this process in large ones.
    """
    count = array.array("i", [0])
    with contextlib.suppress(OSError):  # not every system reports them
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, count)
    return count[0]


def _let_go(connections: Collection[GuardedProtocol]) -> None:
    """Closes connections that hold too much memory together, those idle the longest first, until a quarter of the limit
    is free.
    """
    if GuardedProtocol.held <= MAX_HELD:
        return
    holding = [one for one in connections if one._answer or one._body]
    for one in sorted(holding, key=lambda one: one._moved_at)[:-1]:
        if GuardedProtocol.held <= MAX_HELD * 3 // 4:
            return
        one._abort("answers that are not read and bodies that are not sent take too much memory")
