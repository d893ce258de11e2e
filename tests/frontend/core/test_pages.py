"""Which pages the app has, and where."""

import pytest

from frontend.core import pages
from tests.frontend.conftest import ROOT


def test_every_folder_with_a_page_is_in_the_menu_under_its_own_name() -> None:
    """Bookmarks and links in mails name pages by these paths since 0.1.0; the first one is the page of the root URL."""
    assert list(pages.pages()) == ["portfolio", "forecast", "copilot", "accuracy", "monitoring", "data", "runs"]
    assert [page.section for page in pages.pages().values()] == ["Today"] * 3 + ["Trust"] * 2 + ["Manage"] * 2
    for name in pages.pages():
        assert (ROOT / "frontend" / pages.script(name)).is_file()


def test_a_link_to_a_page_that_does_not_exist_lists_those_that_do() -> None:
    with pytest.raises(ValueError, match="no page 'portfolios'; the pages are portfolio, forecast"):
        pages.script("portfolios")
