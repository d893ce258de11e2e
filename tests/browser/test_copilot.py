"""The copilot in a real browser: questions, numbers that open, and names that would be markup if they could."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from scripts.dev.screenshots import settled
from scripts.up import Up
from tests.browser.conftest import visit
from tests.support import site as sites
from tests.support.site import Site

# Series that somebody named with bad intent, beside one that is harmless.
EVIL = "![x](http://evil.test/x.png) <img src=http://evil.test/y.png> $x$ :red[x] :material/home: www.evil.test"
FIRST = 90_000  # milliseconds: the first question loads the copilot's libraries


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sites, "ITEMS", ("tea", EVIL))
        return sites.make(tmp_path_factory.mktemp("site"))


@pytest.fixture
def page(page: Page, up: Up) -> Iterator[Page]:
    """A tab that asks nobody but the app for anything."""
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.partition("://")[2].partition("/")[0]))
    yield page
    assert {host for host in hosts if host} == {up.app.removeprefix("http://")}


def test_a_suggested_question_is_answered_and_its_numbers_open(page: Page, up: Up) -> None:
    """By mouse and by keyboard: label, value, source; and the link holds the question."""
    visit(page, up, "/copilot?workspace=shop")
    question = page.get_by_test_id("stButton").first.inner_text()
    page.get_by_test_id("stButton").first.click()
    number = page.locator(".fact").first
    expect(number).to_be_visible(timeout=FIRST)
    number.click()
    card = page.locator(".card")
    expect(card).to_contain_text("Source")
    expect(card).to_contain_text(re.compile("forecasts/|runs/|data/|monitoring/"))
    expect(number).to_have_attribute("aria-expanded", "true")
    number.press("Enter")
    expect(card).to_have_count(0)
    number.press("Space")
    expect(card).to_be_visible()
    settled(page)
    assert page.get_by_test_id("stChatMessage").first.inner_text().strip().endswith(question)
    assert "question=" in page.url
    assert "workspace=shop" in page.url


def test_a_link_to_a_question_answers_it_again(page: Page, up: Up) -> None:
    """In a new session; cleared, it is gone from the page and from the link."""
    visit(page, up, "/copilot?workspace=shop&question=Summarise+the+workspace.")
    expect(page.locator(".fact").first).to_be_visible(timeout=FIRST)
    page.get_by_role("button", name="Clear the conversation").click()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0)
    settled(page)
    assert "question=" not in page.url


def test_a_question_of_one_s_own_is_typed(page: Page, up: Up) -> None:
    """And stands above its answer."""
    visit(page, up, "/copilot?workspace=shop")
    page.get_by_test_id("stChatInputTextArea").fill("How much is forecast?")
    page.get_by_test_id("stChatInputTextArea").press("Enter")
    expect(page.get_by_test_id("stChatMessage").first).to_contain_text("How much is forecast?")
    expect(page.locator(".fact").first).to_be_visible(timeout=FIRST)


def test_the_box_on_the_forecast_answers_and_leads_on(page: Page, up: Up) -> None:
    """About the series on screen; the page Copilot has the same conversation, and a fact leads back to its series."""
    visit(page, up, "/forecast?workspace=shop&series=Ash%2Ftea")
    page.get_by_text("Ask about this").click()
    page.get_by_role("button", name="Can I trust this forecast?").click()
    expect(page.locator(".fact").first).to_be_visible(timeout=FIRST)
    page.get_by_role("button", name="Continue in Copilot").click()
    expect(page.locator("h1")).to_have_text("Copilot")
    expect(page.get_by_text("About Ash/tea")).to_be_visible()
    page.locator(".fact").first.click()
    page.get_by_role("button", name="Open the forecast of this series").click()
    expect(page.locator("h1")).to_have_text("Forecast")
    settled(page)
    assert "series=Ash%2Ftea" in page.url
    assert "workspace=shop" in page.url


def test_the_box_on_the_accuracy_answers(page: Page, up: Up) -> None:
    """While the page around it stays."""
    visit(page, up, "/accuracy?workspace=shop&view=Series")
    page.get_by_text("Ask about this").click()
    page.get_by_test_id("stExpanderDetails").get_by_test_id("stButton").first.click()
    expect(page.locator(".answer")).to_be_visible(timeout=FIRST)
    assert "view=Series" in page.url


def test_a_hostile_name_is_shown_as_it_is(page: Page, up: Up) -> None:
    """On the page, in the questions and in the cards of facts; nothing is asked of another host."""
    question = "Why is this forecast what it is?"
    visit(
        page, up, f"/copilot?workspace=shop&from=forecast&series={quote(f'Ash/{EVIL}', '')}&question={quote(question)}"
    )
    expect(page.locator(".fact").first).to_be_visible(timeout=FIRST)
    expect(page.get_by_text(f"About Ash/{EVIL}", exact=True)).to_be_visible()
    page.locator(".fact").first.click()
    expect(page.locator(".card")).to_contain_text(f"Ash/{EVIL}")
    page.get_by_test_id("stChatInputTextArea").fill(EVIL)
    page.get_by_test_id("stChatInputTextArea").press("Enter")
    expect(page.get_by_test_id("stChatMessage").nth(2)).to_contain_text(EVIL)
    expect(page.locator(".answer")).to_have_count(2, timeout=FIRST)
    main = page.get_by_test_id("stAppViewContainer")
    expect(main.locator("img[src*=evil], a[href*=evil], .katex")).to_have_count(0)


def test_what_the_data_do_not_hold_is_said(page: Page, up: Up) -> None:
    """By a badge, and without a number."""
    visit(page, up, "/copilot?workspace=shop&question=What+is+the+weather%3F")
    expect(page.get_by_text("Not in the data")).to_be_visible(timeout=FIRST)
    expect(page.locator(".fact")).to_have_count(0)


@pytest.mark.parametrize(
    "path",
    [
        "/forecast?workspace=shop&series={evil}",
        "/forecast?workspace=shop&series=Ash%2F{evil}",
        "/?workspace={evil}&find={evil}&by_region={evil}",
        "/accuracy?workspace=shop&metric={evil}&view=Series",
        "/runs?workspace={evil}",
    ],
)
def test_a_crafted_link_loads_nothing_from_elsewhere(page: Page, up: Up, path: str) -> None:
    """Neither what it names in vain nor a series of that name is a picture, a link, a formula or an icon anywhere."""
    visit(page, up, path.format(evil=quote(EVIL, safe="")))
    main = page.get_by_test_id("stMain")
    if "Ash" not in path and "accuracy" not in path:  # nor is it said anywhere but in a list and in tables
        expect(main).to_contain_text("www\u2060.evil.test")
    expect(page.locator("img[src*=evil], a[href*=evil], .katex, [data-testid=stImage]")).to_have_count(0)
