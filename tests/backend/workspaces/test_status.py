"""The list of workspaces: whatever one of them holds, the others are listed as before, and what changed is seen."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from backend.core.catalog import Catalog
from backend.core.metrics import Metrics
from backend.workspaces.status import Statuses
from tests.backend.conftest import connect
from tests.support.site import Site

API = "/api/v1"
DEEP = b"[" * 100_000
BOMB = b"a: &a [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n".encode()
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)
JSONS: dict[str, bytes] = {
    "null": b"null",
    "a list": b"[]",
    "an empty object": b"{}",
    "a text": b'"x"',
    "a number beyond floats": b"1e999",
    "a version beyond floats": b'{"version": 1e999}',
    "deep nesting": DEEP,
    "half": b'{"version": 1, "aliases": {"produc',
    "nothing": b"",
    "no UTF-8": b'{"version": 1, "a": "\xff\xfe"}',
    "a negative version": b'{"version": -1}',
    "aliases that are a list": b'{"version": 1, "aliases": []}',
    "aliases that are null": b'{"version": 1, "aliases": null}',
    "an alias without a run": b'{"version": 1, "aliases": {"production": {}}}',
    "a run that is a number": b'{"version": 1, "aliases": {"production": {"run_id": 5}}, "data_version": 5}',
    "a run that leads out": b'{"version": 1, "aliases": {"production": {"run_id": "../../x"}}, "data_version": "../x"}',
    "lone surrogates": b'{"version": 1, "aliases": {"production": {"run_id": "\\ud800"}}, "data_version": "\\ud800"}',
}
YAMLS: dict[str, bytes] = {
    "no YAML": b"{[",
    "a list": b"- 1\n",
    "a key that stands twice": b"title: a\ntitle: b\n",
    "a title that is a list": b"title: [1]\n",
    "a title that is a number": b"title: 5\n",
    "recursive": b"title: &a [*a]\n",
    "a bomb": BOMB,
    "deep nesting": DEEP,
    "no UTF-8": b"\xff\xfe",
}


def listed(client: TestClient) -> dict[str, dict[str, Any]]:
    response = client.get(f"{API}/workspaces")
    assert response.status_code == 200, response.text
    return {one["name"]: one for one in response.json()["items"]}


def others(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The workspaces beside `shop`, without what the clock changes."""
    return {
        name: {key: value for key, value in one.items() if key != "age_days"}
        for name, one in found.items()
        if name != "shop"
    }


def check_isolated(site: Site, damage: Callable[[], None]) -> dict[str, Any]:
    """Damages `shop` under a service that has listed it; what it says of it then."""
    client = connect(site)
    before = others(listed(client))
    damage()
    found = listed(client)
    assert others(found) == before
    assert client.get("/health/ready").status_code == 200
    assert client.get(f"{API}/series?workspace=meter").status_code == 200
    assert client.get(f"{API}/jobs?workspace=meter").status_code == 200
    alone = client.get(f"{API}/workspaces/shop")
    assert (alone.status_code, alone.json()["status"]) == (200, found["shop"]["status"])
    assert str(site.folder) not in json.dumps(found)
    return found["shop"]


@pytest.mark.parametrize("content", JSONS.values(), ids=JSONS)
@pytest.mark.parametrize("pointer", ["artifacts/shop/pointers.json", "data/processed/shop/current.json"])
def test_a_damaged_pointer_hides_no_other_workspace(site: Site, pointer: str, content: bytes) -> None:
    """The workspace is unreadable with the file and what to do, and its other endpoints answer 503 with the same."""
    path = site.folder / pointer
    kept = path.read_bytes()
    try:
        found = check_isolated(site, lambda: _replace(path, content))
        if found["status"] == "no data":  # an object without a data version says that there is none
            assert b"data_version" not in content
            assert pointer.startswith("data")
            return
        assert found["status"] == "unreadable"
        assert pointer.split("/", 1)[1] in found["reason"]
        assert "Restore it from a backup" in found["reason"]
        answer = connect(site).get(f"{API}/series?workspace=shop")
        assert answer.status_code == 503
        assert "Restore it from a backup" in answer.json()["detail"]
    finally:
        _replace(path, kept)


