"""Which hosts and pages the web app answers."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from frontend.core.hosts import KnownHosts

NAMES = ("app.example.com", "*.run.app", "2001:db8::5")


async def page(_: object) -> PlainTextResponse:
    return PlainTextResponse("shown")


async def stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """An app with a page, an upload and a websocket, as Streamlit's has."""
    routes = [
        Route("/", page),
        Route("/_stcore/health", page),
        Route("/_stcore/upload_file/a/b", page, methods=["PUT", "DELETE"]),
        WebSocketRoute("/_stcore/stream", stream),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(KnownHosts, allowed=NAMES)])
    with TestClient(app) as found:
        yield found


def answers(client: TestClient, host: str, origin: str | None) -> set[bool]:
    """Whether a page, an upload and the websocket are there for this host and origin."""
    headers = {"Host": host} | ({"Origin": origin} if origin is not None else {})
    found = {client.get("/", headers=headers).status_code == 200}
    found.add(client.put("/_stcore/upload_file/a/b", headers=headers).status_code == 200)
    try:
        with client.websocket_connect("/_stcore/stream", headers=headers):
            found.add(True)
    except WebSocketDisconnect:
        found.add(False)
    return found


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8501", None),
        ("localhost:8501", "http://localhost:8501"),
        ("LOCALHOST", "http://localhost"),
        ("127.0.0.1:8501", "http://127.0.0.1:8501"),
        ("127.0.0.2:8501", "http://127.0.0.2:8501"),
        ("[::1]:8501", "http://[::1]:8501"),
        ("app.example.com", "https://app.example.com"),
        ("app.example.com.", None),
        ("app.example.com:443", "https://app.example.com"),
        ("[2001:db8::5]", "http://[2001:db8::5]"),
        ("frontend-1.europe-west1.run.app", "https://frontend-1.europe-west1.run.app"),
    ],
)
def test_its_own_pages_are_answered(client: TestClient, host: str, origin: str | None) -> None:
    """Under the names of this machine and those of the setting, with any port, and without an Origin."""
    assert answers(client, host, origin) == {True}


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example", None),
        ("evil.example:8501", "http://evil.example:8501"),
        ("127.0.0.1.evil.example:8501", None),
        ("localhost.evil.example", None),
        ("xlocalhost", None),
        ("notapp.example.com", None),
        ("run.app", None),
        ("evilrun.app", None),
        ("10.0.0.7:8501", None),
        ("0.0.0.0:8501", None),
        ("[::1", None),
        ("[::1].evil.example", None),
        ("localhost@evil.example", None),
        ("", None),
    ],
)
def test_other_hosts_are_refused(client: TestClient, host: str, origin: str | None) -> None:
    """Whatever they look like: pages, uploads and the websocket."""
    assert answers(client, host, origin) == {False}


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "http://localhost:3000",
        "http://localhost",
        "http://127.0.0.1:8501",
        "http://localhost:8501.evil.example",
        "http://localhost:8501@evil.example",
        "localhost:8501",
        "https://frontend-2.run.app",
    ],
)
def test_pages_of_other_origins_are_refused(client: TestClient, origin: str) -> None:
    """Another port of this machine is another origin."""
    assert answers(client, "localhost:8501", origin) == {False}


def test_a_refusal_says_what_to_do_and_repeats_nothing(client: TestClient) -> None:
    """The setting for a host, the proxy for an Origin; what was sent is not in the answer."""
    host = client.get("/", headers={"Host": "evil.example"})
    assert (host.status_code, "APP_ALLOWED_HOSTS" in host.text, "evil" in host.text) == (403, True, False)
    origin = client.get("/", headers={"Host": "localhost", "Origin": "http://evil.example"})
    assert (origin.status_code, "proxy" in origin.text, "evil" in origin.text) == (403, True, False)


def test_the_platform_may_ask_whether_it_is_up(client: TestClient) -> None:
    """Probes come by addresses of their own."""
    assert client.get("/_stcore/health", headers={"Host": "10.8.0.3:8501"}).text == "shown"
