"""Ten times the series: how many times the seconds and the memory."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from scripts.bench import contest, m5, page
from scripts.bench.process import Cost

SIZES = (300, 3000)


def run(data: Path, sizes: Sequence[int], seed: int, say: Callable[..., None]) -> dict[int, dict[str, Cost]]:
    """What each flow costs on seeded samples of M5 of these sizes, and in total."""
    found = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            ran = contest.ours(m5.load(data, size, seed), Path(folder))
        found[size] = {**ran.costs, "total": ran.total}
        say("measured", series=size, **ran.seconds)
    return found


def write_page(path: Path, found: dict[int, dict[str, Cost]], seed: int) -> None:
    """The costs as a page."""
    small, big = min(found), max(found)
    rows = [
        [
            flow,
            *(f"{found[size][flow].seconds:,.1f}" for size in found),
            f"{found[big][flow].seconds / found[small][flow].seconds:.1f}",
            *(f"{found[size][flow].peak_mb:,.0f}" for size in found),
        ]
        for flow in found[small]
    ]
    head = ["flow", *(f"{n:,} series, s" for n in found), "times", *(f"{n:,} series, MiB" for n in found)]
    text = f"{big / small:.0f} times the series of M5, with prices and events, through the flows. {page.machine(seed)}"
    totals = {f"{size:,} series": costs["total"] for size, costs in found.items()}
    panels = [
        page.Bars("seconds, all flows", {name: cost.seconds for name, cost in totals.items()}),
        page.Bars("peak MiB", {name: cost.peak_mb for name, cost in totals.items()}),
    ]
    page.write(path, "More series", [text, page.table(head, rows)], panels)
