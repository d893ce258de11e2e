"""Scaling: time and memory for ten times the series, and the cost of one very long series."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.tables.schema import DS, UNIQUE_ID, Y
from scripts.dev.bench import contest, m5, page, site
from scripts.dev.bench.process import Cost
from scripts.dev.bench.site import Ran

SIZES = (300, 3000)
STEPS = 100_000  # hours of the long series, eleven years
LONG = f"""\
title: One long series
source: {{kind: file, path: inbox/long.parquet, columns: {{keys: [{UNIQUE_ID}]}}}}
frequency: h
season_lengths: [24, 168]
horizon: 48
"""


def run(data: Path, sizes: Sequence[int], seed: int, say: Callable[..., None]) -> dict[int, dict[str, Cost]]:
    """Cost of each flow, and in total, on seeded samples of M5 of these sizes."""
    costs = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            ran = contest.ours(m5.load(data, size, seed), Path(folder))
        costs[size] = {**ran.costs, "total": ran.total}
        say("measured", series=size, **ran.seconds)
    return costs


def long(steps: int, seed: int) -> Ran:
    """The flows on one synthetic hourly series of `steps` steps, with daily and weekly seasons and a wandering level."""
    rng, hours = np.random.default_rng(seed), np.arange(steps)
    level = 100 + rng.normal(0, 0.1, steps).cumsum()
    season = 20 * np.sin(hours * 2 * np.pi / 24) + 10 * np.sin(hours * 2 * np.pi / 168)
    ds = pd.date_range("2010-01-01", periods=steps, freq="h")
    rows = pd.DataFrame({UNIQUE_ID: "long", DS: ds, Y: level + season + rng.normal(0, 5, steps)})
    with tempfile.TemporaryDirectory() as temporary:
        return site.from_file(Path(temporary), "long", LONG, lambda path: rows.to_parquet(path, index=False), {})


def write_page(path: Path, sizes: dict[int, dict[str, Cost]], longest: Ran, seed: int) -> None:
    """Writes the costs as a page."""
    small, big = min(sizes), max(sizes)
    rows = [
        [
            flow,
            *(f"{sizes[size][flow].seconds:,.1f}" for size in sizes),
            f"{sizes[big][flow].seconds / sizes[small][flow].seconds:.1f}",
            *(f"{sizes[size][flow].peak_mb:,.0f}" for size in sizes),
        ]
        for flow in sizes[small]
    ]
    head = ["flow", *(f"{n:,} series, s" for n in sizes), "times", *(f"{n:,} series, MiB" for n in sizes)]
    text = f"{big / small:.0f} times the series of M5, with prices and events, through the flows. {page.machine(seed)}"
    skill = longest.run["summary"]["skill"]
    of_one = (
        f"One made-up hourly series of {longest.counts['rows_in']:,} steps with two seasons takes {longest.total.seconds:,.0f} s "
        f"({', '.join(f'{flow} {seconds:.0f} s' for flow, seconds in longest.seconds.items())}) and {longest.total.peak_mb:,.0f} MiB; "
        f"its error is {100 * skill:.0f} % below that of the seasonal naive."
    )
    totals = {f"{size:,} series": costs["total"] for size, costs in sizes.items()}
    panels = [
        page.Bars("seconds, all flows", {name: cost.seconds for name, cost in totals.items()}),
        page.Bars("peak MiB", {name: cost.peak_mb for name, cost in totals.items()}),
    ]
    page.write(path, "More series", [text, page.table(head, rows), of_one], panels)
