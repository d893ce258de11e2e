"""From a shift in the data to an alert over HTTP and at a webhook, a rollback that the forecasts follow, and its undoing."""

import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from backend.app import create_app
from backend.core.settings import Settings
from pipelines.core.errors import NotFound
from pipelines.core.progress import Silent
from pipelines.forecasting import flows, thresholds
from pipelines.forecasting.monitoring import alerts
from pipelines.forecasting.settings import Workspace
from pipelines.runs import aliases
from tests.e2e.test_flows import Site
from tests.support.serving import Quiet, serving

START = 140
MONITORED = """\
source: {kind: file, path: inbox/mine.csv, columns: {keys: [store]}}
models: [seasonal_naive]
backtest: {windows: 5}
monitoring: {accuracy: {min_origins: 2}, comparison: {auto_rollback: true}, delivery: {wait: 0}}
"""


class Hook(ThreadingHTTPServer):
    """A webhook on this machine that answers with `answers`, the last of them for good, and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.received = [200], list[dict[str, Any]]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/secret-token"


class _Handler(Quiet):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(json.loads(body))
        self.send_response(self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0])
        self.end_headers()


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    server = Hook()
    monkeypatch.setenv("MONITORING_WEBHOOK_URL", server.url)
    with serving(server):
        yield server


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    made = Site(tmp_path)
    monkeypatch.delenv("MONITORING_WEBHOOK_URL", raising=False)
    for variable, value in made.environ.items():
        monkeypatch.setenv(variable, value)
    return made


def sales(days: int, shift_from: int | None = None) -> pd.DataFrame:
    """Six shops with a week and noise; from that day on the first two sell 40 pieces more."""
    rng, day = np.random.default_rng(11), np.arange(400)
    parts = []
    for number in range(6):
        units = 50 + 5 * number + 8 * (day % 7) + rng.normal(0, 2, len(day))
        units += 40 * (shift_from is not None and number < 2) * (day >= (shift_from or 0))
        ds = pd.date_range("2024-01-01", periods=len(day))
        parts.append(pd.DataFrame({"date": ds, "store": f"shop {number}", "units": units.round(2)})[:days])
    return pd.concat(parts, ignore_index=True)


def weeks(site: Site, workspace: Workspace, count: int, start: int = START, shift_from: int | None = None) -> None:
    """That many weeks: data, monitoring, forecasts."""
    for week in range(1, count + 1):
        site.csv(sales(start + 7 * week, shift_from))
        flows.etl(workspace, site.context)
        flows.monitor(workspace, site.context, with_report=False)
        flows.inference(workspace, site.context)


def begin(site: Site, text: str = MONITORED) -> Workspace:
    workspace = site.workspace(text)
    site.csv(sales(START))
    flows.etl(workspace, site.context)
    flows.train(workspace, site.context)
    flows.inference(workspace, site.context)
    return workspace


def connect(site: Site) -> TestClient:
    app = create_app(Settings(environment="dev"), site.reader)
    return TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50000))


def test_a_shift_is_alerted_once_over_http_and_at_the_webhook(site: Site, hook: Hook) -> None:
    """The two shops are named by error and by drift; running again raises and sends nothing more."""
    workspace = begin(site)
    weeks(site, workspace, 5, shift_from=START + 7)
    client = connect(site)
    found = client.get("/api/v1/monitoring/alerts", params={"workspace": "mine"}).json()["items"]
    for kind in ("error", "drift"):
        named = [name for one in found if (one["kind"], one["subject"]) == (kind, "series") for name in one["named"]]
        assert sorted(named) == ["shop 0", "shop 1"], kind  # each once
    assert client.get("/api/v1/monitoring/summary", params={"workspace": "mine"}).json()["status"] == "alert"
    assert {one["id"] for one in hook.received} == {one["id"] for one in found}
    assert len(hook.received) == len(found)
    assert all(one["sent"]["delivered"] for one in found)
    before = site.reader.monitoring("mine").name
    flows.monitor(workspace, site.context, with_report=False)  # after the last forecasts: nothing else is new
    flows.monitor(workspace, site.context, with_report=False)
    assert len(alerts.all_of(site.reader, "mine")) == len(hook.received) == len(found)
    assert site.reader.monitoring("mine").name > before
    newest = site.reader.monitoring("mine").name
    flows.monitor(workspace, site.context, with_report=False)
    assert site.reader.monitoring("mine").name == newest
    stored = "".join(path.read_text(errors="ignore") for path in site.folder.rglob("*.json*"))
    assert "secret-token" not in stored


def test_a_monitoring_that_dies_is_done_again_and_raises_nothing_twice(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its alerts were raised and before it was published: readers see the one before, and the next one is whole."""
    workspace = begin(site)
    weeks(site, workspace, 2, shift_from=START + 7)
    site.csv(sales(START + 21, START + 7))
    flows.etl(workspace, site.context)
    before = site.reader.monitoring("mine").name

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(flows.snapshots, "publish", die)
        with pytest.raises(KeyboardInterrupt):
            flows.monitor(workspace, site.context, with_report=False)
    assert site.reader.monitoring("mine").name == before
    raised = alerts.all_of(site.reader, "mine")
    assert any(one["kind"] == "error" for one in raised)
    flows.monitor(workspace, site.context, with_report=False)
    assert site.reader.monitoring("mine").name > before
    assert alerts.all_of(site.reader, "mine") == raised
    lines = (site.folder / "artifacts/mine/monitoring/alerts.jsonl").read_text().splitlines()
    assert len(lines) == len(raised)


