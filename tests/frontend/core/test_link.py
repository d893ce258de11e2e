"""Links: what they name, what they name in vain, and what stays of them when the workspace or the page changes."""

import ast
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from frontend.core import api, pages
from frontend.core.client import Json
from tests.frontend.conftest import ROOT, Open
from tests.support.pages import texts

NOBODY = "nobody/at all"
CHANGERS = ("switch_page", "page_link")


def value(app: AppTest, key: str) -> str:
    """What the URL says of a key."""
    found = app.query_params.get(key, "")
    return found if isinstance(found, str) else found[-1]


@pytest.mark.parametrize("name", pages.pages())
def test_an_unknown_workspace_in_a_link_is_replaced_and_reported(open_page: Open, name: str) -> None:
    """On every page: the first workspace is shown, the URL names it, and the page says what was not found."""
    app = open_page(name, workspace="nowhere")
    assert not app.exception
    assert app.title[0].value
    assert app.selectbox(key="workspace").value == value(app, "workspace") == "meter"
    (notice,) = app.main.warning
    assert "Workspace not found:** nowhere. Showing meter instead." in notice.value


def test_an_unknown_series_in_a_link_is_replaced_and_reported(open_page: Open) -> None:
    """The largest one is shown, and the URL names it."""
    app = open_page("forecast", workspace="shop", series=NOBODY)
    assert not app.exception
    assert not app.error
    shown = app.selectbox(key="series").value
    assert shown == value(app, "series") != NOBODY
    assert f"Series not found:** {NOBODY}. Showing" in texts(app)
    assert app.get("plotly_chart")


@pytest.mark.parametrize(
    ("page", "query", "said"),
    [
        ("copilot", {"series": NOBODY}, "Series not found:** nobody/at all."),
        ("forecast", {"series": "Ash/tea", "view": "Nope"}, "View not found:** Nope. Showing Why"),
        ("forecast", {"series": "Ash/tea", "view": "In the past", "tested": "oracle"}, "Model not found:** oracle."),
        ("forecast", {"series": "Ash/tea", "view": "In the past", "cutoff": "1999-01-01"}, "Cutoff not found:**"),
        ("portfolio", {"by_region": "west"}, "Region not found:** west. Showing any"),
        ("accuracy", {"metric": "luck"}, "Metric not found:** luck. Showing mae"),
        ("accuracy", {"view": "Over time", "cutoffs": "1999-01-01"}, "Cutoffs not found:** 1999"),
        ("forecast", {"series": "Ash/tea", "beside": "Rumours"}, "Beside not found:** Rumours."),
        ("accuracy", {"view": "Segments", "by": "colour"}, "Attribute not found:** colour."),
        ("data", {"view": "Nope"}, "View not found:** Nope. Showing Checks"),
    ],
)
def test_what_a_link_names_in_vain_is_reported(open_page: Open, page: str, query: dict[str, str], said: str) -> None:
    """Views, models, cutoffs, filters: the page shows its usual choice, says so, and keeps nothing of it in the URL."""
    app = open_page(page, workspace="shop", **query)
    assert not app.exception
    assert not app.error
    assert said in texts(app)
    assert value(app, list(query)[-1]) != query[list(query)[-1]]


def test_another_workspace_has_its_own_series(open_page: Open) -> None:
    """Series, filters and searches of the workspace before it are gone; the view stays."""
    app = open_page("forecast", workspace="shop", series="Ash/tea", view="Table")
    app = app.text_input(key="seek").input("tea").run()
    app = app.selectbox(key="workspace").select("meter").run()
    assert not app.exception
    assert not app.warning
    assert (value(app, "workspace"), value(app, "view")) == ("meter", "Table")
    assert app.selectbox(key="series").value == value(app, "series") == "meter"
    app = app.selectbox(key="workspace").select("shop").run()
    assert app.selectbox(key="series").value in app.selectbox(key="series").options
    assert not app.warning


def test_a_filter_of_another_workspace_is_gone(open_page: Open) -> None:
    """And what was searched for there."""
    app = open_page("portfolio", workspace="shop", by_region="south", find="tea")
    app = app.selectbox(key="workspace").select("meter").run()
    assert not app.exception
    assert app.dataframe[0].value["series"].tolist() == ["meter"]
    assert not {"by_region", "find"} & {*app.query_params}


def test_a_page_without_a_workspace_in_its_link_keeps_the_one_that_was_looked_at(open_page: Open) -> None:
    """As the menu and old addresses in the browser's history leave it out."""
    app = open_page("portfolio", workspace="shop")
    app.query_params.clear()
    app = app.switch_page("forecast/page.py").run()
    assert not app.exception
    assert value(app, "workspace") == "shop"
    assert value(app, "series")


def test_a_name_that_many_others_contain_is_found(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages of matches come before it."""
    real = api.series

    def small(*asked: Any, limit: int = 50, offset: int = 0, **more: Any) -> Json:
        found = real(*asked, limit=1000, **more)
        return {**found, "items": found["items"][offset // 1000 :][:1]} if limit == 1000 else found

    monkeypatch.setattr(api, "series", small)
    app = open_page("forecast", workspace="shop", series="Elm/tea")
    assert not app.exception
    assert app.selectbox(key="series").value == "Elm/tea"


def test_pages_are_changed_in_one_place() -> None:
    """So that no button and no link forgets the workspace."""
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted((ROOT / "frontend").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in CHANGERS and path.name != "link.py"
    ]
    assert found == []
