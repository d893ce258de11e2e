"""The page Portfolio: what all series come to, and what needs attention."""

import pytest

from tests.frontend.conftest import Open
from tests.support.pages import texts
from tests.support.site import Site


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


def test_a_filter_of_the_portfolio_is_in_the_link(open_page: Open) -> None:
    """Opened again, it is set again."""
    app = open_page("portfolio", workspace="shop", by_region="south", find="tea")
    assert app.dataframe[0].value["series"].tolist() == ["Elm/tea"]
    app = app.selectbox(key="by_region").select("north").run()
    assert app.dataframe[0].value["series"].tolist() == ["Ash/tea"]
    app = app.text_input(key="find").input("nobody").run()
    assert "No series is like that" in texts(app)
