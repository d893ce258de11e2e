"""Every page in every state, run by Streamlit itself against the service over HTTP."""

import json
import re
from typing import Any

import pytest

from frontend.core import pages
from tests.frontend.conftest import Open, answering
from tests.support.pages import texts
from tests.support.site import Site


@pytest.mark.parametrize("name", pages.pages())
@pytest.mark.parametrize("workspace", ["shop", "meter", "fresh", "empty"])
def test_every_page_opens_in_every_state_of_a_workspace(open_page: Open, name: str, workspace: str) -> None:
    """With data and forecasts, with data only, and with nothing: no traceback, and always something to read."""
    app = open_page(name, workspace=workspace)
    assert not app.exception
    assert not app.error
    assert app.title[0].value
    if workspace == "empty":
        assert "There is no data yet" in texts(app) or "Nothing was trained yet" in texts(app)


@pytest.mark.parametrize("name", pages.pages())
def test_a_service_that_is_down_is_one_panel(open_page: Open, name: str) -> None:
    """With a way to try again, and nothing of what failed inside."""
    app = open_page(name, "http://127.0.0.1:9")
    assert not app.exception
    (panel,) = app.main.error  # a sidebar is closed on a phone
    assert not app.sidebar.error
    assert app.title[0].value
    assert "cannot be reached" in panel.value
    assert [button.label for button in app.button] == ["Try again"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((401, {"detail": "No valid API key.", "request_id": "r1"}), "Not allowed"),
        ((403, {"detail": "This needs the role admin."}), "Not allowed"),
        ((404, {"detail": "There is nothing at this path."}), "Not found"),
        ((429, {"detail": "Too many requests."}), "Too many requests."),
        ((500, {"detail": "Something failed here.", "request_id": "r2"}), "Something failed here."),
        ((503, b"<html>upstream</html>"), "cannot be reached"),
        ((200, b"not json"), "cannot be reached"),
        (
            (422, {"detail": "Not valid.", "errors": [{"field": "query.limit", "message": "too large"}]}),
            "query.limit: too large",
        ),
    ],
)
def test_what_the_service_refuses_is_told_in_its_words(open_page: Open, answer: Any, said: str) -> None:
    """Never as a traceback."""
    with answering({}, answer) as address:
        app = open_page("portfolio", address)
    assert not app.exception
    assert said in texts(app)


def test_who_comes_back_to_a_page_finds_it_as_it_was(open_page: Open) -> None:
    """Filters, series and views, though the link of the other page has none of them; a link that names one goes first."""
    app = open_page("portfolio", workspace="shop", by_region="south", find="tea")
    app = app.switch_page("forecast/page.py").run()
    app = app.selectbox(key="series").select("Elm/tea").run()
    app = app.switch_page("accuracy/page.py").run()
    assert not app.exception
    app = app.switch_page("portfolio/page.py").run()
    assert app.selectbox(key="by_region").value == "south"
    assert app.dataframe[0].value["series"].tolist() == ["Elm/tea"]
    app = app.switch_page("forecast/page.py").run()
    assert app.selectbox(key="series").value == "Elm/tea"


@pytest.mark.parametrize("name", ["artifacts/shop/pointers.json", "configs/workspaces/shop.yaml"])
def test_a_damaged_workspace_takes_no_other_with_it(open_page: Open, site: Site, name: str) -> None:
    """The app opens; the workspace says what is wrong with it and what to do; the others are as ever."""
    path = site.folder / name
    kept = path.read_bytes()
    try:
        path.write_bytes(b"{[")
        damaged = open_page("portfolio", workspace="shop")
        assert not damaged.exception
        assert "This workspace is damaged" in texts(damaged)
        assert path.name in damaged.code[0].value
        assert bool(damaged.metric) == (path.suffix == ".yaml")  # what it has published is shown where it can be read
        assert "damaged" not in texts(open_page("portfolio", workspace="meter"))
    finally:
        path.write_bytes(kept)


@pytest.mark.parametrize(("name", "view"), [("forecast", "Table"), ("accuracy", "Segments"), ("accuracy", "Intervals")])
def test_no_table_shows_the_names_of_its_file(open_page: Open, name: str, view: str) -> None:
    """`y_hat` and `lo_80` are a forecast and a bound, with their unit; numbers have at most four digits."""
    app = open_page(name, workspace="shop", view=view)
    for table in app.dataframe:
        columns = json.loads(table.proto.columns)
        shown = [columns.get(column, {}).get("label") or column for column in table.value.columns]
        assert not [label for label in shown if re.search("_|^ds$|^y$|unique", label)], shown
        for column in table.value.select_dtypes("floating"):
            assert columns[column]["type_config"]["format"] in ("%.4g", "%.3g", "percent", "compact")
    if view == "Table":
        assert {"date", "forecast, pieces", "80 % low, pieces", "95 % high, pieces"} <= {
            one["label"] for one in json.loads(app.dataframe[0].proto.columns).values() if one.get("label")
        }