@pytest.mark.parametrize("content", YAMLS.values(), ids=YAMLS)
def test_a_damaged_file_of_settings_hides_no_other_workspace(site: Site, content: bytes) -> None:
    """The workspace is unreadable with the file; what it has published is served nevertheless."""
    path = site.folder / "configs/workspaces/shop.yaml"
    kept = path.read_bytes()
    try:
        found = check_isolated(site, lambda: _replace(path, content))
        assert found["status"] == "unreadable"
        assert "workspaces/shop.yaml" in found["reason"] or "title" in found["reason"]
        assert found["forecast_id"] is not None
        answer = connect(site).get(f"{API}/forecasts?workspace=shop&unique_id=Ash%2Ftea")
        assert answer.status_code == 200
    finally:
        _replace(path, kept)


@pytest.mark.parametrize(
    "name",
    [
        "artifacts/shop/runs/{run}/run.json",
        "artifacts/shop/runs/{run}/MANIFEST.json",
        "artifacts/shop/forecasts/*/MANIFEST.json",
        "data/processed/shop/*/etl.json",
        "data/processed/shop/*/MANIFEST.json",
    ],
)
@pytest.mark.parametrize("content", [b"null", b"[]", b"{}", b'"x"', DEEP, b"\xff", b"{"], ids=lambda one: str(one[:8]))
def test_a_damaged_file_of_a_directory_hides_no_other_workspace(changeable: Site, name: str, content: bytes) -> None:
    """Manifests and what they list, replaced by other JSON or none."""

    def damage() -> None:
        for path in changeable.folder.glob(name.format(run=changeable.second)):
            path.write_bytes(content)

    assert check_isolated(changeable, damage)["status"] == "unreadable"


@pytest.mark.parametrize(
    "name", ["artifacts/shop/runs/{run}", "artifacts/shop/forecasts", "data/processed/shop/2*", "configs/gone"]
)
def test_what_a_pointer_names_and_is_gone_hides_no_other_workspace(changeable: Site, name: str) -> None:
    """A run, a forecast set or a data version that was deleted: also under a service that has read it before."""

    def damage() -> None:
        for path in changeable.folder.glob(name.format(run=changeable.second)):
            shutil.rmtree(path)

    found = check_isolated(changeable, damage)
    if name == "configs/gone":
        assert (found["status"], found["reason"]) == ("ready", None)
        return
    assert found["status"] == "unreadable"
    assert "is gone" in found["reason"]
    assert "Restore" in found["reason"]


@pytest.mark.parametrize("name", ["artifacts/shop/pointers.json", "configs/workspaces/shop.yaml"])
def test_a_directory_in_the_place_of_a_file_hides_no_other_workspace(changeable: Site, name: str) -> None:
    """Whatever the operating system says of it is the reason."""

    def damage() -> None:
        (changeable.folder / name).unlink()
        (changeable.folder / name).mkdir()

    found = check_isolated(changeable, damage)
    assert found["status"] == "unreadable"
    assert "directory" in found["reason"].lower()


