"""Hourly series of the M4 competition: the data as a workspace, the OWA, and the results page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.tables.schema import DS, UNIQUE_ID, Y_HAT, Y
from scripts.dev.bench import contest, judge, page
from scripts.dev.bench.rivals import Task

H = 48
SEASON = 24
SEASONS = (24, 168)
LEVELS = (80, 95)
FILE = "m4_hourly"
RIVALS = (
    "seasonal naive",
    "AutoETS",
    "DynamicOptimizedTheta",
    "MSTL",
    "Prophet",
    "AutoARIMA",
    "pmdarima auto_arima",
)
ALONE = ("prophet",)  # on the same windows as our flows
NAIVE2 = {"smape": 0.18383, "mase": 2.395}  # over all 414 series, as published
ENTRIES = {
    "best entry": 0.410,
    "winner": 0.440,
    "runner-up": 0.484,
}  # OWA (Makridakis, Spiliotis & Assimakopoulos 2020)
WORKSPACE = f"""\
title: Hourly series of the M4 competition
source: {{kind: file, path: inbox/m4.parquet, columns: {{keys: [{UNIQUE_ID}]}}}}
frequency: h
season_lengths: {list(SEASONS)}
horizon: {H}
"""
_CUTOFF = pd.Timestamp("2015-01-31 23:00")  # the series have no dates: any date will do

_Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class M4:
    """`train` and `test`: `unique_id, ds, y`; the training parts of all series end at the same hour."""

    train: pd.DataFrame
    test: pd.DataFrame
    task: Task
    name: str = "m4"
    workspace: str = WORKSPACE

    def write(self, path: Path) -> None:
        """Writes the workspace's file: the training part."""
        self.train.to_parquet(path, index=False)

    def judge(self, forecasts: pd.DataFrame, ids: Sequence[str] | None = None) -> dict[str, float]:
        """Errors, and the OWA relative to Naive2 on the same series; for all series, Naive2 as published."""
        train, test = (_only(rows, ids) for rows in (self.train, self.test))
        errors = judge.errors(train, test, forecasts, SEASON, LEVELS)
        reference = judge.errors(train, test, naive2(train, H, SEASON), SEASON, LEVELS)
        return {"owa": judge.owa(errors, reference), **errors}


def load(folder: Path, series: int | None = None, seed: int = 1) -> M4:
    """The competition's data from `folder`; with `series`, a seeded sample of that many series."""
    rows = sample(pd.read_parquet(folder / f"{FILE}.parquet"), series, seed)
    last = rows["t"].where(rows["split"] == "train").groupby(rows[UNIQUE_ID]).transform("max")
    rows = rows.assign(**{DS: _CUTOFF + pd.to_timedelta(rows["t"] - last, unit="h")})
    rows = rows.sort_values([UNIQUE_ID, DS], ignore_index=True)
    train, test = (
        rows.loc[rows["split"] == split, [UNIQUE_ID, DS, Y]].reset_index(drop=True) for split in ("train", "test")
    )
    return M4(train, test, Task(H, "h", SEASONS, LEVELS, seed=seed))


def sample(rows: pd.DataFrame, series: int | None, seed: int) -> pd.DataFrame:
    """Rows of a seeded sample of `series` series; all rows if there are no more series."""
    names = np.sort(rows[UNIQUE_ID].unique())
    if series is None or series >= len(names):
        return rows
    return rows[rows[UNIQUE_ID].isin(np.random.default_rng(seed).choice(names, series, replace=False))]


def naive2(train: pd.DataFrame, h: int, m: int) -> pd.DataFrame:
    """`unique_id, ds, y_hat`: the last value, seasonally adjusted if the series is seasonal (M4's benchmark Naive2)."""
    parts = []
    for name, rows in train.groupby(UNIQUE_ID):
        y = rows[Y].to_numpy(dtype=float)
        season = _season(y, m) if is_seasonal(y, m) else np.ones(m)
        steps = np.arange(len(y), len(y) + h) % m
        ds = pd.date_range(rows[DS].iloc[-1], periods=h + 1, freq="h")[1:]
        parts.append(pd.DataFrame({UNIQUE_ID: name, DS: ds, Y_HAT: y[-1] / season[(len(y) - 1) % m] * season[steps]}))
    return pd.concat(parts, ignore_index=True)


