"""Whether the service is up, and whether it can serve."""

import pytest

from backend.core.shutdown import Shutdown
from pipelines import __version__
from pipelines.core import code
from tests.backend.conftest import connect, part
from tests.support import site as sites
from tests.support.site import Site


def test_a_service_with_a_production_run_is_ready(site: Site) -> None:
    """It names what can be read."""
    found = connect(site).get("/health/ready").json()
    assert found["status"] == "ok"
    assert [(check["name"], check["ok"]) for check in found["checks"]] == [("storage", True), ("production run", True)]
    assert "meter, shop" in found["checks"][1]["detail"]


def test_health_names_version_commit_and_checks(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """At three addresses, open to everybody; a service that no commit is known of says so."""
    client = connect(site, keys=sites.keys()[1])
    for commit in ("0123456789ab", None):
        monkeypatch.setattr(code, "commit", lambda: commit)  # noqa: B023 - called in this pass
        for path in ("/health", "/healthz", "/health/ready"):
            found = client.get(path).json()
            assert (found["status"], found["version"], found["commit"]) == ("ok", __version__, commit)
            assert [check["name"] for check in found["checks"]] == ["storage", "production run"]
        assert client.get("/health/live").json() == {
            "status": "ok",
            "version": __version__,
            "commit": commit,
            "checks": [],
        }


def test_without_a_readable_production_run_it_is_not_ready(changeable: Site) -> None:
    """One that can still be read is enough; with none left, 503 names the check and the workspaces, live stays 200."""
    client = connect(changeable)
    for path in changeable.folder.glob("artifacts/shop/runs/*/run.json"):
        path.write_text("{}")
    found = client.get("/health/ready")
    assert (found.status_code, "broken: shop" in found.text) == (200, True)
    for path in changeable.folder.glob("artifacts/meter/runs/*/MANIFEST.json"):
        path.unlink()
    found = client.get("/health/ready")
    assert found.status_code == 503
    assert found.headers["content-type"] == "application/problem+json"
    assert found.json()["detail"] == "Not ready: production run."
    assert "broken: meter, shop" in found.text
    assert client.get("/health").status_code == client.get("/healthz").status_code == 503
    assert client.get("/health/live").status_code == 200


def test_without_storage_it_is_not_ready(changeable: Site) -> None:
    """Pointers of which none can be read: 503 names the storage and not its path."""
    for name in ("shop", "fresh", "meter", "empty"):
        (changeable.folder / f"artifacts/{name}").mkdir(exist_ok=True)
        (changeable.folder / f"artifacts/{name}/pointers.json").write_text("[")
    found = connect(changeable).get("/health/ready")
    assert (found.status_code, found.json()["detail"]) == (503, "Not ready: storage.")
    assert str(changeable.folder) not in found.text


@pytest.mark.parametrize("broken", [False, True])
def test_where_keys_exist_no_workspace_is_named(changeable: Site, broken: bool) -> None:
    """States only, with or without a key: who probes the service is not told what it holds."""
    secrets, lines = sites.keys()
    client = connect(changeable, keys=lines)
    for path in changeable.folder.glob("artifacts/*/runs/*/run.json") if broken else ():
        path.write_text("{}")
    for headers in ({}, {"X-API-Key": secrets["admin"]}, {"X-API-Key": "wrong"}):
        found = client.get("/health/ready", headers=headers)
        assert found.status_code == (503 if broken else 200)
        assert [check["name"] for check in found.json()["checks"]] == ["storage", "production run"]
        assert not any(name in found.text for name in ("shop", "meter", "fresh"))


def test_without_keys_only_this_machine_is_told_names(site: Site) -> None:
    """A page whose name points here is told states only."""
    client = connect(site)
    assert "shop" in client.get("/health/ready").text
    found = client.get("/health/ready", headers={"Host": "evil.example"})
    assert (found.status_code, "shop" in found.text) == (200, False)


def test_a_service_that_stops_is_not_ready(site: Site) -> None:
    """So that nothing new is sent to it."""
    client = connect(site)
    part(client, Shutdown).begin()
    assert client.get("/health/ready").json()["detail"] == "Not ready: running."
