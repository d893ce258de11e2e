"""M5 competition (Walmart, 30,490 daily series): the data as a workspace, the WRMSSE, and the results page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.tables.schema import DS, UNIQUE_ID, Y
from scripts.dev.bench import contest, judge, page
from scripts.dev.bench.rivals import Task
from scripts.dev.bench.wrmsse import LEVELS as SUMS
from scripts.dev.bench.wrmsse import wrmsse

H = 28
SEASON = 7
LEVELS = (80, 95)
FILES = ("m5_sales_447d", "m5_prices", "m5_calendar", "m5_static")
RIVALS = ("seasonal naive", "SES", "AutoETS")
PUBLISHED = {"winner": 0.520, "ETS bottom-up": 0.671}  # WRMSSE, scaled over the full history
PRICE, EVENT, SNAP = "sell_price", "event", "snap"
STATES = ("CA", "TX", "WI")
STATIC = ["item_id", "dept_id", "cat_id", "store_id", "state_id"]
WORKSPACE = f"""\
title: Unit sales of Walmart, M5 competition
source: {{kind: file, path: inbox/m5.parquet, columns: {{keys: [{UNIQUE_ID}]}}}}
frequency: D
season_lengths: [{SEASON}]
horizon: {H}
target: {{name: units, unit: pieces, non_negative: true, aggregate: sum}}
covariates: {{future: [{PRICE}, {EVENT}, {SNAP}], static: [{", ".join(STATIC)}]}}
metric: rmsse
"""


@dataclass(frozen=True)
class M5:
    """`rows`: all days since a series' launch, with price, event and SNAP; `static`: attributes of each series."""

    rows: pd.DataFrame
    static: pd.DataFrame
    task: Task
    name: str = "m5"
    workspace: str = WORKSPACE

    @property
    def cutoff(self) -> pd.Timestamp:
        """The last known day."""
        return pd.Timestamp(self.rows[DS].max()) - pd.Timedelta(days=H)

    @property
    def train(self) -> pd.DataFrame:
        """`unique_id, ds, y` up to the cutoff."""
        return self.rows.loc[self.rows[DS] <= self.cutoff, [UNIQUE_ID, DS, Y]]

    def write(self, path: Path) -> None:
        """Writes the workspace's file: data known at the cutoff, with the prices and events of the following days."""
        known = self.rows.assign(**{Y: self.rows[Y].where(self.rows[DS] <= self.cutoff)})
        known.merge(self.static, on=UNIQUE_ID, how="left").to_parquet(path, compression="zstd", index=False)

    def judge(self, forecasts: pd.DataFrame, ids: Sequence[str] | None = None) -> dict[str, float]:
        """Errors, and the WRMSSE of each level with their mean `wrmsse`."""
        rows = self.rows if ids is None else self.rows[self.rows[UNIQUE_ID].isin(ids)]
        static = self.static if ids is None else self.static[self.static[UNIQUE_ID].isin(ids)]
        past = rows[DS] <= self.cutoff
        test = rows.loc[~past, [UNIQUE_ID, DS, Y]]
        errors = judge.errors(rows.loc[past, [UNIQUE_ID, DS, Y]], test, forecasts, SEASON, LEVELS)
        levels = wrmsse(rows[past], test.merge(forecasts, on=[UNIQUE_ID, DS]), static, PRICE)
        return {"wrmsse": float(levels.mean()), **errors, **{str(name): float(value) for name, value in levels.items()}}


def load(folder: Path, series: int | None = None, seed: int = 1) -> M5:
    """The competition's data from `folder`; with `series`, a seeded sample of that many series."""
    sales, prices, calendar, static = (pd.read_parquet(folder / f"{name}.parquet") for name in FILES)
    sales[UNIQUE_ID], prices[UNIQUE_ID] = sales[UNIQUE_ID].astype("object"), prices[UNIQUE_ID].astype("object")
    if series is not None and series < len(static):
        chosen = np.random.default_rng(seed).choice(static[UNIQUE_ID].to_numpy(), series, replace=False)
        static, sales = static[static[UNIQUE_ID].isin(chosen)], sales[sales[UNIQUE_ID].isin(chosen)]
    days = calendar.set_index(pd.DatetimeIndex(calendar["ds"]))
    sales[DS] = sales[DS].map({day.date(): day for day in days.index}).astype("datetime64[ns]")
    # A week without a price is before the launch: the inner join drops it.
    rows = sales.assign(wm_yr_wk=sales[DS].map(days["wm_yr_wk"])).merge(prices, on=[UNIQUE_ID, "wm_yr_wk"])
    rows[EVENT] = rows[DS].map(days["event_name_1"].fillna("none"))
    state = rows[UNIQUE_ID].map(static.set_index(UNIQUE_ID)["state_id"])
    rows[SNAP] = np.select([state == name for name in STATES], [rows[DS].map(days[f"snap_{name}"]) for name in STATES])
    rows = rows[[UNIQUE_ID, DS, Y, PRICE, EVENT, SNAP]].sort_values([UNIQUE_ID, DS], ignore_index=True)
    static = static[[UNIQUE_ID, *STATIC]].reset_index(drop=True)
    return M5(rows.astype({Y: "float32"}), static, Task(H, "D", (SEASON,), LEVELS, floor=True, seed=seed))


def write_page(path: Path, panel: M5, results: contest.Results) -> None:
    """Writes the results as a page."""
    columns = ["wrmsse", "rmse_all", "mae", "msis_95", "coverage_80", "coverage_95"]
    head = ["method", "WRMSSE", "RMSE", "MAE", "MSIS 95 %", "80 % covers", "95 % covers", "seconds", "peak MiB"]
    done = [entry for entry in results.entries if entry.errors]
    levels = [[name, *(f"{entry.errors[name]:.3f}" for entry in done)] for name in SUMS]
    paragraphs = [
        f"{results.n_series:,} daily series, the last {H} days forecast from the {panel.train[DS].nunique()} before them with "
        "prices, events and SNAP days. Ours: `run_etl`, `train` and `inference` with the shipped defaults, everything in one "
        "row of seconds. " + page.machine(panel.task.seed),
        page.table(head, contest.rows(results.entries, columns)),
        "WRMSSE over the 12 levels of the competition, its scales from the given days. Published, from the full history: "
        + ", ".join(f"{name} {value:.3f}" for name, value in PUBLISHED.items())
        + ". RMSE and MAE are over all values, in pieces; MSIS is scaled by the seasonal naive at 7 days. Forecasts below zero "
        "count as zero for everyone.",
        f"Ours took {', '.join(f'{flow} {seconds:.0f} s' for flow, seconds in results.ran.seconds.items())}; "
        f"of the training: {results.ran.stages}.",
        page.table(["level", *(entry.name for entry in done)], levels),
    ]
    if any(entry.kept for entry in results.entries):
        paragraphs.append("\\* measured earlier on this machine, with the same series and libraries.")
    lines = PUBLISHED if results.n_series == 30_490 else {}
    page.write(
        path,
        "M5",
        paragraphs,
        [
            page.Bars("WRMSSE (lower is better)", {entry.name: entry.errors["wrmsse"] for entry in done}, lines),
            page.Bars(
                "95 % covers, %", {entry.name: 100 * entry.errors["coverage_95"] for entry in done}, {"nominal": 95}
            ),
            page.Bars("seconds", {entry.name: entry.cost.seconds for entry in done if entry.cost}, log=True),
        ],
    )
