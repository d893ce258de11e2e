"""Web app in a real browser on an M5-sized workspace: waiting times of one visitor, and memory of many."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

from scripts.dev.bench import page as pages
from scripts.dev.bench import tree
from scripts.dev.bench.memory import rss_mb
from scripts.dev.screenshots import CHROMIUM, DONE
from scripts.up import Up, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES = ("Forecast", "Accuracy", "Runs", "Portfolio")
SESSIONS = 30

_ROUNDS = 5
_PATIENCE = 60_000  # milliseconds
_TARGETS = {"first page": 3.0, "page switch": 1.0, "search": 0.7, "filter": 0.7}  # seconds
_MEMORY = 600  # MiB of the app including all sessions


@dataclass
class Results:
    """Seconds of each repetition by action, and MiB of the web app by moment."""

    n_series: int
    seconds: dict[str, list[float]] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)


def run(n: int, seed: int, say: Callable[..., None]) -> Results:
    """Creates the workspace and uses the app as a person does."""
    from playwright.sync_api import sync_playwright

    figures = Results(n)
    with tree.made(n, seed) as (_, environ):
        say("workspace made", series=n)
        with (
            running(environ=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as site,
            sync_playwright() as play,
        ):
            browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
            _walk(browser, site, figures)
            say("walked", **{name: round(median(values), 2) for name, values in figures.seconds.items()})
            _crowd(browser, site, figures)
            say("crowd", **figures.memory)
            browser.close()
    return figures


def _walk(browser: "Browser", site: Up, figures: Results) -> None:
    """A first visit and further ones; page switches; searches and filters."""
    for _ in range(_ROUNDS):
        with _tab(browser) as page, _timed(figures, "first page"):
            page.goto(site.app)
            _shows(page, "of 30,490 series" if figures.n_series == tree.SERIES else " series, the most urgent")
    with _tab(browser) as page:
        page.goto(site.app)
        _shows(page, "the most urgent first")
        for number in range(2 * _ROUNDS):
            for name in PAGES:
                with _timed(figures, "page switch"):
                    page.get_by_role("link", name=name, exact=True).click()
                    heading = "What needs you today" if name == "Portfolio" else name
                    page.locator("h1").get_by_text(heading, exact=True).wait_for()
                    page.wait_for_selector(DONE)
                if number == 0:  # loads scripts, such as Plotly's, and reads files
                    figures.seconds.setdefault(f"of these, {name} for the first time", []).append(
                        figures.seconds["page switch"][-1]
                    )
        for term in ("CA_1", "TX", "HOBBIES", "FOODS_3", "WI_3", "_0", "CA_2", "WI", "FOODS_1", "TX_3", "7", "_1"):
            with _timed(figures, "search"):
                page.get_by_label("Find").fill(term)
                _changed(page)
        page.get_by_label("Find").fill("")
        _changed(page)
        for option in range(1, 10):
            page.get_by_label("store id").click()
            with _timed(figures, "filter"):
                page.get_by_role("option").nth(option).click()
                _changed(page)


def _crowd(browser: "Browser", site: Up, figures: Results) -> None:
    """Many concurrent sessions, each on one page."""
    app = site.processes[1].pid
    figures.memory["one session"] = rss_mb(app)
    contexts = [browser.new_context() for _ in range(SESSIONS)]
    for number, context in enumerate(contexts):
        page = context.new_page()
        page.goto(f"{site.app}/{('', 'forecast', 'accuracy', 'runs')[number % 4]}")
        page.wait_for_selector("h1", timeout=_PATIENCE)
        page.wait_for_selector(DONE, timeout=_PATIENCE)
    figures.memory[f"{SESSIONS} sessions"] = rss_mb(app)
    for context in contexts:
        context.close()


@contextmanager
def _tab(browser: "Browser") -> Iterator["Page"]:
    context = browser.new_context(viewport={"width": 1440, "height": 1600})
    context.set_default_timeout(_PATIENCE)
    yield context.new_page()
    context.close()


@contextmanager
def _timed(figures: Results, what: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    figures.seconds.setdefault(what, []).append(time.perf_counter() - start)


def _shows(page: "Page", words: str) -> None:
    page.get_by_text(words).first.wait_for()
    page.wait_for_selector(DONE)
    page.wait_for_selector("[data-testid=stVegaLiteChart] svg.marks")


def _changed(page: "Page") -> None:
    """Waits until the app has started a rerun and finished it."""
    page.wait_for_function(f"!document.querySelector('{DONE}')", polling="raf")
    page.wait_for_selector(DONE)


def write_page(path: Path, figures: Results, load: str) -> None:
    """Writes the figures as a page. `load`: what else the machine was doing."""
    rows = [
        [
            name,
            f"{len(values)}",
            f"{median(values):.2f}",
            f"{quantiles(values, n=20, method='inclusive')[-1]:.2f}" if len(values) > 1 else "",
            f"≤ {_TARGETS[name]:g} s" if name in _TARGETS else "",
        ]
        for name, values in figures.seconds.items()
    ]
    memory = [[when, f"{mb:,.0f}", f"≤ {_MEMORY}"] for when, mb in figures.memory.items()]
    paragraphs = [
        f"{figures.n_series:,} made-up series (`scripts/dev/bench/tree.py`), the service, the web app and Chromium on the same cores. "
        f"{pages.machine(1)} {load}",
        "Seconds until the page is there and nothing on it is being computed; a first page with its charts drawn.",
        pages.table(["what", "times", "median s", "p95 s", "should be"], rows),
        "Resident memory of the web app's process.",
        pages.table(["when", "MiB", "should be"], memory),
    ]
    bars = {name: median(figures.seconds[name]) for name in _TARGETS}
    pages.write(
        path,
        "The web app",
        paragraphs,
        [pages.Bars("seconds (median)", bars, {}), pages.Bars("MiB", figures.memory, {"600": _MEMORY})],
    )
