"""docker-compose.yml: the whole system by one command."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return found


def test_it_is_valid() -> None:
    """By the schema of the Compose specification."""
    command = [Path(sys.executable).with_name("check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, "docker-compose.yml"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_order_is_source_forecasts_service_web_app(compose: dict[str, Any]) -> None:
    """The API waits for the pipelines to end well, the web app for an API that answers."""
    services = compose["services"]
    assert services["backend"]["depends_on"] == {
        "keys": {"condition": "service_completed_successfully"},
        "pipelines": {"condition": "service_completed_successfully"},
    }
    assert services["frontend"]["depends_on"] == {"backend": {"condition": "service_healthy"}}


def test_every_service_is_hardened(compose: dict[str, Any]) -> None:
    """Read-only but for /tmp and volumes, without capabilities; nothing listens beyond this machine."""
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name


def test_no_secret_has_a_default(compose: dict[str, Any]) -> None:
    """Keys are made at the first start, or come from the environment; the web app sees neither data nor artifacts."""
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if name.endswith("_KEY"):
                assert value == f"${{{name}:-}}"
    assert compose["services"]["frontend"]["volumes"] == ["keys:/app/keys:ro"]


def test_builds_name_stages_that_exist(compose: dict[str, Any]) -> None:
    """Dockerfile and target of each image."""
    for service in compose["services"].values():
        text = (ROOT / service["build"]["dockerfile"]).read_text(encoding="utf-8")
        assert f" AS {service['build']['target']}\n" in text
        assert service["image"] == f"forecast-copilot/{service['build']['target']}"
