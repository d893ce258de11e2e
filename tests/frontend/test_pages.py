"""Every page in every state, run by Streamlit itself against the service over HTTP."""

import json
import re
from typing import Any

import httpx2
import pytest
from streamlit.testing.v1 import AppTest

from frontend.core import pages, shell, words
from frontend.core.client import Client, Json
from tests.frontend.conftest import Open, answering
from tests.support.site import Site

NAMES = tuple(pages.pages())


def texts(app: AppTest) -> str:
    """All that a page says."""
    kinds = ("title", "caption", "markdown", "info", "warning", "error", "success", "header", "subheader", "code")
    found = [element.value for kind in kinds for element in app.get(kind)]
    return "\n".join([*map(str, found), *(f"{metric.label}: {metric.value}" for metric in app.metric)])


def figure(app: AppTest, place: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(app.get("plotly_chart")[place].proto.spec)
    return found


def traces(app: AppTest, place: int = 0) -> set[str]:
    return {trace.get("name", "") for trace in figure(app, place)["data"]}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("workspace", ["shop", "meter", "fresh", "empty"])
def test_every_page_opens_in_every_state_of_a_workspace(open_page: Open, name: str, workspace: str) -> None:
    """With data and forecasts, with data only, and with nothing: no traceback, and always something to read."""
    app = open_page(name, workspace=workspace)
    assert not app.exception
    assert not app.error
    assert app.title[0].value
    if workspace == "empty":
        assert "There is no data yet" in texts(app) or "Nothing was trained yet" in texts(app)


@pytest.mark.parametrize("name", NAMES)
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
        ((404, {"detail": "There is nothing at this path."}), "Not there"),
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


def test_the_portfolio_tells_what_all_series_come_to(open_page: Open, site: Site) -> None:
    """Tiles, the triage list with its reasons, and the totals."""
    app = open_page("portfolio", workspace="shop")
    rows = site.reader.published("shop").read_parquet("forecasts.parquet")
    tiles = {metric.label: metric.value for metric in app.metric}
    assert tiles["Forecast"] == f"{rows['y_hat'].sum():,.0f} pieces"
    assert tiles["Series"] == "10"
    assert set(app.dataframe[0].value["series"]) == set(rows["unique_id"])
    (chart,) = app.get("vega_lite_chart")
    assert '"domain": ["actual", "previous forecast", "forecast"]' in chart.proto.spec  # there is no year before


def test_where_nothing_is_unusual_the_portfolio_says_so(open_page: Open) -> None:
    """No series has a reason, and a share of the total is a column."""
    app = open_page("portfolio", workspace="shop")
    assert "No series needs attention" in texts(app)
    assert set(app.dataframe[0].value["why"]) == {"nothing unusual"}
    assert app.dataframe[0].value["share"].sum() == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("column", ["series", "why", "trend"])
def test_a_click_anywhere_on_a_row_opens_its_series(open_page: Open, column: str) -> None:
    """In the workspace that is looked at."""
    app = open_page("portfolio", workspace="shop")
    wanted = app.dataframe[0].value["series"].iloc[2]
    app.session_state["triage"] = {"selection": {"rows": [], "columns": [], "cells": [(2, column)]}}
    app = app.run()
    assert app.title[0].value == "Forecast"
    assert app.selectbox(key="series").value == wanted
    assert app.selectbox(key="workspace").value == "shop"


def _workspace(name: str, **facts: Any) -> Json:
    return {"name": name, "status": "ready", "worst_alert": None, "open_alerts": 0, **facts}


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ([_workspace("a"), _workspace("b", worst_alert="alert", open_alerts=10)], "b"),
        ([_workspace("a", worst_alert="warn", open_alerts=9), _workspace("b", worst_alert="alert", open_alerts=1)], "b"),
        ([_workspace("a", worst_alert="alert", open_alerts=1), _workspace("b", worst_alert="alert", open_alerts=2)], "b"),
        ([_workspace("a", status="no data"), _workspace("b")], "b"),
        ([_workspace("a", open_alerts=None), _workspace("b")], "a"),
    ],
)  # fmt: skip
def test_a_first_visit_opens_where_most_needs_attention(found: list[Json], shown: str) -> None:
    """The most severe alerts, then the most of them, then what is ready, then by name."""
    assert shell.first(found)["name"] == shown
    assert shell.first(found[::-1])["name"] == shown


