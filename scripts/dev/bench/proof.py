"""Page of the proofs: tests with many random trials, and minutes of steady load."""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from pipelines.core.errors import ForecastError
from scripts.dev.bench import page
from scripts.dev.bench.site import ROOT
from scripts.dev.bench.soak import CLIENTS, RATE, SESSIONS, Soak


class NotProven(ForecastError):
    """A proof failed."""


@dataclass(frozen=True)
class Proof:
    """Trials of a proof, their result, and the seconds of its test."""

    what: str
    found: str
    seconds: float


def tests() -> list[Proof]:
    """Runs every test marked as a proof, in sequence. Raises NotProven if one fails."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-m",
            "proof",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
        ]
        done = subprocess.run(  # noqa: S603 - our own
            [*command, "-o", "junit_family=xunit1"], cwd=ROOT, env={**os.environ, "PROOF": "full"}, check=False
        )
        if done.returncode:
            raise NotProven("A proof failed; the lines above say which.")
        return told(report.read_text(encoding="utf-8"))


def told(report: str) -> list[Proof]:
    """What the tests of a JUnit report have recorded about themselves."""
    return [
        Proof(one.attrib["name"], one.attrib["value"], float(case.attrib["time"]))
        for case in ET.fromstring(report).iter("testcase")  # noqa: S314 - as above
        for one in case.iter("property")
    ]


def write_page(path: Path, proofs: list[Proof], soak: Soak, load: str) -> None:
    """The proofs as a table, and memory under steady load as a picture."""
    minutes = len(soak.api)
    drift = ", ".join(f"{name} {share:+.1%}" for name, share in soak.drift.items())
    rows = [[one.what, one.found, f"{one.seconds:,.0f}"] for one in proofs]
    rows.append(
        [
            f"{CLIENTS} clients and {SESSIONS} sessions of the web app for {minutes} minutes",
            f"{soak.statuses.total():,} answers at {RATE:.0f} a second and {soak.visits:,} visits of pages: {soak.errors} errors; "
            f"p95 of the worst minute {max(soak.p95, default=float('nan')):.0f} ms, with Chromium on the same cores; memory from the second minute to the last: {drift}",
            f"{60 * minutes:,}",
        ]
    )
    paragraphs = [
        "Each row is a test of `tests/` that is marked `proof`, tried as often as it takes (`PROOF=full`); beside the other tests it "
        f"tries less often. The last row is `scripts/dev/bench/soak.py`. {page.machine()} {load}",
        page.table(["what was tried", "what came of it", "seconds"], rows),
        "Resident memory in MiB after each minute of the steady work.",
        page.table(
            ["minute", "service", "web app"],
            [
                [str(n), f"{api:.0f}", f"{app:.0f}"]
                for n, (api, app) in enumerate(zip(soak.api, soak.app, strict=True), 1)
            ],
        ),
    ]
    panels = [
        page.Bars(f"MiB of the {name} after each minute", {str(n): mb for n, mb in enumerate(memory, 1)})
        for name, memory in (("service", soak.api), ("web app", soak.app))
    ]
    page.write(path, "Proof", paragraphs, panels)
