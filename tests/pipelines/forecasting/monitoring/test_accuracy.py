"""Accuracy now: the metrics of the backtest, judged by the backtest; quiet where nothing changed, for a year."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from pipelines.forecasting.evaluation import metrics
from pipelines.forecasting.monitoring import accuracy, bias, drift, summary
from pipelines.forecasting.monitoring.accuracy import SERVED
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.thresholds import Bias, Drift, Evidence

H = 7
START = pd.Timestamp("2024-01-01")


def rows(errors: np.ndarray, cutoff: pd.Timestamp, size: float = 10.0) -> pd.DataFrame:
    """What a forecast of `size` said of each series, errors (series, steps); half of the naive's variance; intervals of N(0, 1)."""
    n, steps = errors.shape
    ds = cutoff + pd.to_timedelta(np.arange(1, steps + 1), unit="D")
    base = pd.DataFrame(
        {
            "unique_id": np.repeat([f"s{i:03d}" for i in range(n)], steps),
            "ds": np.tile(ds.to_numpy(), n),
            "cutoff": cutoff,
            "step": np.tile(np.arange(1, steps + 1), n),
            "y": (size + errors).ravel(),
        }
    )
    bounds = {"lo_80": size - 1.2816, "hi_80": size + 1.2816}
    served = base.assign(model=SERVED, y_hat=size, **bounds)
    naive = base.assign(model="seasonal_naive", y_hat=size + np.roll(errors, 1, axis=1).ravel())
    return pd.concat([served, naive], ignore_index=True)


@dataclass
class World:
    """A run with its backtest of standard normal errors, and the weeks that follow."""

    n: int
    rng: np.random.Generator
    deviation: np.ndarray
    n_folds: int = 5
    before: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=accuracy.COLUMNS))
    parts: list[pd.DataFrame] = field(default_factory=list)

    def errors(self) -> np.ndarray:
        return self.deviation[:, None] * self.rng.normal(size=(self.n, H))

    def __post_init__(self) -> None:
        cutoffs = [START - pd.Timedelta(days=H * k) for k in range(self.n_folds, 0, -1)]
        self.backtest = pd.concat([rows(self.errors(), cutoff) for cutoff in cutoffs], ignore_index=True)
        ids = self.backtest["unique_id"].unique()
        self.scale = pd.DataFrame({"unique_id": ids, "scale": self.deviation})
        self.fold_scale = pd.concat([self.scale.assign(cutoff=cutoff) for cutoff in cutoffs])
        self.folds = accuracy.folds(self.backtest, self.fold_scale, (80,), H)

    def week(self, number: int, errors: np.ndarray) -> pd.DataFrame:
        """The table of accuracy after that week's forecast came true."""
        cutoff = START + pd.Timedelta(days=H * number)
        said = rows(errors, cutoff)
        actuals = said.loc[said["model"] == SERVED, ["unique_id", "ds", "y"]]
        self.found = accuracy.judge(said.drop(columns="y"), actuals, self.scale, (80,))
        self.parts = [*self.parts[-4:], accuracy.compare(self.found, self.folds, said["ds"].max())]
        together = pd.concat(self.parts, ignore_index=True)
        self.before = accuracy.windows(together, said["ds"].max(), "D", H, self.before, Evidence())
        return self.before


def world(n: int, seed: int) -> World:
    rng = np.random.default_rng(seed)
    return World(n, rng, np.exp(rng.normal(0, 0.5, n)))


def test_a_forecast_set_has_the_metrics_of_the_backtest() -> None:
    """The same numbers as `metrics.evaluate` over the same rows, by series."""
    made = world(5, 1)
    errors = made.errors()
    table = made.week(0, errors)
    said = rows(errors, START)
    scales = made.scale.assign(cutoff=START, scale_rmse=np.nan).rename(columns={"scale": "scale_mae"})
    expected = metrics.evaluate(said, scales, (80,))
    expected = expected[expected["model"] == SERVED].set_index(["unique_id", "metric"])["value"]
    newest = table[table["window"] == 1].set_index(["unique_id", "metric"])
    for metric in ("mae", "wape", "mase", "bias", "coverage_80"):
        for name in ("s000", "s004"):
            assert newest.loc[(name, metric), "value"] == pytest.approx(expected[(name, metric)]), metric
    skill = metrics.skill(metrics.evaluate(said, scales, (80,)))
    skill = skill[(skill["model"] == SERVED) & (skill["metric"] == "mae")].set_index("unique_id")["skill"]
    assert newest.loc[("s002", "skill"), "value"] == pytest.approx(skill["s002"])
    baseline = made.folds[(made.folds["model"] == SERVED) & (made.folds["unique_id"] == "s003")]["mase"].mean()
    assert newest.loc[("s003", "mase"), "baseline"] == pytest.approx(baseline)


