"""What intervals are made of where a run did not store it, from what it did."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from pipelines.core.progress import Silent
from pipelines.forecasting.evaluation import metrics, report
from pipelines.forecasting.evaluation.backtest import backtest
from pipelines.forecasting.evaluation.candidates import builds
from pipelines.forecasting.evaluation.report import Evaluation
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.promotion import calibration
from pipelines.forecasting.settings import Workspace
from pipelines.storage.folders import Folder
from pipelines.storage.layout import Place
from pipelines.storage.store import Store
from tests.support.factories import panel as make_panel
from tests.support.factories import workspace as make_workspace

LEVELS = (50, 80, 95)


@pytest.fixture(scope="module")
def judged() -> tuple[Panel, Workspace, Evaluation]:
    """A real backtest of three models on three series, one of which is constant: its errors have no scale."""
    panel = make_panel(70)
    flat = panel.history[panel.history["unique_id"] == "a"].assign(unique_id="flat", y=4.0)
    panel = Panel(pd.concat([panel.history, flat], ignore_index=True), "D", (7,))
    names = ["naive", "seasonal_naive", "moving_average"]
    workspace = make_workspace(horizon=5, levels=LEVELS, models=names, season_lengths=[7]).complete("D")
    plan = dict.fromkeys(names, panel.ids)
    cutoffs = list(pd.date_range("2024-02-10", periods=3, freq="5D"))
    found = backtest(
        panel,
        builds(plan, workspace),
        cutoffs,
        5,
        workspace.backtest,
        bucket=10,
        n_jobs=1,
        progress=Silent(),
        series=plan,
    )
    profile = pd.DataFrame({"unique_id": panel.ids, "demand_class": "smooth"})
    return panel, workspace, report.evaluate(panel, found.table, workspace, plan, profile)


@pytest.fixture
def run(judged: tuple[Panel, Workspace, Evaluation], tmp_path: Path) -> Folder:
    draft = Store(str(tmp_path)).draft(Place(("run",)))
    for name in ("backtest", "metrics", "champions", "scales"):
        draft.write_parquet(f"{name}.parquet", getattr(judged[2], name))
    return draft.publish()


def test_the_runs_own_levels_come_out_as_stored(run: Folder, judged: tuple[Panel, Workspace, Evaluation]) -> None:
    """All steps and levels, with as many scores."""
    _, workspace, evaluation = judged
    quantiles, scales, phases = calibration.calibrate(run, LEVELS, workspace)
    assert_frame_equal(quantiles, evaluation.quantiles)
    assert_frame_equal(scales, evaluation.scales)
    assert_frame_equal(phases, evaluation.phases)


def test_another_level_is_between_its_neighbours(run: Folder, judged: tuple[Panel, Workspace, Evaluation]) -> None:
    """At every step."""
    wide = calibration.calibrate(run, [50, 65, 80], judged[1])[0].pivot(
        index="step", columns="level", values="quantile"
    )
    assert (wide[50] <= wide[65]).all()
    assert (wide[65] <= wide[80]).all()


def test_a_models_own_errors_count_for_it(run: Folder, judged: tuple[Panel, Workspace, Evaluation]) -> None:
    """Those of the naive on all series: none of the champions'."""
    found, *_ = calibration.calibrate(run, [80], judged[1], "naive")
    assert found["n"].iloc[0] >= 4
    assert not np.allclose(found["quantile"], judged[2].quantiles.query("level == 80")["quantile"])


def test_the_scale_of_a_fold_is_in_its_metrics(run: Folder, judged: tuple[Panel, Workspace, Evaluation]) -> None:
    """mae / mase is the seasonal naive's error up to the cutoff; where that is 0, there is none."""
    panel, _, evaluation = judged
    cutoffs = sorted(evaluation.backtest["cutoff"].unique())
    expected = metrics.scales_at(panel.history, cutoffs, 7).set_index(["unique_id", "cutoff"])["scale_mae"]
    found = calibration.fold_scales(run).set_index(["unique_id", "cutoff"])["scale"]
    assert found.loc["flat"].isna().all()
    rest = found.drop("flat", level="unique_id")
    np.testing.assert_allclose(rest, expected.reindex(rest.index))
