"""The page Monitoring in a real browser, after four weeks in the last of which one series sold four times as much."""

import re
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from pipelines.forecasting.monitoring import alerts, snapshots
from pipelines.forecasting.monitoring.comparison import Verdict
from pipelines.forecasting.monitoring.snapshots import Snapshot
from scripts.dev.screenshots import settled
from scripts.up import Up
from tests.browser.conftest import visit
from tests.support import site as sites
from tests.support.site import Site

SHIFTED = "Ash/tea"
PATH = "/monitoring?workspace=shop"
WHY = "MASE 2 against 1"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The project under monitoring, whose drift is judged and whose production run is called worse than the one before it."""
    watched = sites.made(tmp_path_factory, "watched")
    found = Snapshot.newest(watched.reader, "shop")
    worse = Verdict("production", watched.second, watched.first, worse=True, why=WHY, error=2.0, other_error=1.0)
    drift = found.drift.assign(status=np.where(found.drift["psi"] > found.drift["threshold"], "alert", "ok"))
    told = replace(found, drift=drift, summary=found.summary.model_copy(update={"comparisons": [worse.as_json()]}))
    draft = told.draft(watched.reader, found.summary.key, found.drift["as_of"].max(), 0)
    draft.write_bytes(snapshots.REPORT, watched.reader.monitoring("shop").read_bytes(snapshots.REPORT))
    snapshots.publish(watched.reader, "shop", draft, found.summary.as_of)
    return watched


@pytest.mark.parametrize("view", ["Over time", "Series", "Drift", "Alerts", "Data health", "Report"])
def test_every_view_opens_and_reopens_by_its_link(page: Page, up: Up, view: str) -> None:
    """From the tabs, and from the link that they leave behind; nothing is logged as an error."""
    visit(page, up, PATH)
    page.get_by_role("tab", name=view).click()
    settled(page)
    expect(page.get_by_role("tab", name=view)).to_have_attribute("aria-selected", "true")
    expect(page.get_by_test_id("stException")).to_have_count(0)
    if view != "Over time":
        page.wait_for_url(re.compile(f"view={view.replace(' ', '(%20|[+])')}"))
    page.reload()
    settled(page)
    expect(page.get_by_role("tab", name=view)).to_have_attribute("aria-selected", "true")


def test_the_heat_map_of_drift_is_drawn(page: Page, up: Up) -> None:
    """A picture with a row a series and a column a feature."""
    visit(page, up, f"{PATH}&view=Drift")
    expect(page.locator(".js-plotly-plot .heatmaplayer .hm image")).to_have_count(1)
    labels = page.locator(".js-plotly-plot .xaxislayer-above .xtick").all_text_contents()
    assert sorted(filter(None, labels)) == ["price", "y"]


def test_the_report_shows_inside_the_page(page: Page, up: Up) -> None:
    """By its own scripts, in an origin of its own, under a policy that lets nothing else run or load."""
    visit(page, up, f"{PATH}&view=Report")
    report = page.frame_locator("iframe").frame_locator("iframe[sandbox=allow-scripts]")
    expect(report.get_by_text(re.compile("drift", re.IGNORECASE)).first).to_be_visible()
    expect(report.locator(".js-plotly-plot, canvas, svg").first).to_be_attached()


def test_an_alert_is_acknowledged(page: Page, up: Up, site: Site) -> None:
    """The page says so, and the log knows it."""
    visit(page, up, f"{PATH}&view=Alerts")
    buttons = page.get_by_role("button", name="Seen")
    count = buttons.count()
    assert count > 0
    buttons.first.click()
    expect(page.get_by_text("Seen by").first).to_be_visible()
    expect(buttons).to_have_count(count - 1)
    assert sum(one["acknowledged"] is not None for one in alerts.all_of(site.reader, "shop")) == 1


def test_a_series_is_opened_by_its_link_and_leads_to_its_forecast_and_back(page: Page, up: Up) -> None:
    """Its live errors; its forecast shows how it is monitored, with a link to this view."""
    visit(page, up, f"{PATH}&view=Series&watched=Ash%2Ftea")
    expect(page.get_by_role("heading", name=SHIFTED)).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    page.get_by_role("link", name="Its forecast").click()
    expect(page.locator("h1")).to_have_text("Forecast")
    page.wait_for_url(re.compile("series=Ash%2Ftea"))
    expect(page.get_by_text("monitored: alert").first).to_be_visible()
    page.get_by_role("link", name="Monitoring of this series").click()
    expect(page.get_by_role("heading", name=SHIFTED)).to_be_visible()
    page.wait_for_url(re.compile("watched=Ash%2Ftea"))


def test_the_portfolio_is_narrowed_to_who_is_in_alert(page: Page, up: Up) -> None:
    """By a link, too."""
    visit(page, up, "/?workspace=shop&by_monitored=alert&find=Ash%2Ftea")
    expect(page.get_by_text("1 of 1 series, those that need attention first")).to_be_visible()


def test_a_worse_run_is_left_on_the_word_of_a_person(page: Page, up: Up, site: Site) -> None:
    """The panel says why; with a reason the alias goes back to the run before."""
    visit(page, up, PATH)
    expect(page.get_by_text(WHY)).to_be_visible()
    page.get_by_role("button", name=f"Roll back to {site.first}").click()
    page.get_by_label("Reason").fill("worse than in the backtest")
    page.get_by_label("Reason").press("Enter")
    page.get_by_role("button", name="Roll back", exact=True).click()
    settled(page)
    expect(page.get_by_role("dialog")).to_have_count(0)
    alias = site.reader.pointers("shop").aliases["production"]
    assert (alias.run_id, alias.previous, alias.reason) == (site.first, site.second, "worse than in the backtest")
