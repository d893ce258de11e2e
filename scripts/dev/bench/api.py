"""API under load: an M5-sized workspace, one server process, and a client process on the same cores."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx2

from scripts.dev.bench import page, tree
from scripts.dev.bench.client import Load, Measured
from scripts.dev.bench.memory import rss_mb
from scripts.dev.bench.site import ROOT

_V1 = "/api/v1"
_OF = f"workspace={tree.NAME}"
_CLIENTS = 50
_SETTLED = 25.0  # seconds after the start by which the copilot has loaded its libraries, too
_FIRST = "forecasts, 1,000 a second, while libraries are imported"
_TRIES = 5  # repetitions of single requests; the median is reported


@dataclass
class Server:
    """A running service."""

    address: str
    pid: int
    seconds: float  # from process start to first answer

    def get(self, path: str) -> tuple[float, httpx2.Response]:
        """Milliseconds of one request on an open connection of its own, and its answer."""
        with httpx2.Client(base_url=self.address, timeout=120) as client:
            client.get("/health/live")
            start = time.perf_counter()
            response = client.get(path).raise_for_status()
            return 1000 * (time.perf_counter() - start), response

    def cpu_seconds(self) -> float:
        """CPU seconds used by the server process so far, over all cores."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float:
        """Resident memory of the server process, in MiB."""
        return rss_mb(self.pid)


@dataclass
class Results:
    n_series: int
    single: dict[str, float] = field(default_factory=dict)  # milliseconds
    loads: dict[str, Measured] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)  # microseconds of server CPU per request, by load
    memory: dict[str, float] = field(default_factory=dict)  # MiB
    start: float = 0.0  # seconds


