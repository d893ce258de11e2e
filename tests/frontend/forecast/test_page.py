"""The page Forecast: one series, its views and what can be computed."""

from typing import Any

import httpx2
import pytest

from frontend.core import words
from frontend.core.client import Json
from frontend.forecast import calls
from tests.frontend.conftest import Open
from tests.support.pages import figure, texts, traces
from tests.support.site import Site


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
    real = calls.explanation

    def unchanged(*asked: Any) -> Json:
        found = real(*asked)
        return {**found, "bridge": {**found["bridge"], "totals": dict.fromkeys(found["bridge"]["totals"], 0.0)}}

    monkeypatch.setattr(calls, "explanation", unchanged)
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


def test_every_figure_says_what_it_shows(open_page: Open) -> None:
    """The series, the unit and the workspace, for the picture that is exported."""
    app = open_page("forecast", workspace="shop", series="Ash/tea")
    for place in range(len(app.get("plotly_chart"))):
        title = figure(app, place)["layout"]["title"]["text"]
        assert title.startswith("Ash/tea · ")
        assert "pieces · Units by store and item" in title
