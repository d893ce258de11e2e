"""What the web app does before its first visitor."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from frontend import serve
from frontend.core import settings
from frontend.core.client import ApiDown, ApiError, Client, Json
from tests.frontend.conftest import ROOT, answering

WORKSPACES: list[Json] = [{"name": "a", "status": "no data"}, {"name": "z", "status": "ready"}]


class Asked(Client):
    """Writes down what is asked; the first `failures` questions fail."""

    def __init__(self, *failures: Exception, roles: tuple[str, ...] = ()) -> None:
        self.failures, self.asked, self.roles = list(failures), list[str](), roles

    def get(self, *path: str, params: Mapping[str, Any] | None = None) -> Json:
        of = (params or {}).get("workspace")
        self.asked.append(f"{path[0]} of {of}" if of else path[0])
        if self.failures:
            raise self.failures.pop(0)
        return {
            "me": lambda: {"name": "app", "role": self.roles[-1], "roles": self.roles},
            "workspaces": lambda: {"items": WORKSPACES, "total": len(WORKSPACES)},
            "portfolio": dict,
        }[path[0]]()


@pytest.mark.parametrize(
    ("failures", "asked"),
    [
        ([], ["workspaces", "portfolio of z"]),
        ([ApiDown(), ApiDown()], ["workspaces", "workspaces", "workspaces", "portfolio of z"]),
        ([ApiError(401, "No valid API key.")], ["workspaces"]),
    ],
)
def test_the_first_page_is_asked_for_before_anybody_comes(
    failures: list[Exception], asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of the workspace which is shown first; as soon as the service is there; a refusal is no reason to insist."""
    monkeypatch.setattr(serve, "_AGAIN", 0.0)
    client = Asked(*failures)
    serve.warm(client)
    assert client.asked == asked


def test_the_workspace_with_the_most_severe_alerts_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the one that a visitor without a link sees."""
    found = [*WORKSPACES, {"name": "b", "status": "ready", "worst_alert": "warn", "open_alerts": 3}]
    found.append({"name": "y", "status": "ready", "worst_alert": "alert", "open_alerts": 1})
    monkeypatch.setattr(f"{__name__}.WORKSPACES", found)
    client = Asked()
    serve.warm(client)
    assert client.asked[-1] == "portfolio of y"


def test_a_service_that_never_comes_is_not_waited_for_forever() -> None:
    """The thread ends; visitors are told."""
    client = Asked(ApiDown())
    serve.warm(client, patience=0.0)
    assert client.asked == []


@pytest.mark.parametrize(
    ("failures", "roles", "reason"),
    [
        ([], ("viewer", "analyst", "admin"), "has the role admin"),
        ([ApiDown("no")], ("viewer", "analyst", "admin"), "has the role admin"),
        ([], ("viewer",), None),
        ([ApiDown("no"), ApiError(503, "no")], ("viewer", "analyst"), None),
        ([ApiError(401, "No valid API key.")] * 9, ("viewer",), "does not say which role"),
    ],
)
def test_a_public_app_has_no_key_of_an_admin(
    failures: list[Exception], roles: tuple[str, ...], reason: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor one whose role it cannot find out: a service that is still starting is asked again."""
    monkeypatch.setattr(serve, "_AGAIN", 0.01)
    found = serve.refuse_admin(Asked(*failures, roles=roles), patience=0.05)
    assert (found is None) if reason is None else (found is not None and reason in found)


def start(monkeypatch: pytest.MonkeyPatch, **environ: str) -> "subprocess.CompletedProcess[str]":
    """The web app as it is started, until it ends."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "frontend.serve", "--server.port", "0"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_public_app_with_a_key_of_an_admin_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """One message with what to do, and no traceback."""
    with answering({"/api/v1/me": (200, {"name": "x", "role": "admin", "roles": ["viewer", "admin"]})}) as address:
        done = start(monkeypatch, APP_API_URL=address, APP_PUBLIC="true")
    assert done.returncode == 1
    assert done.stderr.startswith("error: APP_PUBLIC is set and the app's key has the role admin")
    assert "create_api_key.py --role viewer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("APP_ALLOWED_HOSTS", "localhost, https://app.example.com", "APP_ALLOWED_HOSTS: "),
        ("APP_ALLOWED_HOSTS", "app.example.com:443", "without scheme and port"),
        ("APP_ALLOWED_HOSTS", "*", "give names such as"),
        ("APP_API_URL", "nowhere", "APP_API_URL: "),
        ("APP_PUBLIC", "perhaps", "APP_PUBLIC: "),
    ],
)
def test_a_wrong_setting_is_one_message(name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variable's name."""
    monkeypatch.setenv(name, value)
    with pytest.raises(settings.WrongSetting, match=message):
        settings.load()


def test_hosts_are_names_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """In any case, with wildcards for subdomains, and addresses."""
    monkeypatch.setenv("APP_ALLOWED_HOSTS", "App.example.com, *.run.app,10.0.0.7,2001:db8::5,")
    assert settings.load().allowed_hosts == ("app.example.com", "*.run.app", "10.0.0.7", "2001:db8::5")