def run(n: int, requests: int, seed: int, say: Callable[..., None]) -> Results:
    """Creates the workspace and measures. `requests`: size of the long run; the other runs have a tenth of it."""
    figures = Results(n)
    with tree.made(n, seed) as (store, environ):
        say("workspace made", series=n)
        ids = store.dataset(tree.NAME).series["unique_id"].tolist()
        _cold(environ, ids[len(ids) // 2], figures)
        with serving(environ) as server:
            _single(server, ids[len(ids) // 3], figures)
            say("single requests", **figures.single)
        with serving(environ) as server:
            _loads(server, ids, requests, figures, say)
    return figures


@contextmanager
def serving(environ: Mapping[str, str]) -> Iterator[Server]:
    """The service as `make up` starts it, on a free port."""
    with tempfile.NamedTemporaryFile("w+") as log:
        given = {**os.environ, **environ, "API_PORT": "0", "PYTHONPATH": str(ROOT)}
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", "backend.app"], env=given, cwd=ROOT, stdout=log)
        try:
            while not (address := _address(Path(log.name))):
                if process.poll() is not None or time.perf_counter() - start > 60:
                    raise RuntimeError(f"the service did not start:\n{Path(log.name).read_text()}")
                time.sleep(0.005)
            httpx2.get(f"{address}/health/live").raise_for_status()
            yield Server(address, process.pid, time.perf_counter() - start)
        finally:
            process.terminate()
            process.wait()


def _address(log: Path) -> str:
    _, mark, rest = log.read_text().partition("running on ")
    return rest.partition(" ")[0] if mark else ""


def _cold(environ: Mapping[str, str], unique_id: str, figures: Results) -> None:
    """First answer of a new process, and its first forecast."""
    starts, firsts = [], []
    for _ in range(_TRIES):
        with serving(environ) as server:
            starts.append(server.seconds)
            firsts.append(server.get(_forecast(unique_id))[0])
    figures.start, figures.single["first forecast of a new process"] = (
        sorted(starts)[_TRIES // 2],
        sorted(firsts)[_TRIES // 2],
    )


def _single(server: Server, unique_id: str, figures: Results) -> None:
    """One request at a time; cached answers are requested twice before measuring."""
    encoded = quote(unique_id, safe="")
    paths = {
        "series: search, filter, sort by skill": f"/series?{_OF}&search=foods_1&state_id=CA&sort=-skill&limit=50",
        "series: all, sort by error": f"/series?{_OF}&sort=error&limit=50",
        "series: all, sort by last value": f"/series?{_OF}&sort=-last_value&limit=50",
        "series: all, sort by name": f"/series?{_OF}&sort=-name&limit=50",
        "history of a series": f"/series/{encoded}/history?{_OF}",
        "explanation of a forecast": f"/forecasts/{encoded}/explanation?{_OF}",
    }
    for name, path in paths.items():
        server.get(_V1 + path)
        figures.single[name] = sorted(server.get(_V1 + path)[0] for _ in range(_TRIES))[_TRIES // 2]
    _computed(server, unique_id)
    times = sorted(_computed(server, unique_id) for _ in range(_TRIES))
    figures.single["computed forecast of a series, 35 steps"] = times[_TRIES // 2]


def _computed(server: Server, unique_id: str) -> float:
    """Milliseconds of a forecast that is not published."""
    body = {"workspace": tree.NAME, "unique_ids": [unique_id], "horizon": tree.H + 7}
    with httpx2.Client(base_url=server.address, timeout=120) as client:
        client.get("/health/live")
        start = time.perf_counter()
        answer = client.post(f"{_V1}/forecasts/generate", json=body).raise_for_status()
        ms = 1000 * (time.perf_counter() - start)
    if answer.json()["source"] != "computed":
        raise RuntimeError("the forecast was not computed, so its time is no figure")
    return ms


def _loads(server: Server, ids: list[str], requests: int, figures: Results, say: Callable[..., None]) -> None:
    tenth = max(requests // 10, _CLIENTS)
    some = [_forecast(name) for name in ids[:: max(1, len(ids) // 3_000)]]
    _, first = server.get(some[0])
    known = {"If-None-Match": first.headers["etag"]}
    _computed(server, ids[0])  # its worker uses a core while it imports its libraries
    _load(server, Load("", 0, some, _CLIENTS, tenth // 4, None, None))
    every = {
        _FIRST: (some, int(1000 * _SETTLED), 1000.0, None),
        "forecasts, 1,000 a second": (some, tenth, 1000.0, None),
        "forecasts, 500 a second": (some, tenth // 2, 500.0, None),
        "forecasts, as fast as they come": (some, tenth, None, None),
        "forecasts, 5 clients, as fast as they come": (some, tenth, None, None),
        "not modified (304), as fast as they come": (some, tenth, None, known),
        "every series once, as fast as they come": ([_forecast(name) for name in ids], len(ids), None, None),
    }
    for name, (paths, n, rate, headers) in every.items():  # the first one lasts until the process has settled
        before = server.cpu_seconds()
        figures.loads[name] = _load(
            server, Load("", 0, paths, 5 if "5 clients" in name else _CLIENTS, n, rate, headers)
        )
        figures.cpu[name] = 1e6 * (server.cpu_seconds() - before) / n
        say(
            name,
            cpu_us=round(figures.cpu[name]),
            **{key: round(value, 1) for key, value in asdict(figures.loads[name]).items() if key.startswith("p")},
        )
    figures.memory["before"] = server.rss_mb()
    for part in range(1, 5):
        _load(server, Load("", 0, some, _CLIENTS, requests // 4, None, None))
        figures.memory[f"after {part * requests // 4:,} requests"] = server.rss_mb()
    say("memory", **figures.memory)


def _load(server: Server, load: Load) -> Measured:
    """Runs the load in a separate process; all answers must be correct."""
    where = urlsplit(server.address)
    given = json.dumps({**asdict(load), "host": where.hostname, "port": where.port})
    command = [sys.executable, "-m", "scripts.dev.bench.client"]
    done = subprocess.run(command, input=given, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode:
        raise RuntimeError(f"the client failed:\n{done.stderr}")
    measured = Measured(**json.loads(done.stdout))
    if not set(measured.statuses) <= {"200", "304"}:
        raise RuntimeError(f"the service answered {measured.statuses}")
    return measured


def _forecast(unique_id: str) -> str:
    return f"{_V1}/forecasts?{_OF}&unique_id={quote(unique_id, safe='')}"


# Target of each figure, by its table row; milliseconds, requests per second, MiB, seconds.
_TARGETS = {
    "first answer of a new process": "≤ 2 s",
    "first forecast of a new process": "≤ 150 ms",
    "computed forecast of a series, 35 steps": "≤ 1,500 ms",
    "forecasts, 1,000 a second": "p50 ≤ 5, p95 ≤ 20 ms",
    "forecasts, as fast as they come": "≥ 1,000 a second",
    "not modified (304), as fast as they come": "≥ 2,500 a second",
}


def write_page(path: Path, figures: Results, load: str) -> None:
    """Writes the figures as a page. `load`: what else the machine was doing."""
    single = [["first answer of a new process", f"{1000 * figures.start:,.0f}"]]
    single += [[name, f"{ms:,.1f}"] for name, ms in figures.single.items()]
    targets = {**dict.fromkeys((name for name, _ in single), "≤ 50 ms"), **_TARGETS}
    for name in ("history of a series", "explanation of a forecast"):
        targets[name] = ""
    loads = [
        [
            name,
            f"{one.n:,}",
            f"{one.rate:,.0f}",
            *(f"{ms:.1f}" for ms in (one.p50, one.p95, one.p99)),
            f"{figures.cpu[name]:.0f}",
            _TARGETS.get(name, ""),
        ]
        for name, one in figures.loads.items()
    ]
    memory = [[name, f"{mb:,.0f}"] for name, mb in figures.memory.items()]
    paragraphs = [
        f"{figures.n_series:,} made-up series of {tree.DAYS} days, forecast {tree.H} steps ahead, published through the store and the "
        "registry (`scripts/dev/bench/tree.py`). One server process, with its process for computed forecasts, and the client in "
        f"another on the same cores, {_CLIENTS} connections by default. {page.machine(1)} {load}",
        "One request at a time, milliseconds; the median of five. Series, histories and explanations after a first request.",
        page.table(["what", "ms", "should be"], [[name, ms, targets[name]] for name, ms in single]),
        "Under load: published forecasts of 3,000 series in turn. Where a rate is given, a request is due at its time whether the "
        "one before is answered or not, and its milliseconds count from then; as fast as they come, each connection waits "
        "for its answer, so the milliseconds are those of a saturated server. CPU is the server's own a request: 1,000,000 "
        "by it are the requests a second of a core that has nothing else to do. The first row is of the first half minute of a process, "
        "in which it imports the libraries of the copilot.",
        page.table(["load", "requests", "a second", "p50 ms", "p95 ms", "p99 ms", "CPU µs", "should be"], loads),
        "Resident memory of the server process; it should be at most 400 MiB and flat.",
        page.table(["when", "MiB"], memory),
    ]
    rates = {name: one.rate for name, one in figures.loads.items() if "as fast" in name}
    page.write(
        path,
        "The service",
        paragraphs,
        [
            page.Bars("requests a second", rates, {"1,000": 1000}),
            page.Bars("MiB after requests", figures.memory, {"400": 400}),
        ],
    )