def test_a_filter_of_the_portfolio_is_in_the_link(open_page: Open) -> None:
    """Opened again, it is set again."""
    app = open_page("portfolio", workspace="shop", by_region="south", find="tea")
    assert app.dataframe[0].value["series"].tolist() == ["Elm/tea"]
    app = app.selectbox(key="by_region").select("north").run()
    assert app.dataframe[0].value["series"].tolist() == ["Ash/tea"]
    app = app.text_input(key="find").input("nobody").run()
    assert "No series is like that" in texts(app)


@pytest.mark.parametrize("series", ["Ash/tea", "Elm/50%/off", "Elm/Gruyère ☃ 日本", "Ash/a?b=c&d#e"])
def test_a_link_to_a_series_opens_it(open_page: Open, site: Site, series: str) -> None:
    """Whatever its name holds; the picture has the values of the file."""
    app = open_page("forecast", workspace="shop", series=series)
    rows = site.reader.published("shop").read_parquet("forecasts.parquet")
    forecast = next(trace for trace in figure(app)["data"] if trace.get("name") == "forecast")
    assert not app.exception
    assert app.selectbox(key="series").value == series
    assert len(forecast["x"]) == len(rows[rows["unique_id"] == series])
    assert {"actual", "forecast", "80 % interval"} <= traces(app)


def test_a_search_finds_series_on_the_server(open_page: Open) -> None:
    """And a click on one takes it."""
    app = open_page("forecast", workspace="shop")
    app = app.text_input(key="seek").input("TEA").run()
    found = app.button_group(key="matches")
    assert {"Ash/tea", "Elm/tea"} <= {*found.options}
    app = found.set_value("Elm/tea").run()
    assert (app.selectbox(key="series").value, app.text_input(key="seek").value) == ("Elm/tea", "")


@pytest.mark.parametrize("view", ["Why", "In the past", "What if", "Table", "About the series"])
def test_every_view_of_a_forecast_opens_by_its_link(open_page: Open, view: str) -> None:
    """Components and bridge, windows and residuals, another horizon, the table, the profile."""
    app = open_page("forecast", workspace="shop", series="Ash/tea", view=view)
    assert not app.exception
    assert not app.error


def test_the_page_shows_the_totals_of_the_service(open_page: Open, service: str) -> None:
    """The waterfall and the words below the parts are numbers of the explanation, not of the page."""
    found = httpx2.get(f"{service}/api/v1/forecasts/Ash%2Ftea/explanation", params={"workspace": "shop"}).json()
    app = open_page("forecast", workspace="shop", series="Ash/tea", view="Why")
    (bars,) = figure(app, 2)["data"]
    assert dict(zip(bars["x"], bars["y"], strict=True)) == {**found["bridge"]["totals"], "all together": 0}
    told = ", ".join(f"{name} {words.number(value)}" for name, value in found["totals"].items())
    assert f"Over the 7 steps: {told} (pieces)." in texts(app)


