"""An empty project in a temporary folder: one workspace file, shipped defaults, and the flows as a user runs them."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.dev.bench.process import PROCESSES, Cost, measure

ROOT = Path(__file__).parents[3]
FLOWS = {"etl": "run_etl.py", "train": "train.py", "inference": "inference.py"}


@dataclass(frozen=True)
class Ran:
    """A workspace after its flows: the cost of each, and details of its run and data."""

    name: str
    costs: dict[str, Cost]
    run: dict[str, Any]
    counts: dict[str, int]
    forecasts: pd.DataFrame

    @property
    def seconds(self) -> dict[str, float]:
        return {flow: round(cost.seconds, 1) for flow, cost in self.costs.items()}

    @property
    def total(self) -> Cost:
        """Cost of all flows in sequence."""
        costs = self.costs.values()
        return Cost(sum(cost.seconds for cost in costs), max(cost.peak_mb for cost in costs))

    @property
    def stages(self) -> str:
        """Seconds of the training stages, in one line."""
        return ", ".join(f"{stage['name']} {stage['seconds']:.0f} s" for stage in self.run["stages"])


def prepare(folder: Path, name: str, text: str) -> dict[str, str]:
    """Writes the workspace file and a copy of the shipped defaults; returns the environment variables to use them."""
    shutil.copytree(ROOT / "configs/base", folder / "configs/base")
    (folder / "configs/workspaces").mkdir()
    (folder / f"configs/workspaces/{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "data/inbox").mkdir(parents=True)
    return {"FORECAST_CONFIG_DIR": str(folder / "configs")}


def from_file(folder: Path, name: str, text: str, write: Callable[[Path], None], variables: Mapping[str, str]) -> Ran:
    """Runs the flows of the workspace `text` in an empty project, on `inbox/<name>.parquet` as created by `write`.

    `variables` are settings that differ from the shipped ones.
    """
    prepared = prepare(folder, name, text)
    write(folder / f"data/inbox/{name}.parquet")
    return run(folder, name, {**prepared, **variables})


def run(folder: Path, name: str, variables: Mapping[str, str]) -> Ran:
    """Runs the three flows of a workspace, each in its own process; data and artifacts are in `folder`."""
    environ = {
        **os.environ,
        "FORECAST_DATA_DIR": str(folder / "data"),
        "FORECAST_ARTIFACTS_DIR": str(folder / "artifacts"),
        "FORECAST_N_JOBS": str(PROCESSES),
        **variables,
    }
    costs = {
        flow: measure([sys.executable, str(ROOT / "scripts" / script), "--workspace", name], environ)
        for flow, script in FLOWS.items()
    }
    ran = json.loads(next(folder.glob("artifacts/*/runs/*/run.json")).read_text())
    counts = json.loads(next(folder.glob("data/processed/*/*/etl.json")).read_text())["counts"]
    forecasts = pd.read_parquet(next(folder.glob("artifacts/*/forecasts/*/forecasts.parquet")))
    return Ran(name, costs, ran, counts, forecasts)
