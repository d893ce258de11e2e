"""The rolling-origin backtest and the final fit, on models made for the purpose."""

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pipelines.core import plugins
from pipelines.core.errors import ModelError
from pipelines.core.progress import Silent
from pipelines.forecasting.evaluation import fit, parallel, windows
from pipelines.forecasting.evaluation.backtest import Backtested, Budget, at_zero, backtest
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.settings import Backtest
from tests.support.factories import panel

H = 5


@dataclass
class Mean:
    """Forecasts the mean of what its scope lets it see; notes the newest row that it was given."""

    scope: Literal["series", "panel"] = "series"
    uses_future: bool = False

    def fit(self, panel: Panel) -> Self:
        self.level_ = panel.history["y"].mean()
        self.levels_ = panel.history.groupby("unique_id")["y"].mean()
        self.newest_ = panel.history["ds"].max()
        self.fallbacks_ = {"a"}
        return self

    def predict(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        grid = panel.grid(h)
        return grid.assign(y_hat=self.level_ if self.scope == "panel" else grid["unique_id"].map(self.levels_))


class Broken(Mean):
    def fit(self, panel: Panel) -> Self:
        raise ZeroDivisionError("no")


def run(whole: Panel, n_jobs: int = 1, bucket: int = 2, **builds: Any) -> Backtested:
    settings = Backtest(windows=3, step=4)
    cutoffs = windows.usable(whole, H, 3, 4, 0)
    return backtest(whole, builds, cutoffs, H, settings, bucket=bucket, n_jobs=n_jobs, progress=Silent())


def test_every_candidate_meets_the_same_windows_and_actuals() -> None:
    """Each model has one row a series, window and step, with the actual of that day."""
    whole = panel()
    table = run(whole, one=Mean, two=partial(Mean, "panel")).table
    one, two = (table[table["model"] == name].reset_index(drop=True) for name in ("one", "two"))
    assert len(one) == 3 * 3 * H
    assert_frame_equal(one.drop(columns=["model", "y_hat"]), two.drop(columns=["model", "y_hat"]))
    assert one["step"].tolist() == list(range(1, H + 1)) * 9
    actual = whole.history.rename(columns={"y": "actual"})
    merged = one.merge(actual, on=["unique_id", "ds"])
    assert (merged["y"] == merged["actual"]).all()


def test_no_candidate_sees_beyond_its_cutoff() -> None:
    """The mean of a window is that of the history up to its cutoff, by hand."""
    whole = panel()
    table = run(whole, one=Mean).table
    for (series, cutoff), rows in table.groupby(["unique_id", "cutoff"]):
        past = whole.history[(whole.history["unique_id"] == series) & (whole.history["ds"] <= cutoff)]
        assert np.allclose(rows["y_hat"], past["y"].mean())


def test_a_model_of_the_panel_sees_all_series_whatever_the_bucket() -> None:
    """With buckets of one series, a panel model still learns from the three."""
    whole = panel()
    small = run(whole, bucket=1, all=partial(Mean, "panel")).table
    large = run(whole, bucket=50, all=partial(Mean, "panel")).table
    assert_frame_equal(small, large)
    assert small.groupby("cutoff")["y_hat"].nunique().eq(1).all()


def test_two_processes_give_the_same_table_as_one() -> None:
    """How the work is spread changes no number and no order."""
    build = plugins.load("pipelines.forecasting.models", "moving_average").build
    serial = run(panel(), n_jobs=1, bucket=1, average=build).table
    spread = run(panel(), n_jobs=2, bucket=2, average=build).table
    assert_frame_equal(serial, spread)


def test_fallbacks_are_counted() -> None:
    """Each bucket and window in which a model fell back counts."""
    assert run(panel(), bucket=3, one=Mean).fallbacks == {"one": 3}


def test_a_candidate_is_tried_on_the_series_that_are_named_for_it() -> None:
    """One on all, the other on b alone."""
    whole, settings = panel(), Backtest(windows=1)
    tried = {"one": whole.ids, "two": ["b"]}
    cutoffs = windows.usable(whole, H, 1, H, 0)
    builds = {"one": Mean, "two": Mean}
    found = backtest(whole, builds, cutoffs, H, settings, bucket=2, n_jobs=1, progress=Silent(), series=tried)
    assert found.table.groupby("model")["unique_id"].unique().map(list).to_dict() == tried


class Slow(Mean):
    def fit(self, panel: Panel) -> Self:
        time.sleep(0.05)
        return super().fit(panel)


def test_what_the_budget_cannot_pay_is_left_out() -> None:
    """Three windows and the fit of a model that takes a twentieth of a second exceed a tenth; the baseline stays."""
    whole, settings = panel(), Backtest(windows=3, step=4)
    cutoffs = windows.usable(whole, H, 3, 4, 0)
    builds = {"seasonal_naive": Slow, "slow": Slow}
    options: dict[str, Any] = {"bucket": 9, "n_jobs": 1, "progress": Silent()}
    short = backtest(whole, builds, cutoffs, H, settings, budget=Budget(0.1), **options)
    assert set(short.table["model"]) == {"seasonal_naive"}
    assert short.left_out["slow"] >= 0.2
    long = backtest(whole, builds, cutoffs, H, settings, budget=Budget(600), **options)
    assert (set(long.table["model"]), long.left_out) == ({"seasonal_naive", "slow"}, {})


def test_a_candidate_that_fails_is_named_with_the_remedy() -> None:
    """The error says which model, on which window, why, and what to do."""
    with pytest.raises(ModelError, match=r"model broken failed on the window of .*ZeroDivisionError.*Take it out"):
        run(panel(), broken=Broken)


def test_forecasts_stop_at_zero_only_where_they_must() -> None:
    """A negative forecast is cut for a count and kept for a temperature."""
    rows = pd.DataFrame({"y_hat": [-1.0, 2.0]})
    assert at_zero(rows, True)["y_hat"].tolist() == [0, 2]
    assert at_zero(rows, False)["y_hat"].tolist() == [-1, 2]


def test_each_champion_is_fitted_on_the_series_it_won_and_a_panel_model_on_all() -> None:
    """Serving is by champion; learning is by scope."""
    whole = panel()
    weights = pd.DataFrame({"unique_id": ["a", "b", "c"], "member": ["own", "all", "own"], "weight": 1.0})
    builds = {"own": Mean, "all": partial(Mean, "panel")}
    fitted = list(fit.fit(whole, weights, builds, bucket=1, n_jobs=1, progress=Silent()))
    assert sorted((one.model, one.ids) for one in fitted) == [("all", ("b",)), ("own", ("a",)), ("own", ("c",))]
    rows = fit.predict(fitted, whole, H, len(fitted), Silent())
    assert_frame_equal(rows[["unique_id", "ds"]], whole.grid(H))
    assert rows.loc[rows["unique_id"] == "b", "y_hat"].iloc[0] == pytest.approx(whole.history["y"].mean())
    assert rows.groupby("unique_id")["model"].first().to_dict() == {"a": "own", "b": "all", "c": "own"}


def test_buckets_hold_every_series_once() -> None:
    """Seven in threes are three, three and one."""
    names = list("abcdefg")
    parts = parallel.buckets(names, 3)
    assert [len(part) for part in parts] == [3, 3, 1]
    assert [name for part in parts for name in part] == names
