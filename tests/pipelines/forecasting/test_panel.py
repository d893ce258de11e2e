import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.forecasting import panel as panels
from pipelines.forecasting.panel import Panel
from tests.support import factories

END = pd.Timestamp("2024-01-31")


def tables(**ends: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Daily series from 1 January; each ends so many days before the 31st, with rows of its price until the 31st."""
    days = pd.date_range("2024-01-01", END)
    observations = pd.concat(
        [
            pd.DataFrame({"unique_id": name, "ds": days, "y": np.arange(31.0), "price": 2.0, "region": "n"})
            for name in ends
        ],
        ignore_index=True,
    )
    last = pd.to_datetime([END - pd.Timedelta(days=days_ago) for days_ago in ends.values()])
    series = pd.DataFrame({"unique_id": list(ends), "first_ds": days[0], "last_ds": last, "n": 31, "region": "n"})
    return observations, series


def test_every_history_ends_on_the_newest_step_of_the_panel() -> None:
    """A late series has empty steps at its end, one that ended long ago is named instead of forecast."""
    observations, series = tables(a=0, b=2, c=3, d=9)
    panel, ended = panels.from_tables(observations, series, "D", (7,), late=3)
    assert (panel.ids, ended) == (["a", "b", "c"], ["d"])
    assert panel.history.groupby("unique_id")["ds"].max().eq(END).all()
    assert panel.history.groupby("unique_id")["y"].count().to_dict() == {"a": 31, "b": 29, "c": 28}


def test_a_late_series_without_rows_gets_them() -> None:
    """The table need not hold the steps after the last value."""
    observations, series = tables(a=0, b=2)
    observations = observations[(observations["unique_id"] == "a") | (observations["ds"] <= "2024-01-29")]
    panel, _ = panels.from_tables(observations, series, "D", (7,), late=3)
    assert panel.history.groupby("unique_id").size().to_dict() == {"a": 31, "b": 31}
    assert panel.history.equals(panel.history.sort_values(["unique_id", "ds"]).reset_index(drop=True))


def test_what_lies_before_the_launch_is_no_history() -> None:
    """Zeros before the first sale are left out."""
    observations, series = tables(a=0)
    panel, _ = panels.from_tables(observations, series.assign(first_ds=pd.Timestamp("2024-01-20")), "D", (7,))
    assert panel.history["ds"].min() == pd.Timestamp("2024-01-20")


def test_covariates_after_the_newest_value_are_known_ahead() -> None:
    """Future covariates only: what is past at the time of the forecast cannot be known, nor can the target."""
    observations, series = tables(a=3)
    panel, _ = panels.from_tables(observations, series, "D", (7,), future=("price",), static=("region",))
    assert panel.history["ds"].max() == pd.Timestamp("2024-01-28")
    assert panel.known is not None
    assert list(panel.known.columns) == ["unique_id", "ds", "price"]
    assert panel.known["ds"].tolist() == list(pd.date_range("2024-01-29", END))
    assert panel.static is not None
    assert panel.static.to_dict("records") == [{"unique_id": "a", "region": "n"}]


def test_the_time_zone_goes_with_the_panel() -> None:
    """And with every selection of it; without one it is UTC."""
    observations, series = tables(a=0, b=0)
    panel, _ = panels.from_tables(observations, series, "D", (7,), timezone="Asia/Tokyo")
    assert panel.select(["a"]).timezone == "Asia/Tokyo"
    assert panels.from_tables(observations, series, "D", (7,))[0].timezone == "UTC"


@pytest.mark.parametrize("frequency", ["h", "D", "W-SUN", "B", "MS", "ME", "QS", "YS", "2W-MON"])
@settings(max_examples=10, deadline=None)
@given(h=st.integers(1, 30), n=st.integers(2, 20))
def test_the_grid_ahead_goes_on_from_the_history(frequency: str, h: int, n: int) -> None:
    """For each series h steps, right after its last one, as pandas would go on."""
    panel = factories.panel(n=n, ids=("a", "b"), frequency=frequency)
    grid = panel.grid(h)
    whole = pd.date_range("2024-01-01", periods=n + h, freq=frequency)
    for name in ("a", "b"):
        assert grid.loc[grid["unique_id"] == name, "ds"].tolist() == list(whole[n:])


def test_each_history_has_its_own_grid_ahead() -> None:
    """Series that end on different days go on from there, in the order of their names."""
    history = factories.panel(n=9, ids=("b", "a")).history
    shorter = history[(history["unique_id"] == "b") | (history["ds"] < "2024-01-06")]
    grid = Panel(shorter, "D").grid(2)
    assert grid["unique_id"].tolist() == ["a", "a", "b", "b"]
    assert grid["ds"].dt.day.tolist() == [6, 7, 10, 11]


def test_a_selection_keeps_all_tables_in_step() -> None:
    """History, known steps and attributes of the chosen series, and nothing else; names that are not there are ignored."""
    observations, series = tables(a=3, b=3, c=3)
    panel, _ = panels.from_tables(observations, series, "D", (7,), future=("price",), static=("region",))
    chosen = panel.select(["c", "a", "nobody"])
    assert chosen.ids == ["a", "c"]
    for frame in (chosen.history, chosen.known, chosen.static):
        assert frame is not None
        assert sorted(frame["unique_id"].unique()) == ["a", "c"]
        assert frame.index.equals(pd.RangeIndex(len(frame)))
    assert panel.ids == ["a", "b", "c"]
    assert chosen.y().loc["c"].equals(panel.y().loc["c"])