def test_a_series_that_got_worse_is_found_and_the_others_are_not() -> None:
    """Errors three times as large in 3 of 60 series: in alert within four weeks, by error and by coverage."""
    made = world(60, 2)
    for number in range(4):
        errors = made.errors()
        errors[:3] *= 3
        table = made.week(number, errors)
    alert = table[(table["status"] == "alert") & table["metric"].isin(["mae", "coverage_80"])]
    assert set(alert["unique_id"]) == {"s000", "s001", "s002"}
    assert set(alert["metric"]) == {"mae", "coverage_80"}


def test_one_forecast_set_is_not_enough() -> None:
    """Below the least number of origins nothing is said."""
    made = world(5, 3)
    assert set(made.week(0, 10 * made.errors())["status"]) == {"insufficient"}


def test_what_has_not_come_yet_is_not_judged() -> None:
    """Whole seasons of steps, or all; a series that lacks over a fifth of its actuals waits."""
    dates = list(pd.date_range("2024-01-01", periods=28))
    assert [accuracy.matured(dates, dates[k], 7) for k in (5, 6, 12, 26, 27)] == [0, 7, 7, 21, 28]
    assert accuracy.matured(dates[:5], dates[4], 7) == 5
    said = rows(np.zeros((2, H)), START)
    actuals = said.loc[said["model"] == SERVED, ["unique_id", "ds", "y"]].iloc[2:]
    scale = pd.DataFrame({"unique_id": ["s000", "s001"], "scale": 1.0})
    assert set(accuracy.judge(said.drop(columns="y"), actuals, scale, (80,))["unique_id"]) == {"s001"}


def test_forecasts_of_the_same_actuals_are_one_piece_of_evidence() -> None:
    """Four spans of a week, a day apart, hold one that is independent; a week apart, four."""
    daily = [(START + pd.Timedelta(days=k), START + pd.Timedelta(days=k + 7)) for k in range(4)]
    weekly = [(START + pd.Timedelta(days=7 * k), START + pd.Timedelta(days=7 * k + 7)) for k in range(4)]
    assert (accuracy.independent(daily), accuracy.independent(weekly)) == (1, 4)


def test_100_stable_series_raise_at_most_one_alert_a_week() -> None:
    """52 weekly monitorings of errors, coverage, biases and drift where nothing changes: no week has two alerts."""
    made = world(100, 4)
    ids = made.scale["unique_id"].to_numpy()
    values = made.backtest.loc[made.backtest["model"] == SERVED, ["unique_id", "ds", "y"]]
    older = [rows(made.errors(), START - pd.Timedelta(days=H * k)) for k in range(40, made.n_folds, -1)]
    history = pd.concat([*(one[one["model"] == SERVED][["unique_id", "ds", "y"]] for one in older), values])
    state, leaning = pd.DataFrame(columns=["unique_id", "up", "down", "score", "n"]), pd.DataFrame(columns=bias.COLUMNS)
    drifted, series = pd.DataFrame(columns=drift.COLUMNS), pd.DataFrame(columns=["unique_id", "status", "since"])
    reference = made.folds[made.folds["model"] == SERVED].rename(columns={"bias": "value"})
    raised = []
    for week in range(52):
        errors = made.errors()
        table = made.week(week, errors)
        came = rows(errors, START + pd.Timedelta(days=H * week))
        history = pd.concat([history, came.loc[came["model"] == SERVED, ["unique_id", "ds", "y"]]])
        batch = made.found[made.found["model"] == SERVED].rename(columns={"bias": "value"})
        scaled = [
            part[["unique_id"]].assign(
                value=part["value"] / part["unique_id"].map(dict(zip(ids, made.deviation, strict=True)))
            )
            for part in (batch, reference)
        ]
        state = bias.follow(state, bias.scores(*scaled), Bias())
        leaning = bias.status(state, leaning, Bias(), Evidence())
        panel = Panel(history.sort_values(["unique_id", "ds"], ignore_index=True), "D", (7,), horizon=H)
        drifted = drift.drift(panel, START, drifted, Drift(), Evidence())
        now = summary.series(table, leaning, drifted, series)
        no_groups = pd.DataFrame(columns=["by", "group", *accuracy.COLUMNS[1:]])
        raised.append(list(summary.news("shop", str(week), now, no_groups, [], (series, no_groups, []))))
        series = now
    assert max(len(week) for week in raised) <= 1
    assert sum(len(week) for week in raised) <= 12