def test_a_worse_run_is_rolled_back_and_forward_again(site: Site, hook: Hook) -> None:
    """The new run forecasts the wrong weekday; monitoring leaves it, the served forecasts follow, and one call undoes it."""
    begin(site)
    first = site.reader.production("mine").name
    worse = site.workspace(
        MONITORED.replace("[seasonal_naive]", "[naive]") + "model_params: {seasonal_naive: {season_length: 5}}"
    )
    second = flows.train(worse, site.context, force=True).run.name
    flows.inference(worse, site.context)
    client = connect(site)
    of = {"workspace": "mine", "unique_id": "shop 0"}
    weeks(site, worse, 3)
    assert site.reader.production("mine").name == second  # three spans are too little evidence
    bad = client.get("/api/v1/forecasts", params=of).json()
    site.csv(sales(START + 28))
    flows.etl(worse, site.context)
    flows.monitor(worse, site.context, with_report=False)
    assert site.reader.production("mine").name == first
    back = client.get("/api/v1/forecasts", params=of).json()
    assert (bad["run_id"], back["run_id"]) == (second, first)
    assert back["forecasts"] != bad["forecasts"]
    (told,) = [one for one in alerts.all_of(site.reader, "mine") if one["kind"] == "rollback"]
    assert told["figures"][0]["done"] is True
    assert told["figures"][0]["ratio"] > 1.1
    assert any(one["kind"] == "rollback" for one in hook.received)
    audit = [json.loads(line) for line in (site.folder / "artifacts/mine/audit.jsonl").read_text().splitlines()]
    assert (audit[-1]["from"], audit[-1]["to"], audit[-1]["by"]) == (second, first, "monitoring")
    assert "MASE" in audit[-1]["reason"]
    aliases.rollback(site.reader, "mine", "it was right")
    assert client.get("/api/v1/forecasts", params=of).json()["run_id"] == second
    flows.monitor(worse, site.context, with_report=False)
    assert site.reader.production("mine").name == second  # who undid it has the last word


