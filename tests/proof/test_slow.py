"""Hundreds of clients that are greedy or slow, all at once: others are answered promptly, memory stays, and all are closed."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest

from backend.core.connections import MAX_HELD, PATIENCE
from tests.support import site as sites
from tests.support.scale import times
from tests.support.site import Site, running

GROWTH = 3 * MAX_HELD  # bytes; what these clients send and do not read comes to gigabytes
LONGEST = 3.0  # seconds that another client may wait: on a machine that runs other tests, too
SERVICE = """
from backend.core import connections
connections.PATIENCE = connections.WINDOW = {patience}
from backend.app import main
main()
"""
HEAD = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"


class Crowd:
    """Clients that have sent what they send, and are never heard of again."""

    def __init__(self, address: str) -> None:
        where = urlsplit(address)
        self.where = (where.hostname or "", where.port or 0)
        self.clients: list[socket.socket] = []
        self.refused = 0

    def send(self, n: int, request: bytes) -> None:
        """`n` clients that send this."""
        for _ in range(n):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(20)
            client.connect(self.where)
            try:
                client.sendall(request)
            except OSError:
                self.refused += 1  # closed while it sent
            self.clients.append(client)

    def closed(self, within: float) -> int:
        """How many the service has closed after at most so many seconds."""
        until, open_ = time.monotonic() + within, list(self.clients)
        while open_ and time.monotonic() < until:
            open_ = [client for client in open_ if not self._is_closed(client)]
            time.sleep(0.1)
        return len(self.clients) - len(open_)

    def _is_closed(self, client: socket.socket) -> bool:
        """Reads what is there: a client that reads nothing sees no end."""
        client.setblocking(False)
        try:
            while client.recv(65536):
                pass
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def close(self) -> None:
        for client in self.clients:
            client.close()


@contextmanager
def another(address: str) -> Iterator[list[float]]:
    """The seconds that somebody else waits for each answer meanwhile, on a connection of its own."""
    waited: list[float] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            start = time.monotonic()
            assert httpx2.get(f"{address}/health/live", timeout=60).status_code == 200
            waited.append(time.monotonic() - start)
            time.sleep(0.05)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield waited
    finally:
        done.set()
        thread.join()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A project with a monitoring whose report is large."""
    return sites.made(tmp_path_factory, "watched")


@pytest.mark.proof
def test_slow_and_greedy_clients_harm_nobody(
    site: Site, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Headers without end, half requests, half bodies, unread reports: flat memory, prompt answers, and an end for each."""
    n, patience, (secrets, lines) = times(40, 300), times(2, int(PATIENCE)), sites.keys()
    key = b"Host: localhost\r\nX-API-Key: " + secrets["viewer"].encode() + b"\r\n"
    asked = (
        b"POST /api/v1/copilot/explain HTTP/1.1\r\n"
        + key
        + b"Content-Type: application/json\r\nContent-Length: 4000000\r\n\r\n"
    )
    kinds = {
        "a header without end": (max(4, n // 10), HEAD + b"X-A: " + b"a" * 2**22),
        "headers without end": (max(4, n // 10), HEAD + b"X-A: b\r\n" * 2**19),
        "a request line without end": (max(4, n // 10), b"GET /" + b"a" * 2**22),
        "half a header": (n, HEAD + b"X-A: b"),
        "half a body": (n, asked + b"{"),
        "most of a body": (n, asked + b" " * 3_900_000),
        "nothing": (n, b""),
    }
    environ = {"API_KEYS": lines.replace("\n", ","), "API_RATE_LIMIT": "1000000"}
    with running(site, tmp_path / "log", SERVICE.format(patience=patience), **environ) as (address, process):
        headers = {"X-API-Key": secrets["viewer"]}
        report = httpx2.get(f"{address}/api/v1/monitoring/report?workspace=shop", headers=headers, timeout=60)
        assert len(report.content) > 2**20
        question = {"workspace": "shop", "question": "How much?"}
        httpx2.post(f"{address}/api/v1/copilot/explain", json=question, headers=headers, timeout=120)  # its imports
        memory = psutil.Process(process.pid).memory_info
        before, peak, crowd = memory().rss, 0, Crowd(address)
        # Making so many reports keeps the service busy, whoever reads them: nobody is timed meanwhile.
        crowd.send(times(40, 100), b"GET /api/v1/monitoring/report?workspace=shop HTTP/1.1\r\n" + key + b"\r\n")
        httpx2.get(f"{address}/health/live", timeout=120)
        with another(address) as waited:
            for many, request in kinds.values():
                crowd.send(many, request)
                peak = max(peak, memory().rss)
            start = time.monotonic()
            closed = crowd.closed(3 * patience + 5)
            seconds = time.monotonic() - start
            peak = max(peak, memory().rss)
        crowd.close()
        assert httpx2.get(f"{address}/health/live").status_code == 200
    assert closed == len(crowd.clients)
    assert peak - before < GROWTH
    assert sorted(waited)[int(0.99 * len(waited))] < LONGEST
    record_property(
        f"{len(crowd.clients)} clients that send or read nothing more, or send headers without end",
        f"all closed after {seconds:.0f} s; the process grew by {max(0, peak - before) / 2**20:.0f} MiB; {len(waited)} others "
        f"waited {1000 * sorted(waited)[int(0.99 * len(waited))]:.0f} ms at most (99 of 100)",
    )
