"""Data health: late, missing, more or fewer, new and vanished, and categories that nobody knew."""

import numpy as np
import pandas as pd

from pipelines.forecasting.monitoring import health
from pipelines.forecasting.monitoring.health import Check
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.thresholds import Health
from tests.support.factories import panel as make

WINDOW = 14


def profile(panel: Panel) -> pd.DataFrame:
    """What the table of series says of the last values."""
    known = panel.history[panel.history["y"].notna()]
    return known.groupby("unique_id")["ds"].max().rename("last_ds").reset_index()


def check(panel: Panel, served: tuple[str, ...] = ("a", "b", "c"), ended: tuple[str, ...] = ()) -> dict[str, Check]:
    return {one.name: one for one in health.check(panel, profile(panel), served, ended, WINDOW, Health())}


def without(panel: Panel, rows: "pd.Series[bool]") -> Panel:
    """The panel with missing values there."""
    history = panel.history.assign(y=panel.history["y"].where(~rows))
    return Panel(history, panel.frequency, panel.season_lengths, panel.future, known=panel.known)


def test_sound_data_raise_nothing() -> None:
    """Every check is fine."""
    assert {one.status for one in check(make()).values()} == {"ok"}


def test_series_that_are_late_are_named() -> None:
    """One of three lacks the newest step: more than the limit of a tenth."""
    panel = make()
    newest = panel.history["ds"].max()
    late = check(without(panel, (panel.history["unique_id"] == "b") & (panel.history["ds"] == newest)))["late"]
    assert (late.status, late.count, late.examples) == ("alert", 1, ("b",))


def test_missing_values_and_volume_are_compared_with_the_time_before() -> None:
    """Four of the newest fourteen days are missing, none before; gaps that were always there are no news."""
    panel = make(60)
    days = (panel.history["ds"] - panel.history["ds"].min()).dt.days
    gaps = check(without(panel, (days >= 46) & (days % 3 == 0)))
    assert (gaps["missing"].status, gaps["volume"].status) == ("alert", "ok")  # 29 % fewer: the limit is 30
    assert gaps["volume"].value is not None
    assert np.isclose(gaps["volume"].value, -4 / 14)
    usual = check(without(panel, days % 3 == 0))
    assert (usual["missing"].status, usual["volume"].status) == ("ok", "ok")
    assert check(make(20))["volume"].status == "insufficient"


def test_series_that_came_or_went_are_named() -> None:
    """What the run does not know is a warning, what is gone an alert."""
    found = check(make(), served=("a", "b", "d"), ended=("d",))
    assert (found["new series"].status, found["new series"].examples) == ("warn", ("c",))
    assert (found["vanished"].status, found["vanished"].examples) == ("alert", ("d",))


def test_new_categories_are_named() -> None:
    """A word that stands in the newest steps only."""
    panel = make(60, future=("event",))
    assert check(panel)["categories of event"].status == "ok"
    history = panel.history.copy()
    history.loc[history.index[-1], "event"] = "strike"
    found = check(Panel(history, "D", (7,), ("event",)))["categories of event"]
    assert (found.status, found.examples) == ("warn", ("strike",))


def test_freshness_counts_from_the_end_of_the_newest_period() -> None:
    """A day that ended 36 hours ago is 1.5 days old; an alert beyond what the workspace allows."""
    now = pd.Timestamp("2024-03-03 12:00")
    for limit, status in ((None, "ok"), (2, "ok"), (1, "alert")):
        found = health.freshness(pd.Timestamp("2024-03-01"), now, "D", limit)
        assert (found.value, found.status) == (1.5, status)
