"""Measures the flows of some workspaces: seconds, peak memory, and the errors of champions and baseline.

Each workspace runs in a process of its own, into an empty folder, so that figures do not depend on what ran before.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.registry.card import number, percent
from pipelines.registry.runs import libraries
from scripts import _cli

ROOT = Path(__file__).parents[1]
EXAMPLES = {"rossmann": "rossmann_daily_grid.parquet", "gefcom2012": "gefcom2012_load_hourly.parquet"}
DEMO = ("electricity", "retail")

Workspaces = Annotated[list[str] | None, typer.Option("--workspace", "-w", help="Which to measure; without it, all.")]
Data = Annotated[Path, typer.Option("--data", help="The folder that holds the examples' files.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The markdown file to write.")]


@dataclass(frozen=True)
class Measured:
    """One workspace: seconds by flow, peak MiB, and what its run and data say of themselves."""

    name: str
    seconds: dict[str, float]
    peak_mb: float
    run: dict[str, Any]
    counts: dict[str, int]


def benchmark(
    workspace: Workspaces = None,
    data: Data = ROOT.parent / "shared/data",
    output: Output = ROOT / "docs/benchmarks/pipelines.md",
) -> None:
    """Measure workspaces: the demo's, and the examples whose files are in --data."""
    reporter = _cli.Reporter(json_log=False)
    known = [*DEMO, *(name for name, file in EXAMPLES.items() if (data / file).exists())]
    chosen = workspace or known
    if missing := sorted(set(EXAMPLES) - set(known)):
        reporter.say("left out", examples=", ".join(missing), reason=f"no file in {data}")
    if unknown := sorted(set(chosen) - set(known)):
        raise typer.BadParameter(f"{', '.join(unknown)} cannot be measured; valid: {', '.join(known)}")
    measured = []
    for name in chosen:
        measured.append(measure(name, data))
        reporter.say("measured", workspace=name, **measured[-1].seconds)
    text = report(measured)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    reporter.say("done", report=str(output))


def measure(name: str, data: Path) -> Measured:
    """Runs the three flows of a workspace one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "FORECAST_DATA_DIR": f"{folder}/data", "FORECAST_ARTIFACTS_DIR": f"{folder}/artifacts"}
        environ["FORECAST_CONFIG_DIR"] = str(ROOT / "configs")
        if name in EXAMPLES:
            environ["FORECAST_CONFIG_DIR"] = str(ROOT / "tests/examples")
            environ["FORECAST_SOURCE__PATH"] = str(data.resolve() / EXAMPLES[name])
        seconds = {flow: _timed(script, name, environ) for flow, script in _FLOWS.items()}
        run = json.loads(next(Path(folder).glob("artifacts/*/runs/*/run.json")).read_text())
        counts = json.loads(next(Path(folder).glob("data/processed/*/*/etl.json")).read_text())["counts"]
    return Measured(name, seconds, max(stage["peak_mb"] for stage in run["stages"]), run, counts)


_FLOWS = {"etl": "run_etl.py", "train": "train.py", "inference": "inference.py"}


def _timed(script: str, name: str, environ: dict[str, str]) -> float:
    start = time.perf_counter()
    command = [sys.executable, str(ROOT / "scripts" / script), "--workspace", name]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)  # noqa: S603 - our own script
    if done.returncode:
        raise SystemExit(f"{script} --workspace {name} failed:\n{done.stderr}")
    return round(time.perf_counter() - start, 1)


def report(measured: list[Measured]) -> str:
    """The figures as markdown, with what they were measured on."""
    head = "| workspace | series | rows | ETL s | train s | inference s | peak MiB | metric | champions | seasonal naive | skill | 80 % covers | 95 % covers |"
    lines = [
        "# The flows, measured",
        "",
        f"Made by `make bench` on {os.cpu_count()} cores, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version}" for name, version in libraries().items())
        + ". Seconds are of the whole script, its imports (about 6 s) included; memory is the peak of the training process and "
        "its workers together. Champions are chosen on the windows they are judged on; coverage is of windows that the "
        "intervals have not seen.",
        "",
        head,
        "|" + " --- |" * (head.count("|") - 1),
    ]
    for one in measured:
        summary = one.run["summary"]
        cells = [
            one.name,
            f"{summary['n_series']:,}",
            f"{one.counts['rows_in']:,}",
            *(f"{seconds:.0f}" for seconds in one.seconds.values()),
            f"{one.peak_mb:,.0f}",
            f"{summary['metric'].upper()}, {summary['windows']} windows, horizon {one.run['config']['horizon']}",
            number(summary["champion"]),
            number(summary["baseline"]),
            *(percent(value) for value in (summary["skill"], *summary["coverage"].values())),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


main = _cli.command(benchmark)

if __name__ == "__main__":
    main()
