"""Monitoring over HTTP: a workspace that was monitored for weeks, in the last of which one series sold four times as much."""

import asyncio
import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from backend.copilot.scope import Scope
from backend.copilot.tools import drift_and_alerts
from backend.core.catalog import Catalog
from backend.knowledge.knowledge import Knowledge
from pipelines.forecasting.read.monitoring import Monitored
from pipelines.runs import aliases
from tests.backend.conftest import connect, part
from tests.pipelines.monitoring.hostile import evidently
from tests.support import site as sites
from tests.support.site import Site

API = "/api/v1/monitoring"
OF = {"workspace": "shop"}
SHIFTED = "Ash/tea"


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Four weeks later: a week as ever, three in which one series sells four times as much."""
    return sites.made(tmp_path_factory, "watched")


@pytest.fixture
def client(watched: Site, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    for variable, value in watched.environ.items():
        monkeypatch.setenv(variable, value)
    return connect(watched)


def test_the_summary_is_what_was_stored(client: TestClient, watched: Site) -> None:
    """Status, counts, windows, drift, checks, history and timeline; 304 for who has it."""
    found = client.get(f"{API}/summary", params=OF)
    stored = watched.reader.monitoring("shop").read_json("summary.json")
    body = found.json()
    for key in ("status", "counts", "accuracy", "drift", "health", "comparisons", "history", "as_of", "monitoring_id"):
        assert body[key] == stored[key], key
    assert body["report"] is True
    assert body["timeline"][0]["cutoff"] == "2024-03-24"
    assert [point["as_of"][:10] for point in body["history"]] == [
        "2024-03-31",
        "2024-04-07",
        "2024-04-14",
        "2024-04-21",
    ]
    assert client.get(f"{API}/summary", params=OF, headers={"If-None-Match": found.headers["etag"]}).status_code == 304


def test_the_series_come_with_the_worst_first(client: TestClient) -> None:
    """The one that was shifted is in alert, and by its error; filters and pages count."""
    found = client.get(f"{API}/series", params=OF).json()
    first = found["items"][0]
    assert (first["unique_id"], first["status"], first["statuses"]["error"]) == (SHIFTED, "alert", "alert")
    assert first["mae"] > 2 * first["mae_baseline"]
    assert first["since"] == "2024-04-14" < found["as_of"]  # one week before the newest
    assert found["total"] == len(sites.IDS)
    assert {row["feature"] for row in first["drift"]} == {"y", "price"}
    alerts = client.get(f"{API}/series", params={**OF, "status": "alert", "kind": "error"}).json()
    assert [row["unique_id"] for row in alerts["items"]] == [SHIFTED]
    page = client.get(f"{API}/series", params={**OF, "sort": "name", "limit": 2, "offset": 1}).json()
    assert [row["unique_id"] for row in page["items"]] == sites.IDS[1:3]
    assert client.get(f"{API}/series", params={**OF, "search": "ELM/TEA"}).json()["total"] == 1


def test_one_series_is_told_in_detail(client: TestClient) -> None:
    """Each window's metrics and each forecast set that was judged, with what the backtest had."""
    found = client.get(f"{API}/series", params={**OF, "unique_id": SHIFTED}).json()
    assert [row["unique_id"] for row in found["items"]] == [SHIFTED]
    windows = {(row["window"], row["metric"]) for row in found["detail"]["accuracy"]}
    assert {(1, "mase"), (4, "coverage_80"), (4, "skill")} <= windows
    origins = found["detail"]["origins"]
    assert [one["cutoff"] for one in origins] == ["2024-03-24", "2024-03-31", "2024-04-07", "2024-04-14"]
    assert origins[1]["mae"] > 3 * origins[1]["mae_baseline"]
    assert client.get(f"{API}/series", params={**OF, "unique_id": "nobody"}).status_code == 404


def test_triage_knows_what_monitoring_has_found(client: TestClient) -> None:
    """The shifted series counts by its share alone, and says what is wrong, since when, and with which figure."""
    found = client.get("/api/v1/portfolio", params=OF).json()
    row = next(one for one in found["items"] if one["unique_id"] == SHIFTED)
    reasons = {one["kind"]: one for one in row["reasons"]}
    assert row["monitored"] == "alert"
    assert row["score"] == pytest.approx(reasons["share"]["percentile"])
    worse = reasons["worse"]
    series = client.get(f"{API}/series", params={**OF, "unique_id": SHIFTED}).json()["items"][0]
    assert worse["value"] == pytest.approx(series["mae"] / series["mae_baseline"])
    assert (worse["status"], worse["since"] >= "2024-04-07") == ("alert", True)
    for other in found["items"]:
        if other["monitored"] not in ("warn", "alert"):
            factors = {one["kind"]: one["percentile"] for one in other["reasons"]}
            change = factors.get("on_year", factors.get("on_period", 0.5))
            assert other["score"] == pytest.approx(factors["share"] * factors["error"] * change)
            assert all(one["status"] is None for one in other["reasons"])
    alone = client.get("/api/v1/portfolio", params={**OF, "monitored": "alert"}).json()
    assert SHIFTED in [one["unique_id"] for one in alone["items"]]
    assert {one["monitored"] for one in alone["items"]} == {"alert"}
    listed = client.get("/api/v1/series", params={**OF, "monitored": "alert"}).json()
    assert [one["unique_id"] for one in listed["items"]] == sorted(one["unique_id"] for one in alone["items"])


