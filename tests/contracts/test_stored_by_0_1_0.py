"""What release 0.1.0 has stored keeps working: `tests/support/workspace-0.1.0.tar.xz` is a workspace as it left it.

Three series of 105 days; a run whose ensemble has a member of every model, one with a single model, forecast sets,
monitoring with an acknowledged alert, a note, a finished job, an upload, and the audit of three moves of `production`.
"""

import asyncio
import tarfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from backend.app import create_app
from backend.copilot.scope import Scope
from backend.copilot.tools import accuracy
from backend.core.catalog import Catalog
from backend.core.settings import Settings
from backend.knowledge.knowledge import Knowledge
from pipelines.core import config
from pipelines.core.progress import Silent
from pipelines.forecasting import flows, payload, settings
from pipelines.forecasting.flows import Context
from pipelines.forecasting.records import Monitoring
from pipelines.runs import aliases
from pipelines.storage.layout import Places
from pipelines.storage.pointers import CurrentData
from pipelines.storage.records import Run
from pipelines.storage.store import Store, Stores
from pipelines.tables.schema import DS, MODEL, UNIQUE_ID, Y_HAT

ARCHIVE = Path(__file__).parents[1] / "support/workspace-0.1.0.tar.xz"
NAME = "shop"


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stores:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    for name in ("CONFIG", "DATA", "ARTIFACTS"):
        folder = tmp_path / {"CONFIG": "configs"}.get(name, name.lower())
        monkeypatch.setenv(f"FORECAST_{name}_DIR", str(folder))
    monkeypatch.setenv("FORECAST_N_JOBS", "1")
    return Stores(Store(str(tmp_path / "data")), Store(str(tmp_path / "artifacts")))


def test_the_service_shows_all_that_was_stored(stored: Stores) -> None:
    """Runs, aliases, forecasts, accuracy, monitoring, alerts, notes and jobs of release 0.1.0 are served."""
    app = create_app(Settings(environment="dev"), stored)
    client = TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50000))

    def get(path: str, **query: str) -> Any:
        answer = client.get(f"/api/v1/{path}", params={"workspace": NAME, **query})
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return answer.json()

    (workspace,) = client.get("/api/v1/workspaces").json()["items"]
    assert (workspace["status"], workspace["n_series"]) == ("ready", 3)
    assert get("aliases")["aliases"][0]["run_id"] == workspace["production_run"]
    assert get("runs")["total"] == 2
    assert get("series")["total"] == 3
    assert len(get("forecasts", unique_id="Ash/tea")["forecasts"][0]["points"]) == 7
    assert get("forecasts/Ash%2Ftea/explanation")["points"]
    assert get("metrics/historical", by="model")["items"]
    assert get(f"workspaces/{NAME}/quality")["checks"]
    assert get("monitoring/summary")["status"] == "alert"
    alerts = get("monitoring/alerts")["items"]
    assert [one["acknowledged"]["note"] for one in alerts if one["acknowledged"]] == ["a promotion"]
    assert [one["name"] for one in get("knowledge/sources", kind="note")["items"]] == ["policy.md"]
    assert [one["state"] for one in get("jobs")["items"]] == ["succeeded"]


def test_shares_are_those_of_a_run_made_today(stored: Stores) -> None:
    """Release 0.1.0 stored percentages: API and copilot tell the same coverage and errors of its run as of one that this
    version makes with the same settings from the same data, and that stores fractions.
    """
    old = stored.run(NAME, "20261130T184007Z-a52df9c1")
    version = Run.of(old).data.version
    stored.data.move_pointer(Places(NAME).current_dataset, CurrentData, lambda now: now.changed(data_version=version))
    context = Context(config.load_project(), stored, Silent())
    # Production joins the backtest of a training: a quick one.
    aliases.promote(stored, NAME, old.name, "to be compared with")
    new = flows.train(payload.workspace_of(old), context, force=True).run
    app = create_app(Settings(environment="dev"), stored)
    client = TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50000))

    def get(path: str, **query: str) -> Any:
        return client.get(f"/api/v1/{path}", params={"workspace": NAME, **query}).json()

    def told(run_id: str) -> dict[str, Any]:
        aliases.promote(stored, NAME, run_id, "to be asked about")
        (workspace,) = client.get("/api/v1/workspaces").json()["items"]
        scope = Scope(app.state.services[Catalog].open(NAME), app.state.services[Knowledge])
        facts = [one for name in (None, "Ash/tea") for one in asyncio.run(accuracy.run(scope, name)).facts]
        return {
            "calibration": [row["coverage"] for row in get(f"runs/{run_id}/calibration")["rows"]],
            "errors": [
                row["value"]
                for metric in ("coverage_80", "coverage_95", "smape", "mape", "wape", "mae")
                for row in get("metrics/historical", by="series", metric=metric)["items"]
            ],
            "board": [
                value
                for errors in get(f"runs/{run_id}")["summary"]["leaderboard"].values()
                for value in errors.values()
            ],
            "workspace": list(workspace["accuracy"]["coverage"].values()),
            "copilot": [one.value for one in facts if one.concept in ("coverage", "wape", "skill", "error")],
        }

    before, now = told(old.name), told(new.name)
    for what, values in now.items():
        assert len(values) > 1
        assert before[what] == [value if value is None else pytest.approx(value, rel=1e-6) for value in values], what
    assert all(0 <= value <= 1 for value in (*before["calibration"], *before["workspace"]))
    (series,) = get("monitoring/series", unique_id="Ash/tea")["items"]
    assert series["coverage"] == {"80": pytest.approx(3 / 7), "95": pytest.approx(4 / 7)}
    assert series["wape"] == pytest.approx(0.26952442)
    whole = {(row["metric"], row["window"]): row["value"] for row in get("monitoring/summary")["accuracy"]}
    assert whole["coverage_80", 1] == pytest.approx(2 / 3)


def test_models_of_every_kind_still_forecast_as_they_did(stored: Stores) -> None:
    """A run of release 0.1.0 is loaded and forecasts what it forecast then, from the same data."""
    before = stored.published(NAME).read_parquet("forecasts.parquet")
    context = Context(config.load_project(), stored, Silent())
    after = flows.inference(settings.load_workspace(NAME), context).read_parquet("forecasts.parquet")
    key = [UNIQUE_ID, DS, MODEL]
    pd.testing.assert_frame_equal(after[[*key, Y_HAT]], before[[*key, Y_HAT]], rtol=1e-6)


def test_monitoring_goes_on_from_what_it_found(stored: Stores) -> None:
    """A monitoring after the upgrade keeps the history and the alerts of those before it, and raises none of them twice."""
    alerts = stored.artifacts.lines(Places(NAME).alerts)
    context = Context(config.load_project(), stored, Silent())
    found = flows.monitor(settings.load_workspace(NAME), context, with_report=False)
    assert found.name == stored.monitored(NAME)
    table = found.read_parquet("series.parquet")
    assert len(table[UNIQUE_ID].unique()) == 3
    assert table[["coverage_80", "coverage_95", "coverage_80_baseline"]].stack().between(0, 1).all()
    timeline = Monitoring.of(found).timeline  # mostly as release 0.1.0 judged it
    assert len(timeline) > 1
    assert all(0 <= one.metrics["coverage_80"] <= 1 and 0 < one.metrics["wape"] < 10 for one in timeline)
    assert stored.artifacts.lines(Places(NAME).alerts)[: len(alerts)] == alerts
