from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.backend import conftest as backend
from tests.backend.copilot import demo as demos
from tests.support.endpoint import Endpoint
from tests.support.site import Site

KEY = "sk-canary-0123456789abcdefghij"


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the demo's workspaces."""
    return demos.make(tmp_path_factory.mktemp("demo"))


@pytest.fixture
def asked(site: Site, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """The service with the endpoint as its provider."""
    return connect(site, endpoint, monkeypatch)


def connect(site: Site, endpoint: Endpoint, patch: pytest.MonkeyPatch, **settings: Any) -> TestClient:
    given = {"provider": "openai", "base_url": endpoint.url, "model": "scripted", "retries": 0, **settings}
    for name, value in given.items():
        patch.setenv(f"FORECAST_COPILOT__{name.upper()}", str(value))
    patch.setenv("LLM_API_KEY", KEY)
    return backend.connect(site)
