"""Minutes of steady load: fifty clients on the API, thirty sessions in the web app, and the memory of both."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from scripts.dev.bench import tree
from scripts.dev.bench.client import Load, Measured
from scripts.dev.bench.memory import rss_mb
from scripts.dev.bench.site import ROOT
from scripts.dev.screenshots import CHROMIUM, DONE
from scripts.up import running

if TYPE_CHECKING:
    from playwright.sync_api import Page

CLIENTS, SESSIONS = 50, 30
# Requests per second: moderate, because Chromium draws thirty sessions on the same cores.
RATE = 100.0

_MINUTE = 60.0
_PATIENCE = 60_000  # milliseconds
_PAUSE = 2.0  # seconds between two visits
_PAGES = ("", "forecast", "accuracy", "data", "runs", "monitoring")


@dataclass
class Soak:
    """MiB of service and web app after each minute; answers by status; page visits, and failed visits."""

    api: list[float] = field(default_factory=list)
    app: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    p95: list[float] = field(default_factory=list)  # milliseconds, per minute
    visits: int = 0
    failed: int = 0

    @property
    def errors(self) -> int:
        """Failed answers and pages."""
        return self.failed + sum(n for status, n in self.statuses.items() if status not in ("200", "304"))

    @property
    def drift(self) -> dict[str, float]:
        """Memory growth of each from the second minute, when everything has been used once, to the last."""
        return {name: memory[-1] / memory[1] - 1 for name, memory in (("service", self.api), ("web app", self.app))}


def run(minutes: int, n: int, seed: int, say: Callable[..., None]) -> Soak:
    """Creates a workspace of `n` series and puts load on it."""
    from playwright.sync_api import sync_playwright

    soak = Soak()
    with tree.made(n, seed) as (store, environ):
        paths = _paths(store.dataset(tree.NAME).series["unique_id"].tolist()[:: max(1, n // 500)])
        with (
            running(environ=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as site,
            sync_playwright() as play,
        ):
            browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
            sessions = [browser.new_context().new_page() for _ in range(SESSIONS)]
            for number, page in enumerate(sessions):
                _visit(page, f"{site.app}/{_PAGES[number % len(_PAGES)]}", soak)
            for minute in range(1, minutes + 1):
                load = _start(site.api, paths)
                until = time.monotonic() + _MINUTE
                while time.monotonic() < until:
                    page = sessions[soak.visits % SESSIONS]
                    _visit(page, f"{site.app}/{_PAGES[(soak.visits + minute) % len(_PAGES)]}", soak)
                    time.sleep(_PAUSE)
                _note(load, soak)
                soak.api.append(rss_mb(site.processes[0].pid))
                soak.app.append(rss_mb(site.processes[1].pid))
                say(f"minute {minute}", errors=soak.errors, service_mb=soak.api[-1], app_mb=soak.app[-1])
            browser.close()
    return soak


def _paths(ids: list[str]) -> list[str]:
    """Paths that the pages request, in realistic shares: mostly single series."""
    of = f"workspace={tree.NAME}"
    each = []
    for number, name in enumerate(ids):
        encoded = quote(name, safe="")
        each += [
            f"/forecasts?{of}&unique_id={encoded}",
            f"/series/{encoded}/history?{of}",
            f"/forecasts/{encoded}/explanation?{of}",
            f"/series?{of}&search={encoded[:6]}&sort=-skill&limit=50&offset={number % 7}",
        ]
    each += [f"/portfolio?{of}", f"/runs?{of}", f"/aliases?{of}", f"/metrics/historical?{of}", "/workspaces"]
    return [f"/api/v1{path}" for path in each]


def _visit(page: "Page", url: str, soak: Soak) -> None:
    """Opens a page of the app and waits until it is complete."""
    from playwright.sync_api import Error

    soak.visits += 1
    try:
        page.goto(url, timeout=_PATIENCE)
        page.wait_for_selector("h1", timeout=_PATIENCE)
        page.wait_for_selector(DONE, timeout=_PATIENCE)
    except Error:
        soak.failed += 1
        return
    soak.failed += page.get_by_test_id("stException").count() > 0


def _start(address: str, paths: list[str]) -> "subprocess.Popen[str]":
    """Starts one minute of requests in a separate process."""
    where = urlsplit(address)
    load = Load(where.hostname or "", where.port or 0, paths, CLIENTS, int(RATE * _MINUTE), RATE)
    command = [sys.executable, "-m", "scripts.dev.bench.client"]
    client = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    assert client.stdin is not None  # noqa: S101 - it is a pipe
    client.stdin.write(json.dumps(asdict(load)))
    client.stdin.close()
    client.stdin = None
    return client


def _note(client: "subprocess.Popen[str]", soak: Soak) -> None:
    output, _ = client.communicate()
    if client.returncode:  # a connection closed by the service is an error, too
        soak.statuses["no answer"] += 1
        return
    measured = Measured(**json.loads(output))
    soak.statuses.update(measured.statuses)
    soak.p95.append(measured.p95)
