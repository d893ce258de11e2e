"""Monitoring benchmarks: drift over as many series as M5 has, and replays of real panels."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.dev.bench import page, psi, replays
from scripts.dev.bench.process import Cost, measure
from scripts.dev.bench.replays import KINDS, Found
from scripts.dev.bench.site import ROOT

_TARGET = 30.0  # seconds for the drift of 30,490 series


@dataclass(frozen=True)
class Drifted:
    """`told`: seconds of the drift alone, tests, warnings and alerts; `cost`: cost of the whole process."""

    n_series: int
    told: dict[str, Any]
    cost: Cost


@dataclass(frozen=True)
class Results:
    """Drift of synthetic series, and the results of the replays."""

    drifted: Drifted
    replayed: list[Found]


def drift(n: int, seed: int) -> Drifted:
    """PSI of each feature of `n` series without drift."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "told.json"
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "scripts.dev.bench.psi", str(n), str(seed), str(file)]
        cost = measure(command, environ, cwd=ROOT)
        return Drifted(n, json.loads(file.read_text()), cost)


def run(n: int, data: Path, seed: int, say: Callable[..., None]) -> Results:
    """Drift of `n` series, and replays of the panels in `data`."""
    drifted, replayed = drift(n, seed), []
    say("drift", **drifted.told)
    for scene in replays.SCENES:
        replayed.append(replays.run(data, scene))
        say("replayed", example=scene.example, seconds=replayed[-1].replay.seconds)
    return Results(drifted, replayed)


def write_page(path: Path, results: Results, seed: int, load: str) -> None:
    """Writes the figures as a page. `load`: what else the machine was doing."""
    drifted, replayed = results.drifted, results.replayed
    calm = page.table(
        ["replay", "series that came into alert without a shift", *KINDS],
        [[one.scene.example, f"{one.unshifted['series'].nunique():,}", *_by_kind(one)] for one in replayed],
    )
    sought = page.table(
        ["replay", "shifted series", "times", "found in any way", *KINDS],
        [[one.scene.example, f"{len(one.shifted):,}", f"{one.scene.factor:g}", *_until(one)] for one in replayed],
    )
    paragraphs = [
        f"{page.machine(seed)} {load}",
        f"Drift of {psi.FEATURES} features of made-up daily sales in which nothing changes, {psi.DAYS} days of them. Chance "
        "alone puts one test in a hundred over its threshold, a warning; among so many series none should be in alert.",
        _drift(drifted),
        "Real panels, replayed a week at a time: data, forecasts, monitoring (`scripts/dev/benchmark.py monitoring`).",
        _costs(replayed),
        "Nobody knows what a real past should have raised. These came into alert in weeks or series without a shift, each "
        "counted whenever it did:",
        calm,
        "How many of the series whose target was multiplied from some week on were named within the weeks that were left, "
        "and in brackets the median of the days until then:",
        sought,
        "What to make of it: [decision 13](../decisions/0013-when-monitoring-speaks-up.md).",
    ]
    bars = {one.scene.example: one.replay.seconds / one.scene.steps for one in replayed}
    seconds = page.Bars(
        "seconds of the drift", {f"{drifted.n_series:,} series": drifted.told["seconds"]}, {"30": _TARGET}
    )
    page.write(path, "Monitoring", paragraphs, [seconds, page.Bars("seconds a replayed week", bars)])


def _drift(drifted: Drifted) -> str:
    told = drifted.told
    row = [
        f"{drifted.n_series:,}",
        f"{told['tests']:,}",
        f"{told['seconds']:.1f}",
        f"≤ {_TARGET:.0f}",
        f"{drifted.cost.peak_mb:,.0f}",
        f"{told['warn']:,}",
        f"{told['alert']:,}",
    ]
    return page.table(["series", "tests", "seconds", "should be", "peak MiB of the process", "warn", "alert"], [row])


def _costs(replayed: Sequence[Found]) -> str:
    rows = [
        [
            one.scene.example,
            f"{one.n_series:,}",
            f"{one.scene.steps}",
            f"{one.replay.seconds:,.0f}",
            f"{one.replay.peak_mb:,.0f}",
            f"{one.monitoring.seconds:.0f}",
            f"{one.monitoring.peak_mb:,.0f}",
        ]
        for one in replayed
    ]
    return page.table(
        ["replay", "series", "times", "seconds", "peak MiB", "one monitoring with report, s", "MiB"], rows
    )


def _by_kind(one: Found) -> list[str]:
    return [f"{int((one.unshifted['kind'] == kind).sum()):,}" for kind in KINDS]


def _until(one: Found) -> list[str]:
    """Number of shifted series detected, in total and by kind, and the days until detection."""
    weeks = {kind: one.weeks_until(kind) for kind in KINDS}
    first = {
        name: min(delays[name] for delays in weeks.values() if name in delays)
        for delays in weeks.values()
        for name in delays.index
    }
    return [_named(sorted(first.values())), *(_named(sorted(delays)) for delays in weeks.values())]


def _named(weeks: Sequence[int]) -> str:
    return f"{len(weeks)} ({7 * weeks[(len(weeks) - 1) // 2]} d)" if len(weeks) else "0"
