"""Whether the service is up, and whether it can serve."""

from tests.backend.conftest import connect
from tests.backend.site import Site


def test_a_service_with_a_production_run_is_ready(site: Site) -> None:
    """It names what can be read."""
    found = connect(site).get("/health/ready").json()
    assert found["status"] == "ok"
    assert [(check["name"], check["ok"]) for check in found["checks"]] == [("storage", True), ("production run", True)]
    assert "meter, shop" in found["checks"][1]["detail"]


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
    assert client.get("/health/live").status_code == 200


def test_without_storage_it_is_not_ready(changeable: Site) -> None:
    """Pointers of which none can be read: 503 names the storage and not its path."""
    for name in ("shop", "fresh", "meter", "empty"):
        (changeable.folder / f"artifacts/{name}").mkdir(exist_ok=True)
        (changeable.folder / f"artifacts/{name}/pointers.json").write_text("[")
    found = connect(changeable).get("/health/ready")
    assert (found.status_code, found.json()["detail"]) == (503, "Not ready: storage.")
    assert str(changeable.folder) not in found.text


def test_a_service_that_stops_is_not_ready(site: Site) -> None:
    """So that nothing new is sent to it."""
    client = connect(site)
    client.app.state.service.stop()  # type: ignore[attr-defined]
    assert client.get("/health/ready").json()["detail"] == "Not ready: running."
