"""The page Monitoring, over a workspace that was monitored for weeks, in the last of which one series sold much more."""

from collections.abc import Iterator

import pytest

from frontend.core import theme
from pipelines.forecasting.monitoring import snapshots
from pipelines.forecasting.monitoring.snapshots import Snapshot
from tests.frontend.conftest import Open
from tests.support import site as sites
from tests.support.pages import figure, texts, traces
from tests.support.site import Site

SHIFTED = "Ash/tea"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return sites.made(tmp_path_factory, "watched")


@pytest.fixture(scope="module")
def address(watched: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sites.running(watched, tmp_path_factory.mktemp("watched-service") / "log") as (found, _):
        yield found


@pytest.mark.parametrize("view", ["Over time", "Series", "Drift", "Alerts", "Data health", "Report"])
def test_every_view_opens_by_its_link(open_page: Open, address: str, view: str) -> None:
    """Lines, series, the heat map, alerts, checks, and the report."""
    app = open_page("monitoring", address, workspace="shop", view=view)
    assert not app.exception
    assert not app.error
    assert "MASE: " in texts(app)


def test_errors_and_coverage_are_beside_the_backtest(open_page: Open, address: str) -> None:
    """Forecast set by forecast set."""
    app = open_page("monitoring", address, workspace="shop")
    assert traces(app) == {"backtest", "live"}
    assert {"80 %", "95 %"} <= traces(app, 1)


def test_the_series_that_moved_is_named_first(open_page: Open, address: str) -> None:
    """With what it was and what it is."""
    app = open_page("monitoring", address, workspace="shop", view="Series")
    table = app.dataframe[0].value
    assert table["series"].iloc[0] == SHIFTED
    assert table["status"].iloc[0] == "alert"
    assert table["MASE"].iloc[0] > table["in the backtest"].iloc[0]


def test_an_alert_is_acknowledged_once(open_page: Open, address: str) -> None:
    """From then on it says who has seen it."""
    app = open_page("monitoring", address, workspace="shop", view="Alerts")
    buttons = [button for button in app.button if button.label == "Seen"]
    assert buttons
    app = buttons[0].click().run()
    assert not app.exception
    assert "Seen by" in texts(app)
    assert len([button for button in app.button if button.label == "Seen"]) == len(buttons) - 1


def test_a_series_is_opened_by_its_link(open_page: Open, address: str) -> None:
    """Its forecast sets one by one, and its features."""
    app = open_page("monitoring", address, workspace="shop", view="Series", watched=SHIFTED)
    assert not app.exception
    assert SHIFTED in [head.value for head in app.subheader]
    assert traces(app) == {"backtest", "live"}
    assert set(app.dataframe[1].value["feature"]) == {"y", "price"}


def test_the_forecast_of_a_series_says_how_it_stands(open_page: Open, address: str) -> None:
    """Its status, its error beside the backtest's, and the way to more."""
    app = open_page("forecast", address, workspace="shop", series=SHIFTED)
    assert not app.exception
    assert "monitored: alert" in texts(app)
    assert "live, " in texts(app)


def test_the_portfolio_shows_who_is_in_alert(open_page: Open, address: str) -> None:
    """With the reason, and only them by a link."""
    app = open_page("portfolio", address, workspace="shop", by_monitored="alert")
    table = app.dataframe[0].value
    assert set(table["monitored"]) == {"alert"}
    assert "worse than in the backtest since" in table.set_index("series").loc[SHIFTED, "why"]


def test_a_first_visit_shows_the_series_in_alert_as_links(open_page: Open, address: str) -> None:
    """Without a link to a workspace: the one with open alerts, and its series with their reasons."""
    app = open_page("portfolio", address)
    assert app.selectbox(key="workspace").value == "shop"
    links = {link.proto.label.replace("\\", ""): link.proto for link in app.get("page_link")}
    assert SHIFTED in links
    assert "series=Ash%2Ftea" in links[SHIFTED].query_string
    assert "worse than in the backtest since" in texts(app)
    chosen = open_page("portfolio", address, workspace="meter")
    assert chosen.selectbox(key="workspace").value == "meter"


def test_without_monitoring_nothing_is_said_of_it(open_page: Open) -> None:
    """Neither in the list nor on the forecast."""
    assert "monitored" not in open_page("portfolio", workspace="shop").dataframe[0].value
    assert "monitored:" not in texts(open_page("forecast", workspace="shop", series=SHIFTED))


def test_the_box_asks_about_what_is_on_the_page(open_page: Open, address: str) -> None:
    """Opened, it suggests; what is clicked is answered with facts."""
    app = open_page("monitoring", address, workspace="shop")
    app.session_state["box-monitoring"] = True
    app = app.run()
    app = app.button(key="box-monitoring-first-0").click().run()
    assert not app.exception
    assert app.get("bidi_component")


def test_a_workspace_that_was_not_monitored_is_told_how(open_page: Open) -> None:
    """By the command."""
    app = open_page("monitoring", workspace="shop")
    assert not app.exception
    assert "scripts/monitor.py --workspace shop" in texts(app)


def test_a_date_that_is_monitored_twice_is_one_bar_of_each_series_once(
    open_page: Open, watched: Site, address: str
) -> None:
    """In alert and in warning together there are never more series than the workspace has."""
    found = Snapshot.newest(watched.reader, "shop")
    draft = found.draft(watched.reader, found.summary.key, found.drift["as_of"].max(), 0)
    snapshots.publish(watched.reader, "shop", draft, found.summary.as_of)
    app = open_page("monitoring", address, workspace="shop")
    bars = {trace["name"]: dict(zip(trace["x"], trace["y"], strict=True)) for trace in figure(app, 2)["data"]}
    dates = list(figure(app, 2)["data"][0]["x"])
    assert len(dates) == len(set(dates)) == 4
    overall = found.summary.counts["overall"]
    assert [bars["alert"][dates[-1]], bars["warn"][dates[-1]]] == [overall.alert, overall.warn]
    assert all(bars["alert"][date] + bars["warn"][date] <= len(sites.IDS) for date in dates)


def test_the_drift_that_is_counted_is_that_of_the_tile(open_page: Open, address: str, watched: Site) -> None:
    """Below the heat map, in which every series that has drifted has a row."""
    found = sites.drifted(watched)
    app = open_page("monitoring", address, workspace="shop", view="Drift")
    counts = found.summary.counts["drift"]
    tile = next(metric for metric in app.metric if metric.label == "Drift")
    assert (tile.value, tile.delta) == (f"{counts.alert} in alert", f"{counts.warn} warn")
    told = f"{counts.alert + counts.warn} of {found.summary.n_series} series have drifted"
    assert told in texts(app)
    drifted = found.drift.loc[found.drift["status"].isin(["warn", "alert"]), "unique_id"]
    assert len(set(drifted)) == counts.alert + counts.warn > counts.warn > 0
    assert set(map(theme.drawn, drifted)) <= set(figure(app)["data"][0]["y"])
