"""The whole way on gs:// and s3://: from a file in the bucket to served forecasts, and back to the run before."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from backend.app import create_app
from backend.core.settings import Settings
from pipelines.core.config import Project
from pipelines.core.errors import DataError, StoreError, Untrusted
from pipelines.core.progress import Silent
from pipelines.forecasting import flows, settings
from pipelines.forecasting.flows import Context
from pipelines.forecasting.worker import Worker
from pipelines.runs import aliases
from pipelines.storage import layout
from pipelines.storage.copies import Copies
from pipelines.storage.store import stores as stores_of
from tests.support import stores

KEY = "a key that signs what is stored"


class Site:
    """A project whose data and artifacts lie in a bucket; its settings are files of this machine."""

    def __init__(self, folder: Path, kind: stores.Kind, bucket: stores.Bucket) -> None:
        self.bucket = bucket
        (folder / "configs/workspaces").mkdir(parents=True)
        (folder / "configs/workspaces/mine.yaml").write_text(
            "source: {kind: file, path: inbox/mine.csv}\nfrequency: D\nhorizon: 7\nmodels: [naive, moving_average]\n"
        )
        self.environ = {
            "FORECAST_CONFIG_DIR": str(folder / "configs"),
            "FORECAST_DATA_DIR": f"{kind}://bucket/data",
            "FORECAST_ARTIFACTS_DIR": f"{kind}://bucket/artifacts",
        }
        self.project = Project(
            data_dir=self.environ["FORECAST_DATA_DIR"], artifacts_dir=self.environ["FORECAST_ARTIFACTS_DIR"], n_jobs=1
        )
        self.reader = stores_of(self.project, KEY, require_signature=True)
        self.context = Context(self.project, self.reader, Silent())
        self.workspace = settings.load_workspace("mine", self.environ)

    def csv(self, days: int) -> None:
        day = np.arange(days)
        rows = [
            pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=days), "shop": shop, "y": 20 * k + 5 * (day % 7)})
            for k, shop in enumerate(["Ash", "Elm"], start=1)
        ]
        self.reader.data.medium.write(layout.source("inbox/mine.csv"), pd.concat(rows).to_csv(index=False).encode())


@pytest.fixture(params=["gs", "s3"])
def site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr("pipelines.storage.bucket._COPIES", Copies(tmp_path / "copies"))
    with stores.serve(request.param) as bucket:
        made = Site(tmp_path, request.param, bucket)
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)
        yield made


def test_the_whole_way_on_an_object_store(site: Site) -> None:
    """ETL, two trainings, inference, monitoring, promotion, the API and its worker, and the rollback, all signed."""
    with pytest.raises(DataError, match=r"mine\.csv"):
        flows.etl(site.workspace, site.context)
    site.csv(70)
    dataset = flows.etl(site.workspace, site.context)
    assert flows.etl(site.workspace, site.context).version == dataset.version
    assert dataset.info.origin == f"{site.environ['FORECAST_DATA_DIR']}/inbox/mine.csv"
    first = flows.train(site.workspace, site.context, force=True).run
    shown = flows.inference(site.workspace, site.context)
    site.csv(77)
    flows.etl(site.workspace, site.context)
    flows.monitor(site.workspace, site.context, with_report=False)
    second = flows.train(site.workspace.model_copy(update={"models": ("naive",)}), site.context, force=True).run
    assert site.reader.pointers("mine").published.forecast_id == shown.name
    flows.inference(site.workspace, site.context)
    assert site.reader.runs("mine") == [first.name, second.name]
    assert [folder.verify() for folder in (first, second, shown, site.reader.monitoring("mine"))] == [[]] * 4

    app = create_app(Settings(environment="dev", rate_limit=1_000_000), site.reader)
    client = TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50000))
    api = "/api/v1"
    assert client.get("/health/ready").status_code == 200
    served = client.get(f"{api}/forecasts", params={"workspace": "mine", "unique_id": "Ash"})
    assert (served.status_code, served.json()["run_id"]) == (200, second.name)
    known = {"If-None-Match": served.headers["etag"]}
    assert client.get(f"{api}/forecasts?workspace=mine&unique_id=Ash", headers=known).status_code == 304
    assert len(client.get(f"{api}/series/Ash/history?workspace=mine").json()["points"]) == 77
    site.bucket.requests.clear()
    assert client.get(f"{api}/series/Ash/history?workspace=mine").status_code == 200
    paths = [path for method, path in site.bucket.requests if method == "GET"]
    assert len([path for path in paths if "pointers.json" in path]) == 1, "read once a request"
    assert not [path for path in paths if "parquet" in path], "tables are here by now"
    moved = client.put(
        f"{api}/aliases/production", params={"workspace": "mine"}, json={"run_id": first.name, "reason": "better"},
        headers={"If-Match": client.get(f"{api}/aliases?workspace=mine").headers["etag"]},
    )  # fmt: skip
    assert moved.status_code == 200, moved.text
    again = client.get(f"{api}/forecasts?workspace=mine&unique_id=Ash", headers=known)
    assert (again.status_code, again.json()["run_id"]) == (200, first.name)
    aliases.rollback(site.reader, "mine", "as it was")
    assert client.get(f"{api}/forecasts?workspace=mine&unique_id=Ash", headers=known).status_code == 304
    assert client.get(f"{api}/monitoring/summary?workspace=mine").status_code == 200
    audit = [json.loads(line) for line in site.reader.artifacts.lines(site.reader.places("mine").audit)]
    assert [move["to"] for move in audit] == [first.name, second.name, first.name, second.name]

    request = {"workspace": "mine", "run_id": first.name, "unique_ids": ["Elm"], "horizon": 3}
    answer = Worker(site.reader).answer(request)
    assert len(answer["forecasts"][0]["points"]) == 3


def test_what_lies_in_the_bucket_is_not_trusted(site: Site) -> None:
    """A model that somebody replaced is refused before it is loaded, and what is unsigned is refused as a whole."""
    site.csv(70)
    flows.etl(site.workspace, site.context)
    run = flows.train(site.workspace, site.context, force=True).run
    model = next(name for name in run.files if name.startswith("model/"))
    site.reader.artifacts.medium.write(run.place.file(model), b"evil")
    with pytest.raises(Untrusted, match="SHA-256 differs"):
        flows.inference(site.workspace, site.context)
    unsigned = stores_of(site.project).artifacts.draft(site.reader.places("mine").run("20240101T000000Z-00000000"))
    unsigned.write_json("run.json", {})
    unsigned.publish()
    with pytest.raises(Untrusted, match="not signed"):
        site.reader.run("mine", "20240101T000000Z-00000000")


def test_a_store_that_is_away_is_told(site: Site) -> None:
    """The API is not ready and answers 503 as long as that lasts; a flow ends with one message."""
    site.csv(70)
    flows.etl(site.workspace, site.context)
    app = create_app(Settings(environment="dev", rate_limit=1_000_000), site.reader)
    client = TestClient(
        app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50000), raise_server_exceptions=False
    )
    site.bucket.fault = lambda method, path: 503
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"][0]["name"]) == (503, "storage")
    assert client.get("/api/v1/aliases?workspace=mine").status_code == 503
    with pytest.raises(StoreError, match="status 503"):
        flows.train(site.workspace, site.context)
