"""A tiny project whose scripts can be killed and whose disk can fail, and somebody who reads it all the while."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipelines.core.errors import ForecastError
from pipelines.storage.catalog import Reader
from pipelines.storage.store import Store, Stores

NAME = "tiny"
FAULTY = ("write", "fsync", "replace", "mkdir")  # what the disk of `_killer.py` can refuse
ROOT = Path(__file__).parents[2]
WORKSPACE = """\
source: {kind: file, path: sales.csv, columns: {ds: date, y: units, keys: [store]}}
frequency: D
horizon: 7
models: [naive, seasonal_naive]
"""


@dataclass(frozen=True)
class Ended:
    """How a script ended: its exit code, the seconds it took, and how often it used the call of its fault."""

    code: int
    seconds: float
    used: int


@dataclass
class Project:
    """Its scripts run in processes of their own."""

    folder: Path
    server: "subprocess.Popen[str]"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def reader(self) -> Reader:
        return Stores(Store(str(self.folder / "data")), Store(str(self.folder / "artifacts")))

    @property
    def acknowledged(self) -> set[str]:
        """The runs and forecast sets that a script has told a user about."""
        return set(re.findall(r"(?:run_id|forecast_id)=(\S+)", self.log))

    def run(self, script: str, *arguments: str, seconds: float = 60.0, fault: dict[str, Any] | None = None) -> Ended:
        """Runs a script that is killed after `seconds`, or on a disk that has this fault."""
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        wrong = {**fault, "folder": str(self.folder / "artifacts")} if fault else None
        asked = {"script": script, "arguments": ["--workspace", NAME, *arguments], "seconds": seconds, "fault": wrong}
        self.server.stdin.write(json.dumps(asked) + "\n")
        self.server.stdin.flush()
        return Ended(**json.loads(self.server.stdout.readline()))

    def wrong(self) -> list[str]:
        """What no reader may ever find: torn or half runs and forecast sets, pointers that lead nowhere."""
        reader, found = self.reader, []
        runs, sets = reader.runs(NAME), reader.forecast_sets(NAME)
        for run in (reader.run(NAME, name) for name in runs):
            found += [f"{run.name}/{name}" for name in run.verify()]
            if (status := run.read_json("run.json")["status"]) not in ("success", "failed"):
                found.append(f"{run.name} is listed as {status}")
        for folder in (reader.forecast_set(NAME, name) for name in sets):
            found += [f"{folder.name}/{name}" for name in folder.verify()]
        found += [f"{name} was acknowledged and is lost" for name in self.acknowledged - {*runs, *sets}]
        pointers = reader.pointers(NAME)
        if pointers.production.run_id not in runs or pointers.published.forecast_id not in sets:
            found.append("a pointer leads nowhere")
        return found


@contextmanager
def project(folder: Path) -> Iterator[Project]:
    """Three series of sixty days, two runs and their forecasts, and a process that has imported what the scripts need."""
    (folder / "data").mkdir()
    (folder / "configs/workspaces").mkdir(parents=True)
    (folder / f"configs/workspaces/{NAME}.yaml").write_text(WORKSPACE)
    days = pd.date_range("2024-01-01", periods=60)
    units = np.random.default_rng(1).integers(1, 50, 180)
    rows = pd.MultiIndex.from_product([list("abc"), days], names=["store", "date"]).to_frame(index=False)
    rows.assign(units=units).to_csv(folder / "data/sales.csv", index=False)
    dirs = {"CONFIG": "configs", "DATA": "data", "ARTIFACTS": "artifacts"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FORECAST_")}
    environment |= {f"FORECAST_{name}_DIR": str(folder / where) for name, where in dirs.items()}
    environment |= {"FORECAST_N_JOBS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(Path(__file__).with_name("_killer.py")), str(folder / "log")]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == '{"ready": true}\n'
        found = Project(folder, server)
        for script in ("run_etl", "train", "inference", "train", "inference"):
            arguments = ["--force"] if script == "train" else []
            assert found.run(script, *arguments).code == 0, found.log
        yield found


@dataclass
class Onlooker(threading.Thread):
    """Follows the pointers without a pause, reads all they point at, and notes what it must not see."""

    reader: Reader
    reads: int = 0
    seen: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    done: bool = False

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        version = 0
        while not self.done:
            try:
                version = self.look(version)
            except (ForecastError, ValueError, KeyError, OSError) as error:
                self.wrong.append(f"{type(error).__name__}: {error}")
            self.reads += 1
            time.sleep(0.005)  # leave the scripts a share of a small machine

    def look(self, version: int) -> int:
        pointers = self.reader.pointers(NAME)
        if pointers.version < version:
            self.wrong.append(f"version {pointers.version} after {version}")
        production, published = pointers.production.run_id, pointers.published
        run = self.reader.run(NAME, production)
        forecasts = self.reader.forecast_set(NAME, published.forecast_id)
        self.wrong += [f"{run.name}/{name}" for name in run.verify()]
        self.wrong += [f"{forecasts.name}/{name}" for name in forecasts.verify()]
        if run.read_json("run.json")["status"] != "success":
            self.wrong.append(f"{run.name} in production without success")
        if forecasts.read_json("inference.json")["run_id"] != published.run_id:
            self.wrong.append(f"{forecasts.name} published as of another run")
        self.seen |= {production, published.forecast_id}
        return pointers.version
