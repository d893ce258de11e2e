from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from starlette.testclient import TestClient

from backend.app import create_app
from backend.copilot.scope import Scope
from backend.core.catalog import Catalog
from backend.core.settings import Settings
from backend.jobs.processes import Launcher
from backend.knowledge.knowledge import Knowledge
from pipelines.storage.catalog import Reader
from tests.support import endpoint as endpoints
from tests.support import site as sites
from tests.support.endpoint import Endpoint
from tests.support.site import Site

HERE = "http://127.0.0.1"

T = TypeVar("T")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A project with two runs, forecasts and workspaces in every state; nobody changes it."""
    return sites.made(tmp_path_factory)


@pytest.fixture
def changeable(site: Site, tmp_path: Path) -> Site:
    """The same for a test of its own."""
    return site.copy(tmp_path / "site")


@pytest.fixture(autouse=True)
def _environ(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service finds the workspaces of the site, and nothing of this machine's settings."""
    name = "changeable" if "changeable" in request.fixturenames else "site"
    for variable in ("APP_ENV", "API_KEYS", "API_KEYS_FILE", "ARTIFACT_SIGNING_KEY", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in request.getfixturevalue(name).environ.items():
        monkeypatch.setenv(variable, value)


@pytest.fixture(scope="module")
def project(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A project that the tests of a module may change, one after the other."""
    return site.copy(tmp_path_factory.mktemp("project"))


@pytest.fixture
def here(_environ: None, project: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service finds that project."""
    for variable, value in project.environ.items():
        monkeypatch.setenv(variable, value)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A language model's API that says what a test tells it to."""
    with endpoints.serving() as found:
        yield found


def connect(site: Site, launcher: Launcher | None = None, reader: Reader | None = None, **settings: Any) -> TestClient:
    """A client on this machine; within `with`, the processes that compute forecasts run. It reads the site, or `reader`."""
    given = Settings(**{"environment": "dev", "rate_limit": 1_000_000, **settings})
    app = create_app(given, reader or site.reader, launcher)
    return TestClient(app, base_url=HERE, client=("127.0.0.1", 50000), raise_server_exceptions=False)


def part(client: TestClient, kind: type[T]) -> T:
    """The part of the application behind a client that is of this type."""
    found: T = client.app.state.services[kind]  # type: ignore[attr-defined]
    return found


def open_scope(site: Site, workspace: str = "shop") -> Scope:
    """What the copilot may read of a workspace for one question."""
    client = connect(site)
    return Scope(part(client, Catalog).open(workspace), part(client, Knowledge))


@pytest.fixture
def client(site: Site) -> TestClient:
    """Without keys, as on a laptop."""
    return connect(site)


@pytest.fixture(scope="session")
def computing(site: Site) -> Iterator[TestClient]:
    """With a process that computes forecasts."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in site.environ.items():
            patch.setenv(variable, value)
        with connect(site, generate_timeout=120) as client:
            yield client