def test_who_needs_attention_is_whom_monitoring_warns_of(client: TestClient) -> None:
    """With the figures that monitoring has found, alerts before warnings, and the others have no reason at all."""
    whole = client.get("/api/v1/portfolio", params=OF).json()
    found = client.get("/api/v1/portfolio", params={**OF, "needs_attention": True}).json()
    graded = {row["unique_id"] for row in whole["items"] if row["monitored"] in ("warn", "alert")}
    assert {row["unique_id"] for row in found["items"]} >= graded >= {SHIFTED}
    assert found["n_attention"] == whole["n_attention"] == found["total"] == len(found["items"])
    for row in found["items"]:
        grades = [reason["status"] for reason in row["attention"] if reason["status"]]
        assert row["needs_attention"]
        assert row["attention"]
        assert grades == sorted(grades)  # "alert" before "warn"
        assert "share" not in {reason["kind"] for reason in row["attention"]}
    quiet = [row for row in whole["items"] if not row["needs_attention"]]
    assert len(quiet) == whole["total"] - whole["n_attention"]
    assert not any(row["attention"] for row in quiet)


def test_workspaces_count_their_open_alerts(watched: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An acknowledged one is open no more; a log that cannot be read hides no workspace."""
    copy = watched.copy(tmp_path / "site")
    for variable, value in copy.environ.items():
        monkeypatch.setenv(variable, value)
    client = connect(copy)

    def shop() -> dict[str, Any]:
        found = client.get("/api/v1/workspaces").json()["items"]
        assert {one["open_alerts"] for one in found if one["name"] != "shop"} == {0}
        one: dict[str, Any] = next(one for one in found if one["name"] == "shop")
        assert client.get("/api/v1/workspaces/shop").json()["open_alerts"] == one["open_alerts"]
        return one

    raised = client.get(f"{API}/alerts", params=OF).json()["items"]
    assert (shop()["open_alerts"], shop()["worst_alert"]) == (len(raised), "alert")
    client.post(f"{API}/alerts/{raised[0]['id']}/acknowledge", params=OF, json={})
    assert shop()["open_alerts"] == len(raised) - 1
    assert shop()["target"] == "y"
    log = copy.folder / "artifacts/shop/monitoring/alerts.jsonl"
    log.unlink()
    log.mkdir()
    assert (shop()["open_alerts"], shop()["status"]) == (None, "ready")


def test_of_another_run_monitoring_says_nothing(watched: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor where it never looked: no status, no filter, no reason; and what is damaged hides no series."""
    copy = watched.copy(tmp_path / "site")
    for variable, value in copy.environ.items():
        monkeypatch.setenv(variable, value)
    client = connect(copy)
    newest = copy.folder / "artifacts/shop/monitoring" / copy.reader.monitoring("shop").name
    meter = client.get("/api/v1/series", params={"workspace": "meter"}).json()
    assert ({one["monitored"] for one in meter["items"]}, "monitored" in meter["filters"]) == ({None}, False)
    (newest / "series.parquet").write_bytes(b"damaged")
    for _ in range(2):
        found = client.get("/api/v1/portfolio", params=OF).json()
        assert {one["monitored"] for one in found["items"]} == {None}
        assert not any(one["status"] for row in found["items"] for one in row["reasons"])
        aliases.promote(copy.reader, "shop", copy.first, "for a test")


def test_the_report_may_only_run_its_own_scripts(client: TestClient) -> None:
    """HTML without a reference to load anything, under a policy that names its scripts by hash and nothing else."""
    found = client.get(f"{API}/report", params=OF)
    assert found.headers["content-type"].startswith("text/html")
    (policy,) = found.headers.get_list("content-security-policy")
    assert "default-src 'none'" in policy
    assert "'unsafe-inline'" not in policy.split("style-src")[0]
    assert re.search(r"script-src ('sha256-[A-Za-z0-9+/=]{44}' ?)+;", policy)
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=[\"']?https?:", found.text)


def test_an_alert_is_acknowledged_once(watched: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whom and with which note; who comes later changes nothing; a viewer may not."""
    copy = watched.copy(tmp_path / "site")
    for variable, value in copy.environ.items():
        monkeypatch.setenv(variable, value)
    secrets, lines = sites.keys()
    client = connect(copy, keys=lines)

    def acknowledge(role: str, alert_id: str, **body: Any) -> Any:
        path = f"{API}/alerts/{alert_id}/acknowledge"
        return client.post(path, params=OF, json=body, headers={"X-API-Key": secrets[role]})

    head = {"X-API-Key": secrets["viewer"]}
    found = client.get(f"{API}/alerts", params={**OF, "kind": "error"}, headers=head)
    alert = next(one for one in found.json()["items"] if one["subject"] == "series")
    assert (alert["named"], alert["severity"], alert["acknowledged"]) == ([SHIFTED], "alert", None)
    assert SHIFTED in alert["message"]
    assert acknowledge("viewer", alert["id"]).status_code == 403
    first = acknowledge("analyst", alert["id"], note="a promotion").json()
    assert (first["acknowledged"]["by"], first["acknowledged"]["note"]) == ("analyst-of-tests", "a promotion")
    assert acknowledge("admin", alert["id"], note="me too").json() == first
    after = client.get(f"{API}/alerts", params={**OF, "kind": "error"}, headers=head)
    assert after.headers["etag"] != found.headers["etag"]
    assert after.json()["open"] == found.json()["open"] - 1
    acknowledged = client.get(f"{API}/alerts", params={**OF, "state": "acknowledged"}, headers=head).json()["items"]
    assert [one["id"] for one in acknowledged] == [alert["id"]]
    assert acknowledge("analyst", "0" * 16).status_code == 404
    lines_ = (copy.folder / "artifacts/shop/monitoring/alerts.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines_].count("acknowledged") == 1


def test_what_was_never_monitored_is_told_so(client: TestClient) -> None:
    """404 with the reason; its list of alerts is empty."""
    for path in ("summary", "series", "report"):
        found = client.get(f"{API}/{path}", params={"workspace": "meter"})
        assert (found.status_code, found.json()["detail"]) == (404, "Workspace 'meter' was not monitored yet.")
    assert client.get(f"{API}/alerts", params={"workspace": "meter"}).json()["items"] == []


def test_a_report_of_the_last_release_is_served_without_what_its_data_say(
    watched: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script that a name had brought into a stored report is text in what is served, and in no policy."""
    for variable, value in watched.environ.items():
        monkeypatch.setenv(variable, value)
    evil = "parent.document.title='owned'"
    raw = evidently(f"</script><script>{evil}</script>")
    monkeypatch.setattr(Monitored, "report", lambda self: raw.encode())
    found = connect(watched).get(f"{API}/report", params=OF)
    digest = base64.b64encode(hashlib.sha256(evil.encode()).digest()).decode()
    assert digest not in found.headers["content-security-policy"]
    assert f"<script>{evil}" in raw
    assert f"<script>{evil}" not in found.text
    assert found.headers["content-security-policy"].endswith("sandbox allow-scripts")


def test_everything_counts_the_same_drift(watched: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts of the summary, the features, the series, the alerts and the copilot's facts follow from the same statuses."""
    copy = watched.copy(tmp_path / "site")
    for variable, value in copy.environ.items():
        monkeypatch.setenv(variable, value)
    sites.drifted(copy)
    client = connect(copy)
    whole = client.get(f"{API}/summary", params=OF).json()
    series = client.get(f"{API}/series", params={**OF, "sort": "drift"}).json()["items"]
    graded = [one["statuses"]["drift"] for one in series]
    assert graded == sorted(graded, key=["alert", "warn", "ok", "insufficient"].index)
    assert {status: graded.count(status) for status in whole["counts"]["drift"]} == whole["counts"]["drift"]
    cells = [row for one in series for row in one["drift"]]
    for feature in whole["drift"]:
        own = [row["status"] for row in cells if row["feature"] == feature["feature"]]
        assert {status: own.count(status) for status in ("insufficient", "ok", "warn", "alert")} == {
            status: feature[status] for status in ("insufficient", "ok", "warn", "alert")
        }
    for one in series:
        worst = max((row["status"] for row in one["drift"]), key=["insufficient", "ok", "warn", "alert"].index)
        named = next(row for row in one["drift"] if row["feature"] == one["feature"])
        assert one["statuses"]["drift"] == worst == named["status"]
    drifted = [one["unique_id"] for one in series if one["statuses"]["drift"] in ("warn", "alert")]
    assert drifted
    scope = Scope(part(client, Catalog).open("shop"), part(client, Knowledge))
    facts = asyncio.run(drift_and_alerts.run(scope)).facts
    counts = {fact.of[0].name if fact.of else "": fact.value for fact in facts if fact.concept == "n_drifted"}
    assert counts.pop("") == len(drifted)
    assert counts == {one["feature"]: one["alert"] + one["warn"] for one in whole["drift"]}
    raised = client.get(f"{API}/alerts", params={**OF, "kind": "drift"}).json()["items"]
    in_alert = {one["unique_id"] for one in series if one["statuses"]["drift"] == "alert"}
    assert in_alert == {name for alert in raised for name in alert["named"]}
