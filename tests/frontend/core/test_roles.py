"""Pages for keys with a lesser role: what they may not do is switched off and says why."""

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from tests.frontend.conftest import Open
from tests.support import site as sites

Keyed = dict[str, str]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Keyed]]:
    """A service with a key of each role over a project with alerts; its address and the keys."""
    secrets, lines = sites.keys()
    log, site = tmp_path_factory.mktemp("roles") / "log", sites.made(tmp_path_factory, "watched")
    with sites.running(site, log, API_KEYS=lines.replace("\n", ",")) as (url, _):
        yield url, secrets


def opened(
    open_page: Open, watched: tuple[str, Keyed], monkeypatch: pytest.MonkeyPatch, role: str, name: str, **query: str
) -> AppTest:
    """A page of an app whose key has this role, without an exception on it."""
    monkeypatch.setenv("APP_API_KEY", watched[1][role])
    app = open_page(name, watched[0], workspace="shop", **query)
    assert not app.exception
    return app


CONTROLS = [
    ("runs", {}, "rollback", "admin"),
    ("monitoring", {"view": "Alerts"}, "seen-", "analyst"),
    ("data", {"view": "Pipelines"}, "start", "analyst"),
    ("forecast", {"view": "What if"}, "Compute", "analyst"),
]


@pytest.mark.parametrize("role", ["viewer", "analyst", "admin"])
@pytest.mark.parametrize(("page", "query", "control", "needs"), CONTROLS)
def test_a_control_that_would_be_refused_is_off_and_says_why(
    open_page: Open, watched: tuple[str, Keyed], monkeypatch: pytest.MonkeyPatch,
    role: str, page: str, query: Keyed, control: str, needs: str,
) -> None:  # fmt: skip
    """Rollback needs an admin; alerts, pipelines and computed forecasts an analyst."""
    app = opened(open_page, watched, monkeypatch, role, page, **query)
    (button, *_) = [one for one in app.button if str(one.key or "").startswith(control) or one.label == control]
    may = {"viewer": 0, "analyst": 1, "admin": 2}[role] >= {"analyst": 1, "admin": 2}[needs]
    assert button.disabled is not may
    assert (f"needs the role {needs}; this app's key has the role {role}" in button.help) is not may


@pytest.mark.parametrize(("role", "open_"), [("viewer", False), ("analyst", True)])
def test_uploads_and_notes_are_for_analysts(
    open_page: Open, watched: tuple[str, Keyed], monkeypatch: pytest.MonkeyPatch, role: str, open_: bool
) -> None:
    """A viewer sees why there is no form."""
    app = opened(open_page, watched, monkeypatch, role, "data", view="Upload")
    assert any("needs the role analyst" in one.value for one in app.info) is not open_
    assert any(one.key == "new_name" for one in app.text_input) is open_


@pytest.mark.parametrize("role", ["viewer", "analyst"])
@pytest.mark.parametrize("page", ["portfolio", "forecast", "copilot", "accuracy", "monitoring", "data", "runs"])
def test_every_page_opens_with_a_lesser_key(
    open_page: Open, watched: tuple[str, Keyed], monkeypatch: pytest.MonkeyPatch, role: str, page: str
) -> None:
    """No error and no refusal: reading needs no more than a viewer."""
    app = opened(open_page, watched, monkeypatch, role, page)
    assert not app.error
    assert not any("Not allowed" in one.value for one in app.warning)


def test_the_baseline_on_a_chart_needs_an_analyst(
    open_page: Open, watched: tuple[str, Keyed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is computed; for a viewer the rest of the page stays as it is."""
    app = opened(open_page, watched, monkeypatch, "viewer", "forecast")
    app.session_state["beside"] = ["baseline"]
    app.run()
    assert not app.exception
    assert any("needs the role analyst" in one.value for one in app.caption)
    assert app.get("plotly_chart")