def test_a_file_that_may_not_be_read_hides_no_other_workspace(
    changeable: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permission denied, on a file of settings and on a pointer."""
    real = open

    def refuse(path: Any, *args: Any, **kwargs: Any) -> Any:
        if str(path).endswith(("shop/pointers.json", "workspaces/shop.yaml")):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    def damage() -> None:
        monkeypatch.setattr("builtins.open", refuse)
        monkeypatch.setattr("io.open", refuse)
        for name in ("artifacts/shop/pointers.json", "configs/workspaces/shop.yaml"):
            os.utime(changeable.folder / name)

    found = check_isolated(changeable, damage)
    assert found["status"] == "unreadable"
    assert found["reason"].count("Permission denied") == 2


def test_files_with_a_name_twice_or_none_that_is_usable_are_told(changeable: Site) -> None:
    """They stand in the list with what to do; no other workspace is in their way."""
    folder = changeable.folder / "configs/workspaces"
    client = connect(changeable)
    before = others(listed(client))
    shutil.copy(folder / "shop.yaml", folder / "shop.yml")
    shutil.copy(folder / "shop.yaml", folder / "bad name é.yaml")
    (folder / "link.yaml").symlink_to("/etc/hostname")
    found = listed(client)
    assert "has two files" in found["shop"]["reason"]
    assert "is not allowed" in found["bad name é"]["reason"]
    assert found["link"]["status"] in ("unreadable", "no data")
    assert {name: one for name, one in others(found).items() if name in before} == before


def test_whatever_changes_is_seen_at_once(changeable: Site) -> None:
    """A title, a workspace that is added or removed, a pointer that moves, and a file that is fixed."""
    client = connect(changeable)
    assert listed(client)["empty"]["title"] == "Units by store and item"
    path = changeable.folder / "configs/workspaces/empty.yaml"
    path.write_text(path.read_text().replace("Units by", "Pieces by"))
    shutil.copy(path, path.with_name("another.yaml"))
    found = listed(client)
    assert found["empty"]["title"] == found["another"]["title"] == "Pieces by store and item"
    path.with_name("another.yaml").unlink()
    assert "another" not in listed(client)
    moved = client.get(f"{API}/aliases?workspace=shop")
    body = {"run_id": changeable.first, "reason": "back"}
    client.put(
        f"{API}/aliases/production?workspace=shop", json=body, headers={"If-Match": moved.headers["etag"]}
    ).raise_for_status()
    assert listed(client)["shop"]["production_run"] == changeable.first
    pointers = changeable.folder / "artifacts/shop/pointers.json"
    kept = pointers.read_bytes()
    pointers.write_bytes(b"null")
    assert listed(client)["shop"]["status"] == "unreadable"
    pointers.write_bytes(kept)
    assert (listed(client)["shop"]["status"], listed(client)["shop"]["reason"]) == ("ready", None)


def test_nothing_is_read_again_while_nothing_changes(changeable: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """300 workspaces are listed by the looks of their files alone: no file is opened."""
    site, names = changeable.folder, [f"w{n:03d}" for n in range(300)]
    for name in names:
        shutil.copy(site / "configs/workspaces/empty.yaml", site / f"configs/workspaces/{name}.yaml")
    statuses = Statuses(Catalog(changeable.reader, 1, Metrics()))
    assert len(statuses.all()) == 304
    time.sleep(0.06)  # what was written a moment ago is looked at twice
    first = statuses.all()
    monkeypatch.setattr(Statuses, "_read", lambda *_: pytest.fail("a workspace was read again"))
    start = time.perf_counter()
    assert [one.name for one in statuses.all()] == [one.name for one in first]
    assert time.perf_counter() - start < 1.5  # 0.07 s alone on a machine; others may be working here


def _replace(path: Path, content: bytes) -> None:
    path.with_name("new").write_bytes(content)
    os.replace(path.with_name("new"), path)


def test_a_title_that_nothing_can_encode_is_listed(changeable: Site) -> None:
    """A lone surrogate in a file of settings is shown as a question mark."""
    path = changeable.folder / "configs/workspaces/empty.yaml"
    path.write_text('title: "a \\ud800 b"\n')
    assert listed(connect(changeable))["empty"]["title"] == "a ? b"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("artifacts/shop/runs/{run}", "runs/{run}"),
        ("data/processed/shop/2*", "series"),
        ("artifacts/shop/forecasts/2*", "forecasts"),
    ],
)
@pytest.mark.parametrize(
    "content", [b"{}", b'{"config": 5, "status": 5, "frequency": [], "horizon": "x", "run_id": 5}']
)
def test_odd_json_with_a_manifest_that_is_right_is_told(changeable: Site, name: str, path: str, content: bytes) -> None:
    """As another hand, or another program, writes it: no error of ours for what is asked, and the others are listed."""

    def damage() -> None:
        for folder in changeable.folder.glob(name.format(run=changeable.second)):
            manifest = json.loads((folder / "MANIFEST.json").read_bytes())
            for file in ("run.json", "etl.json", "inference.json"):
                if file in manifest["files"]:
                    (folder / file).write_bytes(content)
                    entry = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                    manifest["files"][file] = entry
            (folder / "MANIFEST.json").write_text(json.dumps(manifest))

    found = check_isolated(changeable, damage)
    client = connect(changeable)
    query = {"workspace": "shop", **({"unique_id": "Ash/tea"} if path == "forecasts" else {})}
    status = client.get(f"{API}/{path.format(run=changeable.second)}", params=query).status_code
    assert status in (200, 404, 503)  # 200 where the file is not needed for it
    assert found["status"] == ("ready" if path == "forecasts" else "unreadable")
