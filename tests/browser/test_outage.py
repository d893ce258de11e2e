"""The service goes away while a page is open, and comes back."""

import os
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from scripts.up import ROOT, Up
from tests.browser.conftest import visit
from tests.support.site import Site


def test_a_page_survives_the_restart_of_the_service(page: Page, up: Up, site: Site, tmp_path: Path) -> None:
    """One clear panel meanwhile, and by itself the same view again."""
    visit(page, up, "/accuracy?workspace=shop&view=Series")
    api, _ = up.processes
    api.kill()
    api.wait()
    page.get_by_text("best", exact=True).click()
    panel = page.get_by_test_id("stMain").get_by_text("The service cannot be reached")
    expect(panel).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    page.set_viewport_size({"width": 390, "height": 844})  # the sidebar is closed
    page.reload()
    expect(panel).to_be_visible()
    expect(page.locator("h1")).to_have_text("Accuracy")
    page.set_viewport_size({"width": 1440, "height": 2200})
    environ = {**os.environ, **site.environ, "PYTHONPATH": str(ROOT), "API_PORT": up.api.rpartition(":")[2]}
    with (tmp_path / "log").open("wb") as log:
        again = subprocess.Popen([sys.executable, "-m", "backend.app"], cwd=ROOT, env=environ, stdout=log, stderr=log)
        try:
            expect(page.get_by_text("Click a row to open its forecast")).to_be_visible()
            expect(panel).to_have_count(0)
            assert "workspace=shop" in page.url
            assert "view=Series" in page.url
        finally:
            again.terminate()
            again.wait()
