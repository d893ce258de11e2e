"""Pictures: what they show is what they are given."""

import numpy as np
import pandas as pd
import pytest

from frontend.charts import accuracy, parts, paths, totals
from frontend.charts.theme import BLUE, GREY, PURPLE
from frontend.frames import frame, levels


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
    (bars,) = accuracy.leaderboard(rows, "MASE").data
    assert list(bars.y) == ["seasonal naive", "gbm", "ets (50 % of the windows)"]
    assert bars.marker.color[0] != bars.marker.color[1]


def test_a_histogram_has_a_bar_between_every_two_edges() -> None:
    """And the median marked, where there is one."""
    figure = accuracy.distribution({"edges": [0.0, 1.0, 3.0], "counts": [4, 6], "median": 1.5}, "MASE")
    (bars,) = figure.data
    assert (list(bars.x), list(bars.y), list(bars.width)) == ([0.5, 2.0], [4, 6], [1.0, 2.0])
    assert len(figure.layout.shapes) == 1
    empty = accuracy.distribution({"edges": [], "counts": [], "median": None}, "MASE")
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
