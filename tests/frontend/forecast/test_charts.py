"""The pictures of the page Forecast: what they show is what they are given."""

import numpy as np
import pandas as pd

from frontend.core.frames import levels
from frontend.forecast import charts


def named(figure: object) -> dict[str, object]:
    return {trace.name: trace for trace in figure.data}  # type: ignore[attr-defined]


def test_a_fan_has_the_widest_interval_below_the_others(history: pd.DataFrame, forecast: pd.DataFrame) -> None:
    """And the line of the forecast above all."""
    figure = charts.fan(history, forecast, "pieces")
    assert [trace.name for trace in figure.data] == ["95 % interval", "80 % interval", "actual", "forecast"]
    assert levels(list(forecast.columns)) == [95, 80]
    assert list(named(figure)["forecast"].y) == forecast["y_hat"].tolist()  # type: ignore[attr-defined]
    assert "with 80 % between 2 and 6 pieces" in str(named(figure)["forecast"].customdata[4])  # type: ignore[attr-defined]


def test_an_interval_that_is_not_known_is_not_drawn(history: pd.DataFrame, forecast: pd.DataFrame) -> None:
    """Neither as a band nor in words."""
    figure = charts.fan(history, forecast.assign(lo_95=np.nan, hi_95=np.nan, lo_80=np.nan, hi_80=np.nan), "")
    assert [trace.name for trace in figure.data] == ["actual", "forecast"]
    assert set(named(figure)["forecast"].customdata) == {""}  # type: ignore[attr-defined]


def test_what_stands_beside_a_forecast_is_named(history: pd.DataFrame, forecast: pd.DataFrame) -> None:
    """The previous one, the baseline and another model."""
    figure = charts.fan(history, forecast, "", previous=forecast, baseline=forecast, other=("theta", forecast))
    assert {"previous forecast", "seasonal naive", "theta"} <= set(named(figure))


def test_a_long_history_can_be_narrowed(history: pd.DataFrame, forecast: pd.DataFrame) -> None:
    """By buttons, which a short one does not need."""
    long, short = charts.fan(history, forecast, ""), charts.fan(history.tail(5), forecast, "")
    assert [button.label for button in long.layout.xaxis.rangeselector.buttons] == ["3 m", "1 y", "all"]
    assert not short.layout.xaxis.rangeselector.buttons


def test_a_forecast_is_first_seen_with_three_horizons_of_actuals(history: pd.DataFrame, forecast: pd.DataFrame) -> None:
    """The rest is there for the button that shows all."""
    figure = charts.fan(history, forecast, "")
    assert figure.layout.xaxis.range == (history["ds"].iloc[-21], forecast["ds"].iloc[-1])
    assert len(named(figure)["actual"].x) == len(history)  # type: ignore[attr-defined]


def test_whatever_is_out_of_view_has_a_button(forecast: pd.DataFrame) -> None:
    """Also where the history is short, or its steps are shorter than a day."""
    days = pd.DataFrame({"ds": pd.date_range("2024-05-01", "2024-05-31"), "y": 1.0})
    hours = pd.DataFrame({"ds": pd.date_range("2024-05-01", "2024-05-31 23:00", freq="h"), "y": 1.0})
    ahead = pd.DataFrame({"ds": pd.date_range("2024-06-01", periods=24, freq="h"), "y_hat": 1.0})
    for figure in (charts.fan(days, forecast, ""), charts.fan(hours, ahead, "")):
        assert figure.layout.xaxis.rangeselector.buttons[-1].step == "all"
        assert figure.layout.xaxis.rangeselector.x == 0  # the tools of the picture are on the right
    assert [button.label for button in charts.fan(hours, ahead, "").layout.xaxis.rangeselector.buttons] == [
        "1 w", "1 m", "all"
    ]  # fmt: skip


def test_components_are_lines_and_their_sum() -> None:
    """The sum is the forecast."""
    table = pd.DataFrame({"ds": pd.date_range("2024-06-01", periods=2), "level": [10.0, 10.0], "season 7": [1.0, -1.0]})
    figure = charts.components(table, "pieces")
    assert list(named(figure)["forecast"].y) == [11.0, 9.0]  # type: ignore[attr-defined]


def test_a_waterfall_ends_with_the_whole_change() -> None:
    """Each reason, then all together."""
    (bars,) = charts.waterfall({"new actuals": 3.0, "refit": -1.0}, "pieces").data
    assert list(bars.x) == ["new actuals", "refit", "all together"]
    assert list(bars.measure) == ["relative", "relative", "total"]
