"""Load generator: many connections in one process, with minimal overhead per request.

Run it as a process of its own, `python -m scripts.dev.bench.client`: it reads a Load as JSON and writes its
measurements as JSON.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial

import httptools
import uvloop


@dataclass(frozen=True)
class Load:
    """`requests` over `clients` connections, cycling through the paths, at `rate` per second in total or at full speed."""

    host: str
    port: int
    paths: list[str]
    clients: int
    requests: int
    rate: float | None = None
    headers: dict[str, str] | None = None


@dataclass(frozen=True)
class Measured:
    """Milliseconds from the due time of each request to the end of its answer: a slow server delays all later ones."""

    seconds: float
    p50: float
    p95: float
    p99: float
    statuses: dict[str, int]
    n: int

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.n / self.seconds


class _Connection(asyncio.Protocol):
    """One client connection: sends the next request once the last one is answered and the next is due."""

    def __init__(self, load: Load, plan: list[tuple[float, bytes]], done: "asyncio.Future[None]") -> None:
        self.load, self.plan, self.done = load, iter(plan), done
        self.milliseconds: list[float] = []
        self.statuses: dict[str, int] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.begin = time.perf_counter()
        self._next()

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the service closed the connection"))

    def on_message_complete(self) -> None:
        self.milliseconds.append(1000 * (time.perf_counter() - self.due))
        status = str(self.parser.get_status_code())
        self.statuses[status] = self.statuses.get(status, 0) + 1
        asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        step = next(self.plan, None)
        if step is None:
            self.done.set_result(None)
            self.transport.close()
            return
        after, self.request = step
        wait = self.begin + after - time.perf_counter() if self.load.rate else 0
        self.due = self.begin + after if self.load.rate else time.perf_counter()
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._send)
        else:
            self._send()

    def _send(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.transport.write(self.request)  # type: ignore[attr-defined]


async def run(load: Load) -> Measured:
    """Sends all requests and waits for their answers."""
    loop = asyncio.get_running_loop()
    extra = "".join(f"{name}: {value}\r\n" for name, value in (load.headers or {}).items())
    clients: list[_Connection] = []
    ended: list[asyncio.Future[None]] = []
    start = time.perf_counter()
    for first in range(load.clients):
        numbers = range(first, load.requests, load.clients)
        plan = [
            (number / load.rate if load.rate else 0.0, _request(load, load.paths[number % len(load.paths)], extra))
            for number in numbers
        ]
        done: asyncio.Future[None] = loop.create_future()
        connection = _Connection(load, plan, done)
        await loop.create_connection(partial(_itself, connection), load.host, load.port)
        clients.append(connection)
        ended.append(done)
    await asyncio.gather(*ended)
    seconds = time.perf_counter() - start
    times = sorted(ms for client in clients for ms in client.milliseconds)
    statuses: dict[str, int] = {}
    for client in clients:
        for status, n in client.statuses.items():
            statuses[status] = statuses.get(status, 0) + n
    p50, p95, p99 = (times[min(len(times) - 1, int(len(times) * share))] for share in (0.5, 0.95, 0.99))
    return Measured(seconds, p50, p95, p99, statuses, len(times))


def _itself(connection: _Connection) -> _Connection:
    return connection


def _request(load: Load, path: str, extra: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {load.host}:{load.port}\r\n{extra}\r\n".encode()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(uvloop.run(run(Load(**json.load(sys.stdin)))))))
