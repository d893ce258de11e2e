"""Headings are headings, and none skips a level."""

import re
from itertools import pairwise

import pytest
from streamlit.testing.v1.element_tree import Element

from tests.frontend.conftest import Open
from tests.support import site as sites
from tests.support.site import Site

VIEWS = {
    "portfolio": [""],
    "forecast": ["Why", "In the past", "What if", "Table", "About the series"],
    "copilot": ["Chat", "Knowledge"],
    "accuracy": ["Models", "Over the horizon", "Over time", "Intervals", "Series", "Segments"],
    "monitoring": ["Over time", "Series", "Drift", "Alerts", "Data health", "Report"],
    "data": ["Checks", "Rejected rows", "Series", "Upload", "Pipelines"],
    "runs": [""],
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:  # type: ignore[misc]
    watched: Site = sites.made(tmp_path_factory, "watched")
    with sites.running(watched, tmp_path_factory.mktemp("headings") / "log") as (found, _):
        yield found


def levels(elements: list[Element]) -> list[int]:
    """Of the headings in the order of the page, those within text too."""
    found = []
    for one in elements:
        if tag := re.fullmatch(r"h(\d)", getattr(one, "tag", "")):
            found.append(int(tag[1]))
        elif one.type == "markdown":
            found += [len(line) - len(line.lstrip("#")) for line in one.value.splitlines() if line.startswith("#")]
    return found


@pytest.mark.parametrize(("page", "view"), [(page, view) for page, views in VIEWS.items() for view in views])
def test_headings_go_down_one_level_at_a_time(open_page: Open, address: str, page: str, view: str) -> None:
    """One of the first level, at the top; and no line in bold stands for one."""
    query = {"view": view} if view else {}
    watched = {"watched": "Ash/tea"} if view == "Series" and page == "monitoring" else {}
    app = open_page(page, address, workspace="shop", **query, **watched)
    assert not app.exception
    elements = list(app.main)
    found = levels(elements)
    assert found[0] == 1
    assert found.count(1) == 1
    assert all(level <= before + 1 for before, level in pairwise(found)), found
    bold = [
        one.value for one in elements if one.type == "markdown" and re.fullmatch(r"\*\*[^*]+\*\*", one.value.strip())
    ]
    assert bold == []
