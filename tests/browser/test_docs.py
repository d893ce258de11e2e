"""Swagger UI at `/docs`, in a real browser."""

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.support import site as sites
from tests.support.site import Site, running


def hosts_of(page: Page) -> set[str]:
    """The hosts that the page asks from now on, as it asks."""
    found: set[str] = set()
    page.on("request", lambda request: found.add(request.url.partition("://")[2].partition("/")[0]))
    return found


def try_out(page: Page, path: str) -> None:
    """Opens the operation on `path`, executes it, and waits for the answer of the service."""
    operation = page.locator(".opblock", has=page.locator(f".opblock-summary-path[data-path='{path}']")).first
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table tbody .response-col_status")).to_contain_text("200")


def test_the_docs_show_every_operation_without_another_host(page: Page, site: Site, tmp_path: Path) -> None:
    """Without keys the contract is shown at once, and an operation can be tried; no other host and no console error."""
    with running(site, tmp_path / "log") as (address, _):
        hosts = hosts_of(page)
        page.goto(f"{address}/docs")
        expect(page.get_by_text("GET").first).to_be_visible()
        shown = page.locator(".opblock")
        expect(shown.first).to_be_visible()
        assert shown.count() > 40
        try_out(page, "/api/v1/workspaces")
        assert hosts - {""} == {address.removeprefix("http://")}
        page.goto("about:blank")  # its connections are closed before the service is


def test_with_keys_the_docs_ask_for_one(page: Page, site: Site, tmp_path: Path) -> None:
    """A key shows the contract, and is sent where an operation is tried."""
    secrets, lines = sites.keys()
    with running(site, tmp_path / "log", API_KEYS=lines.replace("\n", ",")) as (address, _):
        hosts = hosts_of(page)
        page.goto(f"{address}/docs")
        expect(page.locator(".opblock")).to_have_count(0)
        page.get_by_label("API key").fill(secrets["viewer"])
        page.get_by_role("button", name="Show the API").click()
        expect(page.locator(".opblock").first).to_be_visible()
        expect(page.get_by_label("API key")).to_be_hidden()
        try_out(page, "/api/v1/me")
        expect(page.get_by_text("viewer-of-tests").first).to_be_visible()
        assert hosts - {""} == {address.removeprefix("http://")}
        page.goto("about:blank")


def test_a_wrong_key_is_refused_in_words(browser: Browser, site: Site, tmp_path: Path) -> None:
    """The form stays, with the reason."""
    with running(site, tmp_path / "log", API_KEYS=sites.keys()[1].replace("\n", ",")) as (address, _):
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{address}/docs")
        page.get_by_label("API key").fill("wrong")
        page.get_by_role("button", name="Show the API").click()
        expect(page.get_by_role("status")).to_contain_text("401 Unauthorized: Send a valid API key")
        expect(page.get_by_label("API key")).to_be_visible()
        context.close()
