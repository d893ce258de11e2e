"""The page Accuracy: errors in the backtest."""

import pytest

from tests.frontend.conftest import Open
from tests.support.pages import figure
from tests.support.site import Site


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