def test_a_rollback_is_only_proposed_unless_it_may_be_done(site: Site) -> None:
    """The alert says how to do it; production stays."""
    begin(site)
    text = MONITORED.replace("auto_rollback: true", "auto_rollback: false").replace("[seasonal_naive]", "[naive]")
    worse = site.workspace(text + "model_params: {seasonal_naive: {season_length: 5}}")
    second = flows.train(worse, site.context, force=True).run.name
    flows.inference(worse, site.context)
    weeks(site, worse, 4)
    assert site.reader.production("mine").name == second
    (told,) = [one for one in alerts.all_of(site.reader, "mine") if one["kind"] == "rollback"]
    assert "promote.py --workspace mine --alias production --run" in told["message"]


def test_a_canary_that_is_worse_is_called_back(site: Site) -> None:
    """It forecasts beside production, is judged on the same actuals, and the alias goes back to production's run."""
    begin(site)
    first = site.reader.production("mine").name
    worse = site.workspace(
        MONITORED.replace("[seasonal_naive]", "[naive]") + "model_params: {seasonal_naive: {season_length: 5}}"
    )
    canary = next(run for run in [flows.train(worse, site.context, force=True).run.name] if run != first)
    aliases.promote(site.reader, "mine", first, "the good one")
    aliases.promote(site.reader, "mine", canary, "a try", "canary")
    workspace = site.workspace(MONITORED)
    flows.inference(workspace, site.context)
    weeks(site, workspace, 4)
    named = site.reader.pointers("mine").aliases
    assert (named["production"].run_id, named["canary"].run_id, named["canary"].previous) == (
        first,
        first,
        canary,
    )
    assert site.reader.published("mine").read_json("inference.json")["run_id"] == first


def test_a_webhook_that_fails_is_tried_again_and_then_given_up(site: Site, hook: Hook) -> None:
    """Two failures and it is taken; one that says no for good is kept aside, without its address."""
    workspace = begin(site)
    url = hook.url
    hook.answers = [503, 429, 200, 400]
    told = [alerts.Alert("mine", "health", name, "2024-05-20T00:00:00Z", "alert", f"{name} <b>") for name in ("a", "b")]
    alerts.raise_new(site.reader, told)
    slack = workspace.model_copy(
        update={
            "monitoring": workspace.monitoring.model_copy(
                update={"delivery": thresholds.Delivery(format="slack", wait=0)}
            )
        }
    )
    flows.monitor(slack, site.context, with_report=False)
    assert len(hook.received) == 4
    assert "*mine*" in hook.received[0]["text"]
    assert "a &lt;b&gt;" in hook.received[0]["text"]
    found = {one["subject"]: one["sent"]["delivered"] for one in alerts.all_of(site.reader, "mine") if one["sent"]}
    assert found == {"a": True, "b": False}
    (letter,) = (site.folder / "artifacts/mine/monitoring/dead_letters.jsonl").read_text().splitlines()
    assert (json.loads(letter)["id"], json.loads(letter)["why"]) == (told[1].id, "answered 400")
    assert url not in letter


class Told(Silent):
    """Keeps the names of what was said."""

    def __init__(self) -> None:
        self.events = list[str]()

    def say(self, event: str, **facts: object) -> None:
        self.events.append(event)


def test_run_all_looks_at_what_came_and_does_nothing_twice(site: Site) -> None:
    """Nothing to compare at first; a week later one monitoring, and none for the same data again. Groups have a bias, too."""
    workspace, told = site.workspace(MONITORED), Told()
    context = replace(site.context, progress=told)
    site.csv(sales(START))
    flows.run_all(workspace, context)
    assert told.events[-1] == "nothing to monitor"
    with pytest.raises(NotFound):
        site.reader.monitored("mine")
    site.csv(sales(START + 7))
    flows.run_all(workspace, context)
    assert told.events[-1] == "monitored"
    found = site.reader.monitoring("mine")
    biases = [row for row in found.read_json("summary.json")["accuracy"] if row["metric"] == "bias"]
    assert {(row["by"], row["status"]) for row in biases} >= {("all", "ok")}
    flows.run_all(workspace, context)
    assert told.events[-1] == "monitoring up to date"
    assert site.reader.monitored("mine") == found.name
