"""Real panels replayed week by week with monitoring on: alerts on an unchanged past, and after a shift."""

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from scripts.dev.bench.examples import EXAMPLES
from scripts.dev.bench.process import PROCESSES, Cost, measure
from scripts.dev.bench.site import ROOT, prepare

INTO = "replayed"
KINDS = ("error", "bias", "coverage", "drift")

_REPLAYED = {"kind": "file", "path": f"inbox/{INTO}.parquet"}


@dataclass(frozen=True)
class Scene:
    """An example workspace, with `changed` settings for a quick replay, and the shift applied to its newest weeks."""

    example: str
    changed: Mapping[str, Any]
    steps: int
    every: int  # in steps of the grid
    series: str  # prefix of the keys of the shifted series
    factor: float
    at: int  # the first shifted week


SCENES = (
    Scene("gefcom2012", {}, 16, 168, "zone2", 1.6, 11),
    Scene(
        "rossmann",
        {
            "horizon": 7,
            "backtest": {"windows": 8, "step": 7},
            "models": ["seasonal_naive", "moving_average", "linear"],
        },
        12,
        7,
        "R11",
        1.5,
        8,
    ),
)


@dataclass(frozen=True)
class Found:
    """Cost of a replay and of one more monitoring, and `kind, week, series` each time a series came into alert.

    `shifted`: the shifted series; `n_series`: the number of all series.
    """

    scene: Scene
    replay: Cost
    monitoring: Cost
    alerts: pd.DataFrame
    shifted: list[str]
    n_series: int
    summary: dict[str, Any]

    @property
    def unshifted(self) -> pd.DataFrame:
        """Alerts that no shift explains: from the weeks before it, or on series that it does not affect."""
        own = (self.alerts["week"] >= self.scene.at) & self.alerts["series"].isin(self.shifted)
        return self.alerts[~own]

    def weeks_until(self, kind: str) -> pd.Series:
        """Number of shifted weeks until an alert of this kind, for each shifted series that has one after the shift."""
        own = self.alerts[(self.alerts["kind"] == kind) & (self.alerts["week"] >= self.scene.at)]
        weeks: pd.Series = own[own["series"].isin(self.shifted)].groupby("series")["week"].min()
        return weeks - self.scene.at + 1


def run(data: Path, scene: Scene) -> Found:
    """Replays a scene in an empty folder, then monitors once more with changed settings, so that it is not skipped."""
    spec = yaml.safe_load((ROOT / f"tests/examples/workspaces/{scene.example}.yaml").read_text(encoding="utf-8"))
    spec["source"]["path"] = str(data.resolve() / EXAMPLES[scene.example])
    with tempfile.TemporaryDirectory() as folder:
        variables = prepare(Path(folder), scene.example, yaml.safe_dump(spec))
        into = {**spec, **scene.changed, "source": {**spec["source"], **_REPLAYED}}
        (Path(folder) / f"configs/workspaces/{INTO}.yaml").write_text(yaml.safe_dump(into), encoding="utf-8")
        environ = {
            **os.environ,
            **variables,
            "FORECAST_DATA_DIR": f"{folder}/data",
            "FORECAST_ARTIFACTS_DIR": f"{folder}/artifacts",
            "FORECAST_N_JOBS": str(PROCESSES),
        }
        options = {
            "of": scene.example,
            "into": INTO,
            "steps": scene.steps,
            "every": scene.every,
            "shift-series": scene.series,
            "shift-factor": scene.factor,
            "shift-from": scene.at,
        }
        given = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        replay = measure([sys.executable, str(ROOT / "scripts/simulate.py"), *given], environ)
        again = {**environ, "FORECAST_MONITORING__REPORT_ROWS": "1999"}
        cost = measure([sys.executable, str(ROOT / "scripts/monitor.py"), "--workspace", INTO], again)
        return _read(scene, Path(folder) / f"artifacts/{INTO}/monitoring", replay, cost)


def _read(scene: Scene, folder: Path, replay: Cost, monitoring: Cost) -> Found:
    """Series in alert at each monitoring of the replay that were not in alert at the previous one."""
    weeks = sorted(path.parent for path in folder.glob("*/MANIFEST.json"))[: scene.steps + 1]
    rows, before = [], set[tuple[str, str]]()
    for week, snapshot in enumerate(weeks):
        table = pd.read_parquet(snapshot / "series.parquet")
        now = {
            (kind, str(name)) for kind in KINDS for name in table.loc[table[f"{kind}_status"] == "alert", "unique_id"]
        }
        rows += [(kind, week, name) for kind, name in sorted(now - before)]
        before = now
    ids = [str(name) for name in table["unique_id"]]
    shifted = [name for name in ids if name.startswith(scene.series)]
    alerts = pd.DataFrame(rows, columns=["kind", "week", "series"])
    summary = json.loads((weeks[-1] / "summary.json").read_text())
    return Found(scene, replay, monitoring, alerts, shifted, len(ids), summary)
