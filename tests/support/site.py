"""A small project with every state a client can meet, made by the flows themselves."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import numpy as np
import pandas as pd
import pytest

from backend.core import keys as auth
from pipelines.core.config import Project
from pipelines.core.errors import ForecastError
from pipelines.core.progress import Silent
from pipelines.forecasting import flows, payload, settings
from pipelines.forecasting.flows import Context
from pipelines.forecasting.monitoring import alerts, snapshots, summary
from pipelines.forecasting.monitoring.snapshots import Snapshot
from pipelines.storage.records import Data
from pipelines.storage.store import Store, Stores

ROOT = Path(__file__).parents[2]
WORKSPACE = """\
title: Units by store and item
source: {kind: file, path: inbox/shop.csv, columns: {keys: [store, item]}}
frequency: D
season_lengths: [7]
horizon: 7
target: {unit: pieces, non_negative: true}
covariates: {future: [price], static: [region]}
missing: {future: previous}
backtest: {windows: 3}
metric: mae
"""
HOURLY = """\
source: {kind: file, path: inbox/meter.csv}
frequency: h
timezone: Europe/London
season_lengths: [24]
horizon: 24
models: [seasonal_naive]
"""
# Keys as people have them: with a slash within, percent signs, letters of many scripts, and very long.
ITEMS = ("tea", "50%/off", "Gruyère ☃ 日本", "a?b=c&d#e", "x" * 280)
STORES = ("Ash", "Elm")
IDS = sorted(f"{store}/{item}" for store in STORES for item in ITEMS)


@dataclass(frozen=True)
class Site:
    """`first` and `second` are successful runs of `shop`, the second in production; `failed` is one that failed."""

    folder: Path
    first: str
    second: str
    failed: str

    @property
    def environ(self) -> dict[str, str]:
        return {
            "FORECAST_CONFIG_DIR": str(self.folder / "configs"),
            "FORECAST_DATA_DIR": str(self.folder / "data"),
            "FORECAST_ARTIFACTS_DIR": str(self.folder / "artifacts"),
            "API_GENERATE_TIMEOUT": "120",  # the first forecast that is computed waits for imports
        }

    @property
    def reader(self) -> Stores:
        return Stores(Store(str(self.folder / "data")), Store(str(self.folder / "artifacts")))

    def copy(self, folder: Path) -> "Site":
        """The same project elsewhere, for a test that changes it."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Site(folder, self.first, self.second, self.failed)


