"""The registry over HTTP: runs, comparisons, whether they are intact, and aliases that nobody overwrites unseen."""

import fcntl
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.backend.conftest import connect
from tests.support import site as sites
from tests.support.site import Site

API = "/api/v1"
OF = {"workspace": "shop"}


def test_runs_are_listed_newest_first(client: TestClient, site: Site) -> None:
    """With their aliases, figures and, where they failed, the reason; filtered by status, in pages."""
    found = client.get(f"{API}/runs", params=OF).json()
    assert [run["run_id"] for run in found["items"]] == [site.failed, site.second, site.first]
    assert [run["status"] for run in found["items"]] == ["failed", "success", "success"]
    assert (found["items"][0]["error"], found["items"][1]["aliases"]) == ("no luck", ["production"])
    kept = client.get(f"{API}/runs", params={**OF, "status": "success", "limit": 1, "offset": 1}).json()
    assert (kept["total"], [run["run_id"] for run in kept["items"]]) == (2, [site.first])


def test_a_run_is_shown_whole(client: TestClient, site: Site) -> None:
    """Settings, figures, card and files as stored; a failed one without figures."""
    stored = site.reader.run("shop", site.second)
    found = client.get(f"{API}/runs/{site.second}", params=OF).json()
    info = stored.read_json("run.json")
    for key in ("config", "config_hash", "summary", "libraries", "stages", "parent"):
        assert found[key] == info[key], key
    assert found["card"] == stored.read_text("card.md")
    assert found["files"] == stored.files
    failed = client.get(f"{API}/runs/{site.failed}", params=OF).json()
    assert (failed["summary"], failed["card"], failed["error"]) == (None, None, "no luck")


def test_verify_reads_every_file_again(changeable: Site) -> None:
    """A changed file, one that is gone and one that was added are named."""
    client = connect(changeable)
    path = f"{API}/runs/{changeable.first}/verify"
    found = client.get(path, params=OF).json()
    assert (found["intact"], found["wrong"], found["signed"]) == (True, [], False)
    folder = changeable.folder / f"artifacts/shop/runs/{changeable.first}"
    (folder / "card.md").write_text("better than it was")
    (folder / "scales.parquet").unlink()
    (folder / "model/extra.pkl").write_bytes(b"")
    found = client.get(path, params=OF).json()
    assert (found["intact"], found["wrong"]) == (False, ["card.md", "model/extra.pkl", "scales.parquet"])


def test_two_runs_are_compared(client: TestClient, site: Site) -> None:
    """What was set differently, the change of each metric, and the series by what their champions' errors became."""
    found = client.get(f"{API}/runs/compare", params={**OF, "a": site.first, "b": site.second}).json()
    assert (found["metric"], found["comparable"], found["reason"]) == ("mae", True, "")
    models = [change for change in found["config"] if change["key"] == "models"]
    assert models == [
        {"key": "models", "a": ["seasonal_naive", "moving_average"], "b": ["seasonal_naive", "linear", "naive"]}
    ]
    first, second = (site.reader.run("shop", run).read_json("run.json")["summary"] for run in (site.first, site.second))
    deltas = {row["metric"]: row for row in found["metrics"]}
    assert deltas["champion"]["delta"] == pytest.approx(second["champion"] - first["champion"])
    assert deltas["seasonal_naive.mae"]["delta"] == pytest.approx(0)
    a, b = (
        site.reader.run("shop", run).read_parquet("champions.parquet").set_index("unique_id")["value"]
        for run in (site.first, site.second)
    )
    change = (b - a).dropna()
    assert (found["n_better"], found["n_worse"]) == ((change < 0).sum(), (change > 0).sum())
    assert found["n_better"] + found["n_worse"] + found["n_equal"] == len(change)
    for row in found["better"] + found["worse"]:
        assert row["delta"] == pytest.approx(change[row["unique_id"]])
    back = client.get(f"{API}/runs/compare", params={**OF, "a": site.second, "b": site.first}).json()
    assert (back["n_better"], back["n_worse"]) == (found["n_worse"], found["n_better"])


def test_a_failed_run_has_nothing_to_compare(client: TestClient, site: Site) -> None:
    """Its settings are compared all the same."""
    found = client.get(f"{API}/runs/compare", params={**OF, "a": site.first, "b": site.failed}).json()
    assert (found["comparable"], found["reason"]) == (False, "a run that failed has no figures")
    assert (found["better"], found["worse"], found["n_equal"]) == ([], [], 0)
    assert found["config"]


def put(client: TestClient, tag: str | None, name: str = "production", **body: Any) -> Any:
    headers = {} if tag is None else {"If-Match": tag}
    return client.put(f"{API}/aliases/{name}", params=OF, json={"reason": "better", **body}, headers=headers)


