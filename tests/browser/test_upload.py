"""A table comes in through the browser: a good one becomes a workspace with forecasts, a bad one is told what it lacks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from scripts.up import Up
from tests.browser.conftest import visit
from tests.support.site import Site

FIRST_RUN = 240_000  # milliseconds for three processes, one after the other, on a busy machine


def test_a_good_table_becomes_a_workspace_with_forecasts(page: Page, up: Up, site: Site, tmp_path: Path) -> None:
    """Preview, workspace, first run with its progress, and the portfolio of it."""
    days = pd.date_range("2024-01-01", periods=60)
    rows = pd.concat(
        pd.DataFrame({"day": days, "shop": shop, "sold": 20 + 5 * (np.arange(60) % 7) + at})
        for at, shop in enumerate(["Ash", "Elm"])
    )
    rows.to_csv(tmp_path / "sold.csv", index=False)
    _choose(page, up, "corner", tmp_path / "sold.csv")
    expect(page.get_by_test_id("stMetric").filter(has_text="Series")).to_contain_text("2")
    page.get_by_role("button", name="Make the workspace corner").click()
    expect(page.get_by_text("Everything: data, training, forecasts").first).to_be_visible()
    expect(page.get_by_text("Done. The forecasts are on the Portfolio.")).to_be_visible(timeout=FIRST_RUN)
    expect(page.get_by_test_id("stSidebar").get_by_text("no data yet")).to_have_count(0)
    expect(page.get_by_test_id("stSidebar").get_by_text("2 series")).to_be_visible()
    assert site.reader.published("corner").read_parquet("forecasts.parquet")["unique_id"].nunique() == 2
    page.get_by_role("link", name="Open the forecasts").click()
    expect(page.get_by_text("2 of 2 series")).to_be_visible()
    assert "workspace=corner" in page.url


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"shop,sold\nAsh,1\nElm,2\n", "timestamp"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "file"),
        (b"day,shop,sold\n2024-01-01,Ash,many\n2024-01-02,Ash,few\n", "sold"),
    ],
)
def test_a_bad_table_is_told_what_it_lacks(
    page: Page, up: Up, site: Site, tmp_path: Path, content: bytes, said: str
) -> None:
    """And nothing is made of it."""
    (tmp_path / "bad.csv").write_bytes(content)
    _choose(page, up, "bad", tmp_path / "bad.csv")
    expect(page.get_by_test_id("stAlert").filter(has_text=said).first).to_be_visible()
    expect(page.get_by_role("button", name="Make the workspace")).to_have_count(0)
    assert not (site.folder / "configs/workspaces/bad.yaml").exists()


def _choose(page: Page, up: Up, name: str, path: Path) -> None:
    visit(page, up, "/data?workspace=shop&view=Upload")
    named = page.get_by_role("textbox", name="Name of the workspace")
    named.fill(name)
    named.press("Enter")
    page.locator("input[type=file]").set_input_files(path)