def is_seasonal(y: _Array, m: int) -> bool:
    """Whether the autocorrelation at lag m is significant at 90 %, with Bartlett's error (the test of M4)."""
    if len(y) < 3 * m:
        return False
    centred = y - y.mean()
    variance = centred @ centred
    if variance == 0:
        return False
    r = np.array([centred[lag:] @ centred[:-lag] for lag in range(1, m + 1)]) / variance
    return bool(abs(r[-1]) > 1.645 * np.sqrt((1 + 2 * np.sum(r[:-1] ** 2)) / len(y)))


def _season(y: _Array, m: int) -> _Array:
    """Factors of a classical multiplicative decomposition, by step within the season."""
    from statsmodels.tsa.seasonal import seasonal_decompose

    factors: _Array = seasonal_decompose(y, model="multiplicative", period=m).seasonal[:m]
    return factors


def _only(rows: pd.DataFrame, ids: Sequence[str] | None) -> pd.DataFrame:
    return rows if ids is None else rows[rows[UNIQUE_ID].isin(ids)]


def write_page(path: Path, panel: M4, results: contest.Results) -> None:
    """Writes the results as a page."""
    check = judge.errors(panel.train, panel.test, naive2(panel.train, H, SEASON), SEASON, LEVELS)
    columns = ["owa", "smape", "mase", "msis_95", "coverage_80", "coverage_95"]
    head = ["method", "OWA", "sMAPE", "MASE", "MSIS 95 %", "80 % covers", "95 % covers", "seconds", "peak MiB"]
    flows = results.ran
    paragraphs = [
        f"{results.n_series:,} hourly series of 700 to 960 hours, the next {H} forecast. Ours: `run_etl`, `train` and `inference` "
        f"with the shipped defaults and `season_lengths: {list(SEASONS)}`, everything in one row of seconds. "
        "A rival forecasts once; `prophet` in our flows also goes through the windows of the backtest, as ours do. "
        + page.machine(panel.task.seed),
        page.table(head, contest.rows(results.entries, columns)),
        "OWA is relative to Naive2, recomputed here: "
        f"sMAPE {100 * check['smape']:.3f}, MASE {check['mase']:.3f} (published for all 414: {100 * NAIVE2['smape']:.3f}, {NAIVE2['mase']}). "
        "Published OWA on all 414: " + ", ".join(f"{name} {value:.3f}" for name, value in ENTRIES.items()) + ". "
        "MASE and MSIS are scaled by the in-sample error of the seasonal naive at 24 hours, as in the competition.",
        f"Ours took {', '.join(f'{flow} {seconds:.0f} s' for flow, seconds in flows.seconds.items())}; "
        f"of the training: {flows.stages}.",
    ]
    if results.sampled:
        paragraphs += [
            f"Too slow for all series, on a seeded sample of {results.sampled[0].series}; the last column is the time that all "
            f"{results.n_series:,} would take at this pace, not a measurement. Ours are the forecasts of the table above, on these series.",
            page.table([*head, "all series, s"], contest.rows(results.sampled, columns, results.n_series)),
        ]
    done = [entry for entry in results.entries if entry.cost]
    lines = ENTRIES if results.n_series == 414 else {}
    page.write(
        path,
        "M4 Hourly",
        paragraphs,
        [
            page.Bars("OWA (lower is better)", {entry.name: entry.errors["owa"] for entry in done}, lines),
            page.Bars(
                "95 % covers, %", {entry.name: 100 * entry.errors["coverage_95"] for entry in done}, {"nominal": 95}
            ),
            page.Bars("seconds", {entry.name: entry.cost.seconds for entry in done if entry.cost}, log=True),
        ],
    )
