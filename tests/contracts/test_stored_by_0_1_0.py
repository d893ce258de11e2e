"""What release 0.1.0 has stored keeps working: `tests/support/workspace-0.1.0.tar.xz` is a workspace as it left it.

Three series of 105 days; a run whose ensemble has a member of every model, one with a single model, forecast sets,
monitoring with an acknowledged alert, a note, a finished job, an upload, and the audit of three moves of `production`.
"""

import tarfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from backend.app import create_app
from backend.core.settings import Settings
from pipelines.core import config
from pipelines.core.progress import Silent
from pipelines.forecasting import flows, settings
from pipelines.forecasting.flows import Context
from pipelines.storage.catalog import Reader
from pipelines.storage.store import Store
from pipelines.tables.schema import DS, MODEL, UNIQUE_ID, Y_HAT

ARCHIVE = Path(__file__).parents[1] / "support/workspace-0.1.0.tar.xz"
NAME = "shop"


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    for name in ("CONFIG", "DATA", "ARTIFACTS"):
        folder = tmp_path / {"CONFIG": "configs"}.get(name, name.lower())
        monkeypatch.setenv(f"FORECAST_{name}_DIR", str(folder))
    monkeypatch.setenv("FORECAST_N_JOBS", "1")
    return Reader(Store(str(tmp_path / "data")), Store(str(tmp_path / "artifacts")))


def test_the_service_shows_all_that_was_stored(stored: Reader) -> None:
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


def test_models_of_every_kind_still_forecast_as_they_did(stored: Reader) -> None:
    """A run of release 0.1.0 is loaded and forecasts what it forecast then, from the same data."""
    before = stored.published(NAME).read_parquet("forecasts.parquet")
    context = Context(config.load_project(), stored, Silent())
    after = flows.inference(settings.load_workspace(NAME), context).read_parquet("forecasts.parquet")
    key = [UNIQUE_ID, DS, MODEL]
    pd.testing.assert_frame_equal(after[[*key, Y_HAT]], before[[*key, Y_HAT]], rtol=1e-6)


def test_monitoring_goes_on_from_what_it_found(stored: Reader) -> None:
    """A monitoring after the upgrade keeps the history and the alerts of those before it, and raises none of them twice."""
    alerts = stored.artifacts.lines(NAME, "monitoring", "alerts.jsonl")
    context = Context(config.load_project(), stored, Silent())
    found = flows.monitor(settings.load_workspace(NAME), context, with_report=False)
    assert found.name == stored.monitored(NAME)
    assert len(found.read_parquet("series.parquet")[UNIQUE_ID].unique()) == 3
    assert stored.artifacts.lines(NAME, "monitoring", "alerts.jsonl")[: len(alerts)] == alerts
