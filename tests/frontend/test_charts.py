"""Pictures: what they show is what they are given."""

import numpy as np
import pandas as pd
import pytest

from frontend.accuracy import charts
from frontend.core import theme
from frontend.core.frames import frame, levels
from frontend.core.theme import BLUE, GREY, PURPLE
from frontend.forecast import charts as paths
from frontend.forecast import parts
from frontend.monitoring import charts as monitoring
from frontend.portfolio import charts as totals


@pytest.fixture
def forecast() -> pd.DataFrame:
    ds = pd.date_range("2024-06-01", periods=7)
    y_hat = np.arange(7.0)
    bounds = {
        f"{side}_{level}": y_hat + sign * level / 40 for level in (80, 95) for side, sign in (("lo", -1), ("hi", 1))
    }
    return pd.DataFrame({"ds": ds, "y_hat": y_hat, **bounds})


@pytest.fixture
def history() -> pd.DataFrame:
    return pd.DataFrame({"ds": pd.date_range("2023-01-01", "2024-05-31"), "y": 1.0})


def named(figure: object) -> dict[str, object]:
    return {trace.name: trace for trace in figure.data}  # type: ignore[attr-defined]


def test_times_are_the_wall_clock_of_the_workspace() -> None:
    """Their offsets say which; a picture of days has none."""
    table = frame([{"ds": "2024-10-27T01:30:00+01:00", "y": 1.0}, {"ds": "2024-10-27T02:00:00+00:00", "y": None}])
    assert table["ds"].tolist() == [pd.Timestamp("2024-10-27 01:30"), pd.Timestamp("2024-10-27 02:00")]
    assert table["y"].isna().tolist() == [False, True]


def test_a_fan_has_the_widest_interval_below_the_others(history: pd.DataFrame, forecast: pd.DataFrame) -> None:
    """And the line of the forecast above all."""
    figure = paths.fan(history, forecast, "pieces")
    assert [trace.name for trace in figure.data] == ["95 % interval", "80 % interval", "actual", "forecast"]
    assert levels(list(forecast.columns)) == [95, 80]
    assert list(named(figure)["forecast"].y) == forecast["y_hat"].tolist()  # type: ignore[attr-defined]
    assert "with 80 % between 2 and 6 pieces" in str(named(figure)["forecast"].customdata[4])  # type: ignore[attr-defined]


def test_an_interval_that_is_not_known_is_not_drawn(history: pd.DataFrame, forecast: pd.DataFrame) -> None:
    """Neither as a band nor in words."""
    figure = paths.fan(history, forecast.assign(lo_95=np.nan, hi_95=np.nan, lo_80=np.nan, hi_80=np.nan), "")
    assert [trace.name for trace in figure.data] == ["actual", "forecast"]
    assert set(named(figure)["forecast"].customdata) == {""}  # type: ignore[attr-defined]


def test_what_stands_beside_a_forecast_is_named(history: pd.DataFrame, forecast: pd.DataFrame) -> None:
    """The previous one, the baseline and another model."""
    figure = paths.fan(history, forecast, "", previous=forecast, baseline=forecast, other=("theta", forecast))
    assert {"previous forecast", "seasonal naive", "theta"} <= set(named(figure))


def test_a_long_history_can_be_narrowed(history: pd.DataFrame, forecast: pd.DataFrame) -> None:
    """By buttons, which a short one does not need."""
    long, short = paths.fan(history, forecast, ""), paths.fan(history.tail(5), forecast, "")
    assert [button.label for button in long.layout.xaxis.rangeselector.buttons] == ["3 m", "1 y", "all"]
    assert not short.layout.xaxis.rangeselector.buttons


def test_a_forecast_is_first_seen_with_three_horizons_of_actuals(history: pd.DataFrame, forecast: pd.DataFrame) -> None:
    """The rest is there for the button that shows all."""
    figure = paths.fan(history, forecast, "")
    assert figure.layout.xaxis.range == (history["ds"].iloc[-21], forecast["ds"].iloc[-1])
    assert len(named(figure)["actual"].x) == len(history)  # type: ignore[attr-defined]


def test_whatever_is_out_of_view_has_a_button(forecast: pd.DataFrame) -> None:
    """Also where the history is short, or its steps are shorter than a day."""
    days = pd.DataFrame({"ds": pd.date_range("2024-05-01", "2024-05-31"), "y": 1.0})
    hours = pd.DataFrame({"ds": pd.date_range("2024-05-01", "2024-05-31 23:00", freq="h"), "y": 1.0})
    ahead = pd.DataFrame({"ds": pd.date_range("2024-06-01", periods=24, freq="h"), "y_hat": 1.0})
    for figure in (paths.fan(days, forecast, ""), paths.fan(hours, ahead, "")):
        assert figure.layout.xaxis.rangeselector.buttons[-1].step == "all"
        assert figure.layout.xaxis.rangeselector.x == 0  # the tools of the picture are on the right
    assert [button.label for button in paths.fan(hours, ahead, "").layout.xaxis.rangeselector.buttons] == [
        "1 w", "1 m", "all"
    ]  # fmt: skip


