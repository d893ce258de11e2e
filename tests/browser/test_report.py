"""The report on data whose names and texts are markup and scripts, in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Route, expect

from pipelines.forecasting.monitoring import page
from tests.pipelines.monitoring import hostile

HERE = "http://report.test/"


@pytest.mark.parametrize("made", [hostile.rendered, hostile.stored_before])
def test_nothing_from_the_data_runs_or_loads(browser: Browser, made: Callable[[], str]) -> None:
    """A report of this release and one of the last: every chart is drawn, and nothing else happens."""
    html, policy = page.served(made().encode())
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        headers = {"Content-Security-Policy": policy, "Content-Type": "text/html; charset=utf-8"}
        route.fulfill(body=html, headers=headers)

    context = browser.new_context(viewport={"width": 1300, "height": 2000})
    tab = context.new_page()
    tab.route("**/*", answer)
    tab.goto(HERE)
    expect(tab.get_by_text("Drift is detected for")).to_be_visible()
    closed = tab.locator(".js-plotly-plot").count()
    details = tab.locator("tbody tr td:first-child button")
    for place in range(2):
        details.nth(place).click()
        expect(tab.locator(".js-plotly-plot")).not_to_have_count(closed)
        tab.mouse.move(300, 900)
    assert tab.title() == "Monitoring report"
    assert set(asked) == {HERE}
    assert tab.locator(f"img, iframe, [href='{hostile.AWAY}']").count() == 0
    assert tab.evaluate("window.origin") == "null"
    context.close()
