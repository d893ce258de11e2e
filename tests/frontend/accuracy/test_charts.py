"""The pictures of the page Accuracy."""

import pandas as pd

from frontend.accuracy import charts


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
