import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.dev.screenshots import CHROMIUM, settled
from scripts.up import Up, running
from tests.support import site as sites
from tests.support.site import Site

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

PATIENCE = 30_000  # milliseconds: a loaded machine is no failure
HARMLESS = ("_stcore",)  # on a deep link, Streamlit first asks for its health below the page's own path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; without it these tests are skipped, but where REQUIRE_BROWSER is set.

    It ends with the module: while Playwright runs, an event loop does, and no other test could start its own.
    """
    if not CHROMIUM.exists():
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(f"REQUIRE_BROWSER is set and there is no {CHROMIUM}")
        pytest.skip(f"needs Chromium at {CHROMIUM} (apt-get install chromium)")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A project with two runs, forecasts and workspaces in every state; the tests of a module share it."""
    return sites.made(tmp_path_factory)


@pytest.fixture(scope="module")
def up(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """The service and the web app over it, as processes of their own."""
    log = tmp_path_factory.mktemp("up") / "log"
    with log.open("wb") as output, running(environ=site.environ, stdout=output, stderr=subprocess.STDOUT) as found:
        yield found


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """A tab of its own; whatever it logs as an error fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 2200}, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    found = context.new_page()
    errors: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(part in message.location["url"] for part in HARMLESS):
            errors.append(f"{message.text} ({message.location['url']})")

    found.on("console", listen)
    found.on("pageerror", lambda error: errors.append(str(error)))
    found.on(
        "requestfailed",
        lambda request: errors.append(f"failed: {request.url}") if "127.0.0.1" not in request.url else None,
    )
    yield found
    context.close()
    assert errors == []


def visit(page: Page, up: Up, path: str = "/") -> None:
    """Opens a page of the app and waits until it is all there, without an exception on it."""
    page.goto(f"{up.app}{path}")
    settled(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