def test_a_forecast_that_did_not_change_is_told_in_words(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """No bars without height."""
    real = Client.explanation

    def unchanged(*asked: Any) -> Json:
        found = real(*asked)
        return {**found, "bridge": {**found["bridge"], "totals": dict.fromkeys(found["bridge"]["totals"], 0.0)}}

    monkeypatch.setattr(Client, "explanation", unchanged)
    app = open_page("forecast", workspace="shop", series="Ash/tea", view="Why")
    assert len(app.get("plotly_chart")) == 2
    assert "It is: nothing changed since the forecast" in texts(app)


def test_a_window_of_the_backtest_is_shown_with_its_intervals(open_page: Open) -> None:
    """One cutoff at a time, or all of them."""
    app = open_page("forecast", workspace="shop", series="Ash/tea", view="In the past")
    slider = app.select_slider(key="cutoff")
    assert len(slider.options) == 1 + 3
    app = slider.set_value(slider.options[1]).run()
    assert not app.exception
    assert "80 % interval" in traces(app, 1)


def test_another_horizon_is_computed(open_page: Open) -> None:
    """Beside what is published, which stays."""
    app = open_page("forecast", workspace="shop", series="Ash/tea", view="What if")
    app.number_input(key="steps").set_value(10)
    app = app.button[-1].click().run()
    assert not app.exception
    assert "10 steps; computed" in texts(app)
    assert "published" in traces(app, 1)


@pytest.mark.parametrize("view", ["Models", "Over the horizon", "Over time", "Intervals", "Series", "Segments"])
def test_every_view_of_the_accuracy_opens_by_its_link(open_page: Open, view: str) -> None:
    """Each with a picture."""
    app = open_page("accuracy", workspace="shop", view=view)
    assert not app.exception
    assert not app.error
    assert app.get("plotly_chart")


def test_the_leaderboard_has_the_baseline_in_it(open_page: Open, site: Site) -> None:
    """With the means of the file, best on top."""
    app = open_page("accuracy", workspace="shop", metric="MAE")
    rows = site.reader.run("shop", site.second).read_parquet("metrics.parquet")
    means = rows[rows["metric"] == "mae"].groupby("model")["value"].mean().sort_values(ascending=False)
    (bars,) = figure(app)["data"]
    assert [name.partition(" (")[0] for name in bars["y"]] == [name.replace("_", " ") for name in means.index]
    assert "seasonal naive" in bars["y"]


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


@pytest.mark.parametrize("view", ["Checks", "Rejected rows", "Series"])
def test_every_view_of_the_data_opens_by_its_link(open_page: Open, view: str) -> None:
    """Checks, what was rejected, and the profiles."""
    app = open_page("data", workspace="shop", view=view)
    assert not app.exception
    assert not app.error


def test_runs_are_listed_with_what_went_wrong(open_page: Open, site: Site) -> None:
    """The production run first among what is said, the failed one with its reason."""
    app = open_page("runs", workspace="shop")
    table = app.dataframe[0].value.set_index("run")
    assert set(table.index) == {site.first, site.second, site.failed}
    assert table.loc[site.failed, "what went wrong"] == "no luck"
    assert f"In production: {site.second}" in texts(app)
    assert f"Roll back to {site.first}" in [button.label for button in app.button]


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


def test_every_figure_says_what_it_shows(open_page: Open) -> None:
    """The series, the unit and the workspace, for the picture that is exported."""
    app = open_page("forecast", workspace="shop", series="Ash/tea")
    for place in range(len(app.get("plotly_chart"))):
        title = figure(app, place)["layout"]["title"]["text"]
        assert title.startswith("Ash/tea · ")
        assert "pieces · Units by store and item" in title


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (("Forecast", "Bath/bakery-01"), "Forecast · Bath/bakery-01 · Forecast Copilot"),
        (("Portfolio", ""), "Portfolio · Forecast Copilot"),
        (("Forecast", "a\nb\tc"), "Forecast · a b c · Forecast Copilot"),
        (("Forecast", "x" * 280), f"Forecast · {'x' * 59}… · Forecast Copilot"),
    ],
)
def test_a_tab_has_the_title_of_its_page(monkeypatch: pytest.MonkeyPatch, parts: tuple[str, ...], told: str) -> None:
    """On one line, whatever a series is called."""
    titles: list[str] = []
    monkeypatch.setattr("streamlit.set_page_config", lambda page_title: titles.append(page_title))
    shell.tab(*parts)
    assert titles == [told]


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("forecast", "shop", "Ash/tea"), "forecast-shop-Ash-tea"),
        (("forecast", "shop", "Elm/Gruyère ☃ 日本"), "forecast-shop-Elm-Gruyère-日本"),
        (("forecast", "shop", "../../etc/passwd"), "forecast-shop-etc-passwd"),
        (("drift", "shop", ""), "drift-shop"),
        (("forecast", "shop", "x" * 280), f"forecast-shop-{'x' * 80}"),
    ],
)
def test_a_file_is_named_by_what_is_in_it(parts: tuple[str, ...], name: str) -> None:
    """So that any system takes the name."""
    assert words.file_name(*parts) == name
