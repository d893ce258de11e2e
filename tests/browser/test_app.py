"""The web app in a real browser: what a person does, and what must not happen to them."""

import io
import re
import time
from pathlib import Path
from typing import Literal

import pandas as pd
import pytest
from PIL import Image, ImageColor
from playwright.sync_api import Page, expect

from frontend.core import theme
from scripts.dev.screenshots import MAIN, PAGES, settled
from scripts.up import Up
from tests.browser.conftest import visit
from tests.frontend.core.test_theme import TEXT, channels, ratio
from tests.support.site import Site

TEA = "/forecast?workspace=shop&series=Ash%2Ftea"


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("workspace", ["shop", "meter", "fresh", "empty"])
def test_every_page_opens_without_an_error(page: Page, up: Up, name: str, workspace: str) -> None:
    """Neither on the page nor in the console, and nothing is loaded from another host."""
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.partition("://")[2].partition("/")[0]))
    visit(page, up, PAGES[name].format(workspace=workspace))
    expect(page.locator("h1")).to_be_visible()
    assert {host for host in hosts if host} == {up.app.removeprefix("http://")}


def test_the_back_button_returns_to_what_was_seen(page: Page, up: Up) -> None:
    """And a copied link reopens it."""
    visit(page, up, "/?workspace=shop&by_region=south")
    page.get_by_role("link", name="Accuracy").click()
    expect(page.locator("h1")).to_have_text("Accuracy")
    assert "workspace=shop" in page.url
    page.go_back()
    expect(page.locator("h1")).to_have_text("What needs you today")
    expect(page.get_by_text("5 of 5 series")).to_be_visible()


def test_a_series_is_found_on_the_server_and_opened(page: Page, up: Up) -> None:
    """The address names it from then on."""
    visit(page, up, "/forecast?workspace=shop")
    page.get_by_label("Find a series").fill("Elm/te")
    page.get_by_role("radio", name="Elm/tea").click()
    settled(page)
    page.wait_for_url(re.compile("series=Elm%2Ftea"))
    expect(page.get_by_text("region south")).to_be_visible()


def test_another_horizon_is_computed_beside_the_published_one(page: Page, up: Up) -> None:
    """As long as it takes, with words."""
    visit(page, up, f"{TEA}&view=What+if")
    page.get_by_label("Steps ahead").fill("9")
    page.get_by_role("button", name="Compute").click()
    expect(page.get_by_text("9 steps; computed")).to_be_visible()


def test_a_table_is_taken_along_as_it_is(page: Page, up: Up, site: Site, tmp_path: Path) -> None:
    """CSV and parquet hold the forecast that the file holds."""
    visit(page, up, f"{TEA}&view=Table")
    rows = site.reader.published("shop").read_parquet("forecasts.parquet")
    rows = rows[rows["unique_id"] == "Ash/tea"]
    for label, read in (("CSV", pd.read_csv), ("Parquet", pd.read_parquet)):
        with page.expect_download() as download:
            page.get_by_test_id("stDownloadButton").filter(has_text=label).first.click()
        found = read(io.BytesIO(Path(download.value.path()).read_bytes()))
        assert download.value.suggested_filename.startswith("forecast-shop-Ash-tea.")
        assert set(found["unique_id"]) == {"Ash/tea"}
        assert found["y_hat"].tolist() == pytest.approx(rows["y_hat"].tolist())
        assert pd.to_datetime(found["ds"]).tolist() == rows["ds"].tolist()


