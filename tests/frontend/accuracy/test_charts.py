"""The pictures of the page Accuracy."""

import numpy as np
import pandas as pd
import pytest

from frontend.accuracy import charts


def test_the_baseline_has_a_colour_of_its_own() -> None:
    """In the leaderboard and among the lines."""
    rows = pd.DataFrame({"model": ["gbm", "ets", "seasonal_naive"], "value": [0.8, 0.7, 1.0], "n": [20, 10, 20]})
    (bars,) = charts.leaderboard(rows, "MASE").data
    assert list(bars.y) == ["seasonal naive", "gbm", "ets (50 % of the windows)"]
    assert bars.marker.color[0] != bars.marker.color[1]


def test_coverage_is_drawn_in_percent() -> None:
    """The service has fractions; levels are in percent, and so are the axes. What is not known is a gap."""
    rows = pd.DataFrame({"level": [80, 80], "step": [1, 2], "coverage": [0.801, None]})
    for figure in (charts.calibration(rows), charts.coverage(rows)):
        assert list(figure.data[-1].y) == pytest.approx([80.1, np.nan], nan_ok=True)


def test_an_error_that_is_a_share_is_drawn_in_percent() -> None:
    """Its axis says so; other errors are drawn as they are."""
    rows = pd.DataFrame({"model": ["gbm"], "value": [0.6315], "n": [20]})
    drawn, label = charts.as_drawn(rows, "smape")
    assert (drawn["value"].tolist(), label) == ([pytest.approx(63.15)], "sMAPE, %")
    assert rows["value"].tolist() == [0.6315]
    assert charts.as_drawn(rows, "mase") == (rows, "MASE")
    counted = charts.in_percent({"edges": [0.0, 0.01], "counts": [4], "median": None})
    assert counted == {"edges": [0.0, 1.0], "counts": [4], "median": None}


def test_a_histogram_has_a_bar_between_every_two_edges() -> None:
    """And the median marked, where there is one."""
    figure = charts.distribution({"edges": [0.0, 1.0, 3.0], "counts": [4, 6], "median": 1.5}, "MASE")
    (bars,) = figure.data
    assert (list(bars.x), list(bars.y), list(bars.width)) == ([0.5, 2.0], [4, 6], [1.0, 2.0])
    assert len(figure.layout.shapes) == 1
    empty = charts.distribution({"edges": [], "counts": [], "median": None}, "MASE")
    assert not empty.layout.shapes
