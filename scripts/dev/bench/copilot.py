"""Offline copilot over HTTP on an M5-sized workspace: response times."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import httpx2

from scripts.dev.bench import page, tree
from scripts.dev.bench.api import serving

QUESTIONS = (
    "Which series are worst?",
    "Which series need attention?",
    "How much is forecast?",
    "Summarise the workspace.",
    "How accurate are the forecasts?",
    "What changed since the last run?",
    "What does monitoring say?",
    "How many series are there?",
    "Which store sells the most?",
    "Which department grows most?",
    "Top 10 series by forecast",
    "What was sold last week?",
    "How much will umbrellas sell?",
    "How much will {a} sell?",
    "Why does {a} rise?",
    "Can I trust {b}?",
    "Compare {a} and {b}",
    "What is the peak of {b} next week?",
    "How does the error grow with the horizon for {a}?",
    "{b} tomorrow",
)
_ROUNDS = 5
_TARGET = 300.0  # milliseconds


@dataclass
class Results:
    """Milliseconds by question, without the first answers; the slowest first answer; and how each was grounded."""

    n_series: int
    ms: dict[str, list[float]] = field(default_factory=dict)
    grounding: dict[str, str] = field(default_factory=dict)
    first: float = 0.0

    @property
    def all(self) -> list[float]:
        return [one for each in self.ms.values() for one in each]


def run(n: int, seed: int, say: Callable[..., None]) -> Results:
    """Creates the workspace and asks every question several times, in turn."""
    figures = Results(n)
    with tree.made(n, seed) as (store, environ):
        ids = store.dataset(tree.NAME).series["unique_id"]
        names = {"a": ids.iloc[n // 3], "b": ids.iloc[n // 2]}
        with serving(environ) as server, httpx2.Client(base_url=f"{server.address}/api/v1", timeout=120) as client:
            for number in range(1 + _ROUNDS):
                for question in QUESTIONS:
                    asked = {"workspace": tree.NAME, "question": question.format(**names)}
                    answer = client.post("/copilot/explain", json=asked).raise_for_status()
                    took = 1000 * answer.elapsed.total_seconds()
                    figures.grounding[question] = answer.json()["grounding"]
                    if number:
                        figures.ms.setdefault(question, []).append(took)
                    else:
                        figures.first = max(figures.first, took)
                say(f"round {number}", slowest_ms=round(max(figures.all, default=figures.first)))
    return figures


def write_page(path: Path, figures: Results, load: str) -> None:
    """Writes the figures as a page. `load`: what else the machine was doing."""
    p95 = quantiles(figures.all, n=20, method="inclusive")[-1]
    rows = [
        [question.format(a="A", b="B"), figures.grounding[question], f"{median(ms):.0f}", f"{max(ms):.0f}"]
        for question, ms in sorted(figures.ms.items(), key=lambda one: -median(one[1]))
    ]
    paragraphs = [
        f"{figures.n_series:,} made-up series (`scripts/dev/bench/tree.py`), the service with the offline copilot, and one client "
        f"that asks {len(QUESTIONS)} questions {_ROUNDS} times, over HTTP. {page.machine(1)} {load}",
        f"An answer takes {median(figures.all):.0f} ms (median) and {p95:.0f} ms at p95, where it should take at most "
        f"{_TARGET:.0f}. The slowest first answer, which imports libraries and reads tables, took {figures.first:,.0f} ms.",
        page.table(["question", "grounding", "median ms", "slowest ms"], rows),
    ]
    slowest = dict(
        sorted(((name.format(a="A", b="B"), median(ms)) for name, ms in figures.ms.items()), key=lambda one: -one[1])
    )
    page.write(path, "The copilot", paragraphs, [page.Bars("ms an answer (median)", slowest, {"300": _TARGET})])