def test_a_title_is_in_the_figure_and_shows_a_name_as_it_is(history: pd.DataFrame, forecast: pd.DataFrame) -> None:
    """So an exported picture says what it shows; a name is no link, and a long one does not run out of it."""
    figure = theme.titled(paths.fan(history, forecast, "pieces"), "<a href='//x'>x</a> · Forecast", "pieces & more")
    assert "&lt;a href='//x'&gt;x&lt;/a&gt; · Forecast" in figure.layout.title.text
    assert "pieces &amp; more" in figure.layout.title.text
    long = theme.titled(paths.fan(history, forecast, ""), "x" * 280, "y " * 200)
    lines = long.layout.title.text.split("<br>")
    assert len(lines) == 4
    assert long.layout.height > figure.layout.height
    assert long.layout.margin.t > figure.layout.margin.t


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK])
def test_buttons_and_texts_have_the_colours_of_the_page(
    history: pd.DataFrame, forecast: pd.DataFrame, colours: theme.Scheme
) -> None:
    """The one that is pressed too."""
    figure = theme.dressed(paths.fan(history, forecast, ""), colours)
    selector = figure.layout.xaxis.rangeselector
    assert (selector.font.color, selector.activecolor, selector.bgcolor) == (
        colours.text, colours.pressed, colours.button
    )  # fmt: skip
    assert figure.layout.font.color == figure.layout.xaxis.tickfont.color == colours.text
    assert figure.layout.paper_bgcolor == colours.paper


def test_the_heat_map_steps_at_the_threshold() -> None:
    """Just below and just above it are two colours, far below is none of its own; each cell has its number."""
    times = {
        "a": (0.1, "ok"),
        "b": (0.99, "ok"),
        "c": (1.01, "warn"),
        "d": (3.0, "alert"),
        "e": (np.nan, "insufficient"),
    }
    rows = pd.DataFrame(
        {"unique_id": name, "feature": "units", "psi": 0.2 * value, "threshold": 0.2, "status": status}
        for name, (value, status) in times.items()
    )
    rows = pd.concat([rows, rows.assign(feature="price", psi=0.02, status="ok")])
    figure = monitoring.drift(rows, theme.LIGHT)
    cells = figure.data[0]
    colour = {figure.layout.yaxis.ticktext[place]: _colour(cells, cells.z[place][1]) for place in range(len(cells.z))}
    fills = theme.LIGHT.fills
    assert colour == {
        "a": fills["ok"], "b": fills["ok"], "c": fills["warn"], "d": fills["alert"], "e": fills["insufficient"]
    }  # fmt: skip
    assert list(figure.layout.xaxis.ticktext) == ["price", "units"]
    texts = {name: cells.text[place][1] for place, name in enumerate(figure.layout.yaxis.ticktext)}
    assert texts == {"a": "0.10", "b": "0.99", "c": "1.01", "d": "3.00", "e": "–"}
    assert {trace.name for trace in figure.data[1:]} == {
        "below its threshold",
        "warn: above it, or not cleared yet",
        "alert: above it and significant",
        "too few values",
    }


def _colour(cells: object, value: float) -> str:
    """What a scale without slopes makes of a value."""
    low, high = cells.zmin, cells.zmax  # type: ignore[attr-defined]
    share = (value - low) / (high - low)
    (found,) = {
        fill
        for (start, fill), (end, other) in zip(cells.colorscale, cells.colorscale[1:], strict=False)  # type: ignore[attr-defined]
        if start < share < end and fill == other
    }
    return str(found)


def test_components_are_lines_and_their_sum() -> None:
    """The sum is the forecast."""
    table = pd.DataFrame({"ds": pd.date_range("2024-06-01", periods=2), "level": [10.0, 10.0], "season 7": [1.0, -1.0]})
    figure = parts.components(table, "pieces")
    assert list(named(figure)["forecast"].y) == [11.0, 9.0]  # type: ignore[attr-defined]


def test_a_waterfall_ends_with_the_whole_change() -> None:
    """Each reason, then all together."""
    (bars,) = parts.waterfall({"new actuals": 3.0, "refit": -1.0}, "pieces").data
    assert list(bars.x) == ["new actuals", "refit", "all together"]
    assert list(bars.measure) == ["relative", "relative", "total"]


def test_the_baseline_has_a_colour_of_its_own() -> None:
    """In the leaderboard and among the lines."""
    rows = pd.DataFrame({"model": ["gbm", "ets", "seasonal_naive"], "value": [0.8, 0.7, 1.0], "n": [20, 10, 20]})
    (bars,) = charts.leaderboard(rows, "MASE").data
    assert list(bars.y) == ["seasonal naive", "gbm", "ets (50 % of the windows)"]
    assert bars.marker.color[0] != bars.marker.color[1]


def test_a_histogram_has_a_bar_between_every_two_edges() -> None:
    """And the median marked, where there is one."""
    figure = charts.distribution({"edges": [0.0, 1.0, 3.0], "counts": [4, 6], "median": 1.5}, "MASE")
    (bars,) = figure.data
    assert (list(bars.x), list(bars.y), list(bars.width)) == ([0.5, 2.0], [4, 6], [1.0, 2.0])
    assert len(figure.layout.shapes) == 1
    empty = charts.distribution({"edges": [], "counts": [], "median": None}, "MASE")
    assert not empty.layout.shapes


def test_the_totals_are_a_row_a_value_and_a_line_only_where_there_are_any() -> None:
    """Without an earlier forecast there is no line of it, nor a word in the legend; each value says what it is."""
    points = frame(
        [
            {"ds": "2024-01-01", "y": 5.0, "y_hat": None, "last_year": None, "previous": None},
            {"ds": "2024-01-02", "y": None, "y_hat": 6.0, "last_year": 4.0, "previous": None},
        ]
    )
    rows = totals.rows(points)
    assert rows[["line", "value", "told"]].to_numpy().tolist() == [
        ["last year", 4.0, "Tue 2 Jan 2024, a year before"],
        ["actual", 5.0, "Mon 1 Jan 2024, came"],
        ["forecast", 6.0, "Tue 2 Jan 2024, expected"],
    ]
    colour = totals.spec(rows, "pieces")["encoding"]["color"]["scale"]
    assert list(zip(colour["domain"], colour["range"], strict=True)) == [
        ("last year", PURPLE), ("actual", GREY), ("forecast", BLUE)
    ]  # fmt: skip
