"""Monitoring from the command line, and a replay with a shift that it names."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.core.errors import ConfigError, DataError
from pipelines.forecasting import payload, settings
from pipelines.forecasting.monitoring import alerts
from pipelines.forecasting.records import Monitoring
from pipelines.forecasting.settings import SourceSpec
from scripts import showing
from scripts.simulate import Shift, replay
from tests.e2e.test_flows import ROOT, Site

WORKSPACE = """\
source: {kind: file, path: inbox/replay.parquet, columns: {keys: [store, product]}}
target: {name: units, non_negative: true}
covariates: {future: [price, promo], static: [store]}
missing: {future: previous}
models: [seasonal_naive]
backtest: {windows: 6}
monitoring: {accuracy: {min_origins: 2}}
"""
SOURCE = SourceSpec.model_validate(
    {"kind": "retail_demo", "stores": 2, "products": 3, "days": 240, "end": "2024-06-30", "horizon": 7}
)


def test_a_replay_ends_with_the_shift_that_was_put_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step is monitored; before the shift nothing is in alert, after it the shifted store alone."""
    site = Site(tmp_path)
    for variable, value in site.environ.items():
        monkeypatch.setenv(variable, value)
    workspace = site.workspace(WORKSPACE)
    replay(SOURCE, workspace, site.context, steps=5, every=7, shift=Shift("Bath/", factor=6.0, at=4))
    summary = Monitoring.of(site.reader.monitoring("mine"))
    history = [point.as_of[:10] for point in summary.history]
    assert history == ["2024-05-26", "2024-06-02", "2024-06-09", "2024-06-16", "2024-06-23", "2024-06-30"]
    found = alerts.all_of(site.reader, "mine")
    errors = [one for one in found if (one["kind"], one["subject"]) == ("error", "series")]
    named = {name for one in errors for name in one["named"]}
    assert named
    assert all(name.startswith("Bath/") for name in named)
    assert min(one["as_of"] for one in errors) >= "2024-06-23"
    table = showing.standing(summary, found)
    assert table.row_count == len(history)
    assert "Bath/" in "".join(str(cell) for cell in table.columns[-1].cells)


def test_a_replay_needs_a_file_to_write_and_enough_history(tmp_path: Path) -> None:
    """The message says which."""
    site = Site(tmp_path)
    workspace = site.workspace(WORKSPACE)
    with pytest.raises(DataError, match="too few to replay 50 times 7"):
        replay(SOURCE, workspace, site.context, steps=50, every=7)
    demo = workspace.model_copy(update={"source": SOURCE})
    with pytest.raises(ConfigError, match="needs a file to write"):
        replay(SOURCE, demo, site.context, steps=2, every=7)


def test_the_command_line_monitors_and_does_nothing_twice(tmp_path: Path) -> None:
    """Up to date after a replay, and again once a threshold has changed; 1 with a remedy where there is no run."""
    site = Site(tmp_path)
    workspace = site.workspace(WORKSPACE)

    def call() -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(ROOT / "scripts/monitor.py"), "--workspace", "mine", "--no-report", "--json-log"]
        env = {**os.environ, "PYTHONPATH": str(ROOT), **site.environ}
        return subprocess.run(command, capture_output=True, text=True, env=env, check=False)

    missing = call()
    assert missing.returncode == 1
    assert "scripts/train.py" in missing.stderr
    replay(SOURCE, workspace, site.context, steps=1, every=7)
    done = [call()]
    site.workspace(WORKSPACE.replace("min_origins: 2", "min_origins: 4"))
    done += [call(), call()]
    assert [one.returncode for one in done] == [0, 0, 0], done[0].stderr
    events = [[json.loads(line)["event"] for line in one.stderr.splitlines()] for one in done]
    assert [one[0] for one in events] == ["monitoring up to date", "monitored", "monitoring up to date"]


def test_settings_of_monitoring_do_not_make_a_run_stale(tmp_path: Path) -> None:
    """A threshold watches runs, and changes none."""

    site = Site(tmp_path)
    strict = site.workspace(WORKSPACE + "levels: [80]")
    other = site.workspace(WORKSPACE.replace("min_origins: 2", "min_origins: 5") + "levels: [80]")
    assert payload.config_hash(strict) == payload.config_hash(other)
    assert settings.load_workspace("mine", site.environ).monitoring.accuracy.min_origins == 5
