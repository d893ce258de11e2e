"""The service goes away while a page is open, and comes back."""

import os
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from scripts.up import ROOT, Up
from tests.backend.site import Site
from tests.browser.conftest import visit


def test_a_page_survives_the_restart_of_the_service(page: Page, up: Up, site: Site, tmp_path: Path) -> None:
    """One clear panel meanwhile, and by itself the same view again."""
    visit(page, up, "/accuracy?workspace=shop&view=Series")
    api, _ = up.processes
    api.kill()
    api.wait()
    page.get_by_text("best", exact=True).click()
    expect(page.get_by_text("The service cannot be reached")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    environ = {**os.environ, **site.environ, "PYTHONPATH": str(ROOT), "API_PORT": up.api.rpartition(":")[2]}
    with (tmp_path / "log").open("wb") as log:
        again = subprocess.Popen([sys.executable, "-m", "backend.main"], cwd=ROOT, env=environ, stdout=log, stderr=log)
        try:
            expect(page.get_by_text("Select a series to open its forecast")).to_be_visible()
            assert "view=Series" in page.url
        finally:
            again.terminate()
            again.wait()