def test_a_picture_is_taken_along_as_a_png(page: Page, up: Up) -> None:
    """The fan chart under the name of its series, twice as fine as the screen, with the colours of its lines in it."""
    visit(page, up, TEA)
    chart = page.locator(".js-plotly-plot").first
    chart.hover()
    with page.expect_download() as download:
        chart.locator(".modebar-btn[data-title*=PNG]").click()
    assert download.value.suggested_filename == "forecast-shop-Ash-tea.png"
    content = Path(download.value.path()).read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    picture, box = Image.open(io.BytesIO(content)).convert("RGB"), chart.bounding_box()
    assert box is not None
    assert picture.size == pytest.approx((2 * box["width"], 2 * box["height"]), abs=4)
    colours = {colour for _, colour in picture.getcolors(picture.width * picture.height) or []}
    assert ImageColor.getrgb(theme.BLUE) in colours
    assert len(content) > 10_000


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_tools_of_a_picture_cover_none_of_its_buttons(
    page: Page, up: Up, width: int, scheme: Literal["light", "dark"]
) -> None:
    """Nor its title; and the button that shows all does."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 2000})
    visit(page, up, TEA)
    chart = page.locator(".js-plotly-plot").first
    chart.hover()
    tools = chart.locator(".modebar").bounding_box()
    buttons = chart.locator(".rangeselector .button")
    assert tools is not None
    for one in (*buttons.all(), chart.locator(".gtitle")):
        box = one.bounding_box()
        assert box is not None
        assert box["y"] >= tools["y"] + tools["height"] - 2
    before = chart.evaluate("chart => chart.layout.xaxis.range[0]")
    buttons.filter(has_text="all").click()
    page.wait_for_function(
        "([chart, before]) => String(chart.layout.xaxis.range[0]) < String(before)",
        arg=[chart.element_handle(), before],
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_text_of_charts_and_captions_can_be_read(page: Page, up: Up, scheme: Literal["light", "dark"]) -> None:
    """As the browser draws it, which takes most of its colours from Streamlit: at least 4.5:1."""
    page.emulate_media(color_scheme=scheme)
    paper = channels(theme.scheme(scheme).paper)
    drawn = {
        "/?workspace=shop": (
            "[data-testid=stVegaLiteChart] svg text",
            "[data-testid=stMain] [data-testid=stCaptionContainer]",
        ),
        TEA: (
            ".js-plotly-plot .xtick text",
            ".js-plotly-plot .ytitle",
            ".js-plotly-plot .legendtext",
            ".js-plotly-plot .gtitle",
        ),
    }
    for path, selectors in drawn.items():
        visit(page, up, path)
        for selector in selectors:
            colour = page.locator(selector).first.evaluate(
                "one => { const s = getComputedStyle(one); return one instanceof SVGElement ? s.fill : s.color }"
            )
            *found, opacity = [*map(float, re.findall("[0-9.]+", colour)), 1.0][:4]
            seen = [opacity * value / 255 + (1 - opacity) * below for value, below in zip(found, paper, strict=True)]
            assert ratio(seen, paper) >= TEXT, (selector, colour)


def test_a_tab_says_which_series_it_shows(page: Page, up: Up) -> None:
    """And on other pages which workspace."""
    visit(page, up, TEA)
    expect(page).to_have_title("Forecast · Ash/tea · Forecast Copilot")
    visit(page, up, "/runs?workspace=shop")
    expect(page).to_have_title("Runs · shop · Forecast Copilot")


def test_a_run_is_rolled_back_with_a_reason_and_returned_to(page: Page, up: Up, site: Site) -> None:
    """The alias moves, the audit file knows why, and the page says it."""
    for run, other in ((site.first, site.second), (site.second, site.first)):
        visit(page, up, "/runs?workspace=shop")
        page.get_by_role("button", name=f"Roll back to {run}").click()
        page.get_by_label("Reason").fill("the other one was better")
        page.get_by_label("Reason").press("Enter")
        page.get_by_role("button", name="Roll back", exact=True).click()
        expect(page.get_by_text(f"In production: {run}")).to_be_visible()
        alias = site.reader.pointers("shop").aliases["production"]
        assert (alias.run_id, alias.previous, alias.reason) == (run, other, "the other one was better")


def test_a_run_is_verified(page: Page, up: Up) -> None:
    """Every file is read again."""
    visit(page, up, "/runs?workspace=shop")
    _select_row(page, 0)
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text(re.compile("All \\d+ files are what was written"))).to_be_visible()


@pytest.mark.parametrize("across", [16, 300, 800])
def test_a_click_on_a_series_opens_its_forecast(page: Page, up: Up, across: int) -> None:
    """Wherever on its row in the list of all series."""
    visit(page, up, "/?workspace=shop&find=Ash%2Ftea")
    _select_row(page, 0, across)
    expect(page.locator("h1")).to_have_text("Forecast")
    page.wait_for_url(re.compile("series=Ash%2Ftea"))


def test_a_phone_shows_everything_within_its_width(page: Page, up: Up) -> None:
    """No page scrolls sideways."""
    page.set_viewport_size({"width": 390, "height": 844})
    for path in PAGES.values():
        visit(page, up, path.format(workspace="shop"))
        wide = page.evaluate(f"document.querySelector('{MAIN}').scrollWidth")
        assert wide <= 390


def test_a_phone_shows_content_before_the_second_screen(page: Page, up: Up) -> None:
    """Figures stand two by two, so that the list, the chart or the tabs below them begin on the first screen or just after it."""
    page.set_viewport_size({"width": 390, "height": 844})
    for name, selector in (("portfolio", "stDataFrame"), ("forecast", "stPlotlyChart"), ("accuracy", "stTabs")):
        visit(page, up, PAGES[name].format(workspace="shop"))
        box = page.get_by_test_id(selector).first.bounding_box()
        assert box is not None
        assert box["y"] < 1.4 * 844


def _select_row(page: Page, row: int, across: int = 16) -> None:
    """Clicks a row, by default the box before it: a table is one canvas."""
    table = page.get_by_test_id("stDataFrame").first
    box = table.bounding_box()
    assert box is not None
    time.sleep(0.5)  # it draws itself
    page.mouse.click(box["x"] + across, box["y"] + 36 + 35 * row + 17)
    settled(page)