def test_an_alias_moves_for_who_has_seen_it(changeable: Site) -> None:
    """Production takes the published forecasts along; the audit file keeps who, when, from, to and why."""
    secrets, lines = sites.keys()
    client = connect(changeable, keys=lines)
    client.headers["X-API-Key"] = secrets["admin"]
    before = client.get(f"{API}/aliases", params=OF)
    moved = put(client, before.headers["etag"], run_id=changeable.first)
    assert moved.status_code == 200
    assert moved.headers["etag"] != before.headers["etag"]
    assert moved.json() == client.get(f"{API}/aliases", params=OF).json()
    (alias,) = moved.json()["aliases"]
    assert (alias["run_id"], alias["by"], alias["reason"]) == (changeable.first, "admin-of-tests", "better")
    assert alias["previous"] == changeable.second
    served = client.get(f"{API}/forecasts?workspace=shop&unique_id=Ash%2Ftea").json()
    assert served["run_id"] == moved.json()["published"]["run_id"] == changeable.first
    lines_ = (changeable.folder / "artifacts/shop/audit.jsonl").read_text().splitlines()
    last = json.loads(lines_[-1])
    assert len(lines_) == 3  # two trainings and this one
    assert {key: last[key] for key in ("alias", "from", "to", "by", "reason", "version")} == {
        "alias": "production",
        "from": changeable.second,
        "to": changeable.first,
        "by": "admin-of-tests",
        "reason": "better",
        "version": moved.json()["version"],
    }
    assert last["at"] == alias["at"]


def test_who_has_not_seen_the_newest_state_cannot_move_an_alias(changeable: Site) -> None:
    """428 without If-Match, 412 with an old one; nothing changes and nothing is added to the audit file."""
    client = connect(changeable)
    old = client.get(f"{API}/aliases", params=OF).headers["etag"]
    assert put(client, old, "canary", run_id=changeable.first).status_code == 200
    before = (changeable.folder / "artifacts/shop/pointers.json").read_bytes()
    audit = (changeable.folder / "artifacts/shop/audit.jsonl").read_bytes()
    assert put(client, None, run_id=changeable.first).status_code == 428
    assert put(client, old, run_id=changeable.first).status_code == 412
    assert put(client, f"W/{old}", run_id=changeable.first).status_code == 412
    assert (changeable.folder / "artifacts/shop/pointers.json").read_bytes() == before
    assert (changeable.folder / "artifacts/shop/audit.jsonl").read_bytes() == audit
    assert put(client, "*", run_id=changeable.first).status_code == 200


def test_another_writer_in_between_is_noticed(changeable: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that moves an alias after the tag was compared, and before the write: 412, and its change stays."""
    from backend.runs import service
    from pipelines.runs import aliases

    client = connect(changeable)
    tag = client.get(f"{API}/aliases", params=OF).headers["etag"]

    def late(*args: Any, **options: Any) -> Any:
        aliases.promote(changeable.reader, "shop", changeable.second, "first", "canary")
        return aliases.promote(*args, **options)

    monkeypatch.setattr(service, "promote", late)
    assert put(client, tag, run_id=changeable.first).status_code == 412
    found = {one["name"]: one["run_id"] for one in client.get(f"{API}/aliases", params=OF).json()["aliases"]}
    assert found == {"production": changeable.second, "canary": changeable.second}


def test_only_successful_runs_get_an_alias(changeable: Site) -> None:
    """A failed one is refused, one that is not there is not found, a name that is none is not valid."""
    client = connect(changeable)
    tag = client.get(f"{API}/aliases", params=OF).headers["etag"]
    assert put(client, tag, run_id=changeable.failed).status_code == 409
    assert put(client, tag, run_id="20240101T000000Z-00000000").status_code == 404
    assert put(client, tag, run_id="latest").status_code == 422
    assert put(client, tag, "a b", run_id=changeable.first).status_code == 422
    assert put(client, tag, run_id=changeable.first, reason="  ").status_code == 422
    assert client.get(f"{API}/aliases", params=OF).headers["etag"] == tag


def test_a_workspace_without_runs_has_empty_lists(client: TestClient) -> None:
    """No error where there is simply nothing to list."""
    assert client.get(f"{API}/runs?workspace=empty").json()["items"] == []
    found = client.get(f"{API}/aliases?workspace=empty").json()
    assert (found["version"], found["aliases"], found["published"]) == (0, [], None)


def test_who_sends_a_star_never_loses_a_race(changeable: Site) -> None:
    """If-Match: * asks for no version: every writer's move is made, and who sent one tag wins once only."""
    clients = [connect(changeable) for _ in range(8)]
    tag = clients[0].get(f"{API}/aliases?workspace=shop").headers["etag"]

    def move(n: int, given: str, name: str) -> int:
        body = {"run_id": changeable.first, "reason": "race"}
        path = f"{API}/aliases/{name}{n}?workspace=shop"
        return clients[n].put(path, json=body, headers={"If-Match": given}).status_code

    with ThreadPoolExecutor(len(clients)) as pool:
        assert set(pool.map(lambda n: move(n, "*", "star"), range(8))) == {200}
        found = clients[0].get(f"{API}/aliases?workspace=shop")
        assert sum(one["name"].startswith("star") for one in found.json()["aliases"]) == 8
        assert sorted(pool.map(lambda n: move(n, tag, "late"), range(8))) == [412] * 8
        newest = found.headers["etag"]
        assert sorted(pool.map(lambda n: move(n, newest, "tag"), range(8))) == [200] + [412] * 7


def test_a_star_that_others_keep_out_is_told_the_truth(changeable: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that was read has changed, so the answer is 409 with what to do, and not 412."""
    monkeypatch.setattr("pipelines.storage.local._LOCK_PATIENCE", 0.05)
    pointers = changeable.folder / "artifacts/shop/pointers.json.lock"
    with pointers.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        answer = connect(changeable).put(
            f"{API}/aliases/canary?workspace=shop",
            json={"run_id": changeable.first, "reason": "kept out"},
            headers={"If-Match": "*"},
        )
    assert answer.status_code == 409
    assert "try again" in answer.json()["detail"].lower()
