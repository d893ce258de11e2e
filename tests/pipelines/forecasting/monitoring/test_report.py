"""The report by Evidently: a page that needs nothing but itself, small however large the data."""

import re

import numpy as np
import pandas as pd

from pipelines.forecasting.monitoring import report
from tests.pipelines.monitoring import hostile
from tests.support.factories import panel


def forecasts(days: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What was said of each step of the panel: of the time before the newest `days`, and of these."""
    history = panel(120, future=("price", "event")).history
    rows = history[["unique_id", "ds"]].assign(y_hat=history["y"] + 0.5)
    now = rows["ds"] > rows["ds"].max() - pd.Timedelta(days=days)
    return rows[~now], rows[now]


def test_samples_are_steps_with_a_forecast() -> None:
    """No more than asked for, from before and from now, with target, covariates and what was said."""
    reference, current, features = report.samples(panel(120, future=("price", "event")), *forecasts(28), 28, 50)
    assert features == ["y", "price", "event"]
    assert (len(reference), len(current)) == (50, 50)
    assert np.allclose(current["y_hat"] - current["y"], 0.5)
    few = report.samples(panel(120, future=("price",)), forecasts(28)[0], forecasts(28)[1].head(3), 28, 50)[1]
    assert len(few) == 3


def test_the_page_needs_no_network() -> None:
    """Whole HTML with drift and regression, no reference that a browser would load, and under 6 MB."""
    html = report.render(*report.samples(panel(120, future=("price", "event")), *forecasts(28), 28, 200))
    assert "</html>" in html
    assert "Regression" in html
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=[\"']?https?:", html)
    assert len(html) < 6_000_000


def test_without_forecasts_there_is_drift_alone() -> None:
    """Right after the first training."""
    nothing = forecasts(28)[1].head(0)
    assert "</html>" in report.render(*report.samples(panel(120), nothing, nothing, 28, 100))


def test_names_and_texts_reach_the_report_as_letters_that_differ() -> None:
    """No `<`, quote, brace or line break of theirs is in it, none is endless, and no two became one."""
    html = hostile.rendered()
    (data,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', html, re.DOTALL)
    for mark in (hostile.AWAY + '"', "\\u2028", "\\ud800", "${", "{{", "x" * 100):
        assert mark not in data
    plain = report._plain(["<b>", "‹b›", "<b>\n", "y", "", " ", "a" * 99, "a" * 98], taken=("y",))
    assert len(set(plain.values())) == len(plain)
    assert plain["y"] == "y"
