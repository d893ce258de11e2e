"""Scripts that are killed at any moment, while someone reads: nothing torn, nothing lost, nothing half."""

import os
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.errors import ForecastError
from pipelines.read import Reader
from pipelines.store import Store

ROUNDS = int(os.environ.get("KILL_ROUNDS", "100"))  # about 40 s on two idle cores
ROOT = Path(__file__).parents[2]
WORKSPACE = """\
source: {kind: file, path: sales.csv, columns: {ds: date, y: units, keys: [store]}}
frequency: D
horizon: 7
models: [naive, seasonal_naive]
"""


@dataclass
class Scripts:
    """The scripts of a project in its own folder, each run in a process that can be killed."""

    folder: Path
    server: subprocess.Popen[str]

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def run(self, script: str, seconds: float = 60.0) -> tuple[int, float]:
        """Exit code and duration of a script that is killed after `seconds`."""
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.write(f"{script} tiny {seconds}\n")
        self.server.stdin.flush()
        code, took = self.server.stdout.readline().split()
        return int(code), float(took)


@contextmanager
def scripts(folder: Path) -> Iterator[Scripts]:
    """Three series of sixty days, and a server that has imported everything that the scripts need."""
    (folder / "data").mkdir()
    (folder / "configs/workspaces").mkdir(parents=True)
    (folder / "configs/workspaces/tiny.yaml").write_text(WORKSPACE)
    days = pd.date_range("2024-01-01", periods=60)
    units = np.random.default_rng(1).integers(1, 50, 180)
    rows = pd.MultiIndex.from_product([list("abc"), days], names=["store", "date"]).to_frame(index=False)
    rows.assign(units=units).to_csv(folder / "data/sales.csv", index=False)
    dirs = {f"FORECAST_{name.upper()}_DIR": str(folder / name) for name in ("config", "data", "artifacts")}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FORECAST_")}
    environment |= {**dirs, "FORECAST_CONFIG_DIR": str(folder / "configs"), "FORECAST_N_JOBS": "1", "PYTHONPATH": "."}
    command = [sys.executable, str(ROOT / "tests/e2e/_killer.py"), str(folder / "log")]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        yield Scripts(folder, server)


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
            time.sleep(0.002)  # leave the scripts a share of a small machine

    def look(self, version: int) -> int:
        pointers = self.reader.pointers("tiny")
        if pointers["version"] < version:
            self.wrong.append(f"version {pointers['version']} after {version}")
        production, published = pointers["aliases"]["production"]["run_id"], pointers["published"]
        run = self.reader.run("tiny", production)
        forecasts = self.reader.forecast_set("tiny", published["forecast_id"])
        self.wrong += [f"{run.name}/{name}" for name in run.verify()]
        self.wrong += [f"{forecasts.name}/{name}" for name in forecasts.verify()]
        if run.read_json("run.json")["status"] != "success":
            self.wrong.append(f"{run.name} in production without success")
        if forecasts.read_json("inference.json")["run_id"] != published["run_id"]:
            self.wrong.append(f"{forecasts.name} published as of another run")
        self.seen |= {production, published["forecast_id"]}
        return int(pointers["version"])


def test_a_kill_at_any_moment_loses_nothing_and_tears_nothing(tmp_path: Path) -> None:
    """Random kills of train and inference: every read is whole, all that was acknowledged stays, and work goes on."""
    rng = random.Random(20240229)
    reader = Reader(Store(str(tmp_path / "data")), Store(str(tmp_path / "artifacts")))
    with scripts(tmp_path) as project:
        assert [project.run(script)[0] for script in ("run_etl", "train", "inference")] == [0, 0, 0], project.log
        onlooker = Onlooker(reader)
        onlooker.start()
        duration = {script: project.run(script)[1] for script in ("train", "inference")}
        start, codes = time.perf_counter(), []
        for number in range(ROUNDS):
            script = "inference" if number % 4 == 3 else "train"
            code, took = project.run(script, rng.uniform(0, 1.2) * duration[script])
            duration[script] = took if code == 0 else duration[script]
            codes.append(code)
        seconds = time.perf_counter() - start
        onlooker.done = True
        onlooker.join()

        assert set(codes) == {0, -9}, project.log
        assert onlooker.wrong == []
        assert onlooker.reads > ROUNDS
        runs, sets = reader.runs("tiny"), reader.forecast_sets("tiny")
        for run in (reader.run("tiny", name) for name in runs):
            assert run.verify() == []
            assert run.read_json("run.json")["status"] in ("success", "failed")
        assert [name for name in sets if reader.forecast_set("tiny", name).verify()] == []
        acknowledged = set(re.findall(r"(?:run_id|forecast_id)=(\S+)", project.log))
        assert onlooker.seen | acknowledged <= {*runs, *sets}

        assert [project.run(script)[0] for script in ("train", "inference")] == [0, 0], project.log
        assert reader.published("tiny").read_json("inference.json")["run_id"] == reader.production("tiny").name
        left = len(list((tmp_path / "artifacts/tiny/runs").iterdir())) - len(runs) - 1
        sys.stdout.write(
            f"{codes.count(-9)} of {ROUNDS} killed in {seconds:.0f} s ({left} runs left unfinished, {len(runs)} finished), "
            f"{onlooker.reads:,} reads of {len(onlooker.seen)} runs and forecast sets\n"
        )
