"""Back, forward, reload and links in a real browser: page, workspace, view and series are as they were."""

import re

import pytest
from playwright.sync_api import Page, expect

from scripts.dev.screenshots import settled
from scripts.up import Up
from tests.browser.conftest import visit
from tests.browser.test_app import _select_row

WORST = "Click a row to open its forecast"


def shown(page: Page, heading: str, *query: str) -> None:
    """The page of this heading is there, whole, and its address has all of `query`."""
    expect(page.locator("h1")).to_have_text(heading)
    settled(page)
    expect(page.get_by_test_id("stAlert")).to_have_count(0)
    for part in query:
        page.wait_for_url(re.compile(re.escape(part)))


def test_back_from_a_series_returns_to_the_list_that_it_was_opened_from(page: Page, up: Up) -> None:
    """With one press from Portfolio and Accuracy, and forward again: no address in between that was not shown."""
    visit(page, up, "/?workspace=shop&by_region=south&find=tea")
    _select_row(page, 0)
    shown(page, "Forecast", "workspace=shop", "series=Elm%2Ftea")
    page.go_back()
    shown(page, "What needs you today", "workspace=shop", "by_region=south", "find=tea")
    expect(page.get_by_text("1 of 1 series")).to_be_visible()
    page.go_forward()
    shown(page, "Forecast", "workspace=shop", "series=Elm%2Ftea")
    page.get_by_role("link", name="Accuracy").click()
    shown(page, "Accuracy", "workspace=shop")
    page.get_by_role("tab", name="Series").click()
    expect(page.get_by_text(WORST)).to_be_visible()
    settled(page)
    _select_row(page, 0)
    shown(page, "Forecast", "workspace=shop", "series=")
    page.go_back()
    shown(page, "Accuracy", "workspace=shop", "view=Series")
    expect(page.get_by_text(WORST)).to_be_visible()
    page.go_back()
    shown(page, "Accuracy", "workspace=shop")
    page.go_back()
    shown(page, "Forecast", "workspace=shop", "series=Elm%2Ftea")


def test_back_from_a_fact_of_the_copilot_returns_to_the_answer(page: Page, up: Up) -> None:
    """The conversation is still there, and so is the workspace."""
    visit(page, up, "/copilot?workspace=shop&question=Which+series+has+the+largest+forecast%3F")
    fact = page.locator(".fact").first
    expect(fact).to_be_visible(timeout=90_000)
    fact.click()
    page.locator(".card .open").click()
    expect(page.locator("h1")).not_to_have_text("Copilot")
    settled(page)
    page.wait_for_url(re.compile("workspace=shop"))
    page.go_back()
    shown(page, "Copilot", "workspace=shop", "question=Which")
    expect(page.locator(".fact").first).to_be_visible()


def test_back_and_forward_change_the_workspace_with_its_series(page: Page, up: Up) -> None:
    """A workspace that is chosen has its own series, and the one before it has its series again; reloading changes nothing."""
    visit(page, up, "/forecast?workspace=shop&series=Elm%2Ftea")
    workspace = page.get_by_test_id("stSidebar").get_by_test_id("stSelectbox")
    workspace.locator("input").click()
    page.get_by_role("option", name="meter").click()
    shown(page, "Forecast", "workspace=meter", "series=meter")
    page.go_back()
    shown(page, "Forecast", "workspace=shop", "series=Elm%2Ftea")
    expect(workspace.locator("input")).to_have_value("shop")
    page.go_forward()
    shown(page, "Forecast", "workspace=meter", "series=meter")
    page.reload()
    shown(page, "Forecast", "workspace=meter", "series=meter")


@pytest.mark.parametrize("name", ["Forecast", "Copilot"])
def test_the_menu_keeps_the_workspace_and_is_left_with_one_press(page: Page, up: Up, name: str) -> None:
    """Also to pages that fill in what they show."""
    visit(page, up, "/accuracy?workspace=shop&view=Series")
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.locator("h1")).to_have_text(name)
    settled(page)
    page.wait_for_url(re.compile("workspace=shop"))
    page.go_back()
    shown(page, "Accuracy", "workspace=shop", "view=Series")


def test_an_address_without_a_workspace_is_never_a_blank_page(page: Page, up: Up) -> None:
    """Neither at first nor by the back button."""
    visit(page, up, "/accuracy")
    page.wait_for_url(re.compile("workspace="))
    page.get_by_role("link", name="Runs").click()
    shown(page, "Runs", "workspace=")
    for _ in range(2):
        page.go_back()
        shown(page, "Accuracy", "workspace=")


def test_what_a_link_names_in_vain_is_reported_on_the_page(page: Page, up: Up) -> None:
    """Below the title, not in the sidebar, which is closed on a phone."""
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, up, "/forecast?workspace=nowhere&series=nobody")
    notices = page.get_by_test_id("stMain").get_by_test_id("stAlert")
    expect(notices).to_have_count(2)
    expect(notices.first).to_contain_text("Workspace not found: nowhere. Showing meter instead.")
    expect(notices.last).to_contain_text("Series not found: nobody.")
    page.wait_for_url(re.compile("workspace=meter&series=meter"))