def made(factory: pytest.TempPathFactory, name: str = "site") -> Site:
    """A copy of what `make` makes, or `watched` of it: made once for all processes of a test run, which takes seconds."""
    folder = factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    first = made(factory) if name == "watched" else None
    original, known = folder / f"made-{name}", folder / f"made-{name}.json"
    with (folder / f"made-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not known.exists():
            site = watched(first, original) if first else make(original)
            known.write_text(json.dumps([site.first, site.second, site.failed]))
    return Site(original, *json.loads(known.read_text())).copy(factory.mktemp(name))


def make(folder: Path) -> Site:
    """`shop` with two runs and forecasts, `meter` by the hour, `fresh` with data but no run, `empty` with nothing."""
    (folder / "configs/workspaces").mkdir(parents=True)
    (folder / "data/inbox").mkdir(parents=True)
    sales().to_csv(folder / "data/inbox/shop.csv", index=False)
    hours = pd.date_range("2024-03-20", periods=24 * 14, freq="h")
    meter = pd.DataFrame({"ds": hours.strftime("%Y-%m-%d %H:%M"), "kw": 5 + np.sin(np.arange(len(hours)) / 24 * 6.28)})
    meter[~hours.isin(pd.to_datetime(["2024-03-31 01:00"]))].to_csv(folder / "data/inbox/meter.csv", index=False)
    for name, text in [("shop", WORKSPACE), ("fresh", WORKSPACE), ("meter", HOURLY), ("empty", WORKSPACE)]:
        (folder / f"configs/workspaces/{name}.yaml").write_text(text, encoding="utf-8")
    site = Site(folder, "", "", "")
    project = Project(
        data_dir=site.environ["FORECAST_DATA_DIR"], artifacts_dir=site.environ["FORECAST_ARTIFACTS_DIR"], n_jobs=1
    )
    context = Context(project, site.reader, Silent())

    def workspace(name: str, **changed: object) -> settings.Workspace:
        return settings.load_workspace(name, site.environ).model_copy(update=changed)

    for name in ("shop", "fresh", "meter"):
        flows.etl(workspace(name), context)
    first = flows.train(workspace("shop", models=("seasonal_naive", "moving_average")), context, force=True)
    flows.inference(workspace("shop"), context)
    second = flows.train(
        workspace("shop", models=("seasonal_naive", "linear", "naive"), metric="mae"), context, force=True
    )
    flows.inference(workspace("shop"), context)
    flows.run_all(workspace("meter"), context)
    failed = payload.begin(site.reader, workspace("shop").complete("D"), Data(), None).fail(ForecastError("no luck"))
    return Site(folder, first.run.name, second.run.name, failed.name)


def watched(site: Site, folder: Path) -> Site:
    """The same project after four weeks under monitoring: a week as ever, three in which one series sells four times as much."""
    copy = site.copy(folder)
    project = Project(
        data_dir=copy.environ["FORECAST_DATA_DIR"], artifacts_dir=copy.environ["FORECAST_ARTIFACTS_DIR"], n_jobs=1
    )
    context = Context(project, copy.reader, Silent())
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in copy.environ.items():
            patch.setenv(variable, value)
        workspace = settings.load_workspace("shop")
        for week in (1, 2, 3, 4):
            rows = sales(84 + 7 * week)
            shifted = (rows["store"] == "Ash") & (rows["item"] == "tea") & (rows["date"] >= pd.Timestamp("2024-04-01"))
            rows["units"] = np.where(shifted, 4 * rows["units"], rows["units"])
            rows.to_csv(copy.folder / "data/inbox/shop.csv", index=False)
            flows.etl(workspace, context)
            flows.monitor(workspace, context, with_report=week == 4)
            flows.inference(workspace, context)
    return copy


def drifted(site: Site) -> Snapshot:
    """One more monitoring of a project that is watched, in which features stand in every status; alerts are raised."""
    found = Snapshot.newest(site.reader, "shop")
    statuses = ["warn", "ok", "insufficient", "warn", "alert", "warn", "ok", "alert"]
    table = found.drift.assign(status=[statuses[row % len(statuses)] for row in range(len(found.drift))])
    table = table.assign(
        threshold=0.2, psi=table["status"].map({"alert": 0.5, "warn": 0.3, "ok": 0.1, "insufficient": 0.9})
    )
    series = summary.series(found.accuracy, found.bias, table, found.series)
    assert found.summary is not None
    told = found.summary.model_copy(update={"counts": summary.counts(series), "drift": summary.features(table)})
    before: tuple[pd.DataFrame, pd.DataFrame, list[str]] = (found.series, found.groups, [])
    alerts.raise_new(site.reader, summary.news("shop", told.as_of, series, found.groups, [], before))
    made = replace(found, drift=table, series=series, summary=told)
    draft = made.draft(site.reader, told.key, table["as_of"].max(), 1)
    snapshots.publish(site.reader, "shop", draft, told.as_of)
    return made


def sales(days: int = 84) -> pd.DataFrame:
    """Two stores with a weekly season; the price is known a week ahead."""
    day = np.arange(days + 7)
    parts = []
    for number, (store, item) in enumerate((s, i) for s in STORES for i in ITEMS):
        units = 20 + 3 * number + 5 * (day % 7) + (day * (number + 3)) % 4
        frame = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=len(day)), "store": store, "item": item})
        frame["units"] = np.where(day < days, units, np.nan)
        parts.append(frame.assign(price=2.0 + (day % 5) / 10, region={"Ash": "north", "Elm": "south"}[store]))
    return pd.concat(parts, ignore_index=True)


def keys() -> tuple[dict[str, str], str]:
    """A key of each role, and the lines that the service knows them by."""
    made = {role: auth.create(f"{role}-of-tests", role) for role in auth.ROLES}
    return {role: secret for role, (secret, _) in made.items()}, "\n".join(key.line for _, key in made.values())


@contextmanager
def running(
    site: Site, log: Path, code: str = "from backend.app import main; main()", **environ: str
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """The service as a process of its own on a free port; its address once it answers, and the process."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **site.environ, "API_PORT": "0", **environ},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield _address(process, log), process
        finally:
            process.kill()
            process.wait()


def lines(log: Path) -> list[dict[str, object]]:
    """What the service has logged: every line is JSON."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        for line in log.read_text().splitlines():
            if "Uvicorn running on " in line:
                address = line.partition("running on ")[2].partition(" ")[0]
                assert httpx2.get(f"{address}/health/live").status_code == 200
                return address
        time.sleep(0.05)
    raise AssertionError(f"the service did not start:\n{log.read_text()}")
