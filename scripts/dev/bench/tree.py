"""An M5-sized workspace, published without training: real models on synthetic sales, and tables of realistic size.

Everything goes through the store and the registry, so the service reads it like any other workspace. Only the figures
of the backtest, the forecasts and monitoring are random.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.core.config import Project
from pipelines.core.names import new_version
from pipelines.forecasting import payload, records, settings
from pipelines.forecasting.evaluation.candidates import build
from pipelines.forecasting.evaluation.fit import Fitted
from pipelines.forecasting.figures import Figures
from pipelines.forecasting.monitoring import drift, snapshots, summary
from pipelines.forecasting.monitoring.evidence import STATUS, STATUSES, worst
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.prepare import panel_of
from pipelines.forecasting.settings import Workspace
from pipelines.runs import aliases
from pipelines.storage.pointers import CurrentData
from pipelines.storage.records import Data, Etl, ForecastSet
from pipelines.storage.store import Stores
from pipelines.storage.store import stores as store_of
from pipelines.tables.schema import (
    BASELINE,
    CUTOFF,
    DS,
    FRACTION,
    MEMBER,
    MODEL,
    STEP,
    UNIQUE_ID,
    VALUE,
    WEIGHT,
    Y_HAT,
    Y,
    hi,
    lo,
)

NAME = "sales"
SERIES = 30_490
DAYS, H, WINDOWS, LEVELS = 447, 28, 3, (80, 95)
CONFIG = f"""\
title: Made-up sales, as many as in M5
source: {{kind: file, path: inbox/none.csv, columns: {{keys: [{UNIQUE_ID}]}}}}
frequency: D
season_lengths: [7]
horizon: {H}
target: {{name: units, unit: pieces, non_negative: true}}
covariates: {{future: [sell_price], static: [item_id, dept_id, cat_id, store_id, state_id]}}
missing: {{future: previous}}
models: default
metric: rmsse
"""
_LOCAL = (BASELINE, "moving_average")
_WHOLE = "gbm"
_BUCKET = 50
_METRICS = ("mae", "rmse", "mape", "smape", "wape", "mase", "rmsse", "bias", "coverage_80", "coverage_95")


@contextmanager
def made(n: int, seed: int) -> Iterator[tuple[Stores, dict[str, str]]]:
    """The workspace in a temporary folder, and the environment for a service on it, with an unreachable rate limit."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(data_dir=f"{folder}/data", artifacts_dir=f"{folder}/artifacts")
        store = store_of(project)
        make(Path(folder), store, n, seed)
        yield (
            store,
            {
                "FORECAST_CONFIG_DIR": f"{folder}/configs",
                "FORECAST_DATA_DIR": project.data_dir,
                "FORECAST_ARTIFACTS_DIR": project.artifacts_dir,
                "API_RATE_LIMIT": "1000000000",
            },
        )


def make(folder: Path, store: Stores, n: int, seed: int) -> None:
    """Writes the workspace's file, its data, a run in production, its forecasts and a monitoring."""
    (folder / "configs/workspaces").mkdir(parents=True, exist_ok=True)
    (folder / f"configs/workspaces/{NAME}.yaml").write_text(CONFIG, encoding="utf-8")
    rng = np.random.default_rng(seed)
    workspace = settings.load_workspace(NAME, {"FORECAST_CONFIG_DIR": str(folder / "configs")}).complete("D")
    series, observations = _data(n, rng)
    draft = store.data.draft(store.places(NAME).dataset(new_version()))
    draft.write_parquet("observations.parquet", observations)
    draft.write_parquet("series.parquet", series)
    draft.write_record(Etl(frequency="D", horizon=H, season_lengths=[7], synthetic=True))
    version = draft.publish().name
    store.data.move_pointer(
        store.places(NAME).current_dataset, CurrentData, lambda now: now.changed(data_version=version)
    )
    run_id = _run(store, workspace, version, series, rng)
    aliases.promote(store, NAME, run_id, "for the benchmark")
    _forecasts(store, run_id, version, series, rng)
    _monitoring(store, run_id, version, series, rng)


def _data(n: int, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The series with their attributes, and `unique_id, ds, y, sell_price` over the history plus one horizon."""
    number = np.arange(n)
    item, store = number // 10, number % 10
    static = pd.DataFrame(
        {
            UNIQUE_ID: [
                f"FOODS_{i // 1000}_{i:04d}_{('CA', 'TX', 'WI')[s % 3]}_{s}" for i, s in zip(item, store, strict=True)
            ],
            "item_id": [f"item {i:04d}" for i in item],
            "dept_id": [f"dept {i % 7}" for i in item],
            "cat_id": [f"cat {i % 3}" for i in item],
            "store_id": [f"store {s}" for s in store],
            "state_id": [("CA", "TX", "WI")[s % 3] for s in store],
        }
    ).sort_values(UNIQUE_ID, ignore_index=True)
    days = pd.date_range("2015-01-01", periods=DAYS + H)
    sold = rng.poisson(rng.gamma(0.8, 2.0, n)[:, None] * (1 + 0.3 * np.sin(np.arange(DAYS) * 2 * np.pi / 7)), (n, DAYS))
    y = np.hstack([sold.astype(float), np.full((n, H), np.nan)])
    observations = pd.DataFrame(
        {
            UNIQUE_ID: static[UNIQUE_ID].repeat(len(days)).to_numpy(),
            DS: np.tile(days.to_numpy(), n),
            Y: y.ravel(),
            "sell_price": np.repeat(rng.uniform(1, 9, n).round(2), len(days)),
        }
    )
    profile = {
        "first_ds": days[0],
        "last_ds": days[DAYS - 1],
        "leading_zeros": 0,
        "n": DAYS,
        "n_missing": 0,
        "share_zero": (sold == 0).mean(axis=1),
        "constant": False,
        "demand_class": rng.choice(["smooth", "erratic", "intermittent", "lumpy"], n),
        "n_outliers": 0,
        "last_y": sold[:, -1].astype(float),
        "seasonal_strength": rng.random(n),
        "trend_strength": rng.random(n),
    }
    return static.assign(**profile), observations


def _run(stores: Stores, workspace: Workspace, version: str, series: pd.DataFrame, rng: np.random.Generator) -> str:
    dataset = stores.dataset_version(NAME, version)
    sha256 = dataset.folder.manifest.files["observations.parquet"].sha256
    record = payload.begin(stores, workspace, Data(version=version, sha256=sha256), None)
    panel, _ = panel_of(dataset, workspace)
    ids, n = series[UNIQUE_ID].to_numpy(), len(series)
    members = (*_LOCAL, _WHOLE)
    payload.save_models(record, _fitted(panel, workspace))
    weights = pd.DataFrame(
        {UNIQUE_ID: ids.repeat(len(members)), MEMBER: np.tile(sorted(members), n), WEIGHT: 1 / len(members)}
    )
    champions = pd.DataFrame(
        {UNIQUE_ID: ids, MODEL: "ensemble", "metric": workspace.metric, VALUE: rng.gamma(9, 0.1, n)}
    )
    champions["runner_up"], champions["skill_vs_seasonal_naive"] = _WHOLE, rng.normal(0.2, 0.1, n)
    cutoffs = pd.date_range(end="2016-02-24", periods=WINDOWS, freq=f"{H}D")
    models = sorted((*members, "ensemble"))
    record.draft.write_parquet("backtest.parquet", _backtest(ids, cutoffs, models, rng))
    record.draft.write_parquet("metrics.parquet", _metrics(ids, cutoffs, models, rng))
    record.draft.write_parquet("champions.parquet", champions)
    record.draft.write_parquet(payload.WEIGHTS, weights)
    record.draft.write_parquet("scales.parquet", pd.DataFrame({UNIQUE_ID: ids, "scale": rng.gamma(2, 1, n)}))
    steps = np.arange(1, H + 1).repeat(len(LEVELS))
    quantiles = pd.DataFrame({STEP: steps, "level": np.tile(LEVELS, H), "quantile": np.tile([1.3, 2.1], H), "n": 3 * n})
    record.draft.write_parquet("quantiles.parquet", quantiles.assign(reason=""))
    record.draft.write_text("card.md", "# A run for the benchmark\n")
    coverage: dict[str, float | None] = {"80": 0.8, "95": 0.95}
    record.succeed(
        Figures(metric=workspace.metric, champion=0.9, baseline=1.1, skill=0.18, n_series=n, coverage=coverage)
    )
    return record.run_id


def _fitted(panel: Panel, workspace: Workspace) -> Iterator[Fitted]:
    """Each member, fitted to the data that it serves: the whole panel, or a bucket of series."""
    ids = panel.ids
    yield Fitted(_WHOLE, tuple(ids), build(_WHOLE, workspace)().fit(panel))
    rows = len(panel.history) // len(ids)  # every series has the same number
    for name in _LOCAL:
        for start in range(0, len(ids), _BUCKET):
            served = tuple(ids[start : start + _BUCKET])
            part = panel.history.iloc[start * rows : (start + len(served)) * rows].reset_index(drop=True)
            yield Fitted(
                name, served, build(name, workspace)().fit(replace(panel, history=part, known=None, static=None))
            )


def _backtest(ids: np.ndarray, cutoffs: pd.DatetimeIndex, models: list[str], rng: np.random.Generator) -> pd.DataFrame:
    shape = (len(ids), len(cutoffs), len(models), H)
    series, window, model, step = (axis.ravel() for axis in np.indices(shape, dtype=np.int32))
    y = rng.poisson(2, shape).astype(float).ravel()
    table = pd.DataFrame(
        {
            UNIQUE_ID: pd.Categorical.from_codes(series, pd.Index(ids)),
            CUTOFF: cutoffs.to_numpy()[window],
            DS: (cutoffs.to_numpy()[window] + (step + 1) * np.timedelta64(1, "D")),
            MODEL: pd.Categorical.from_codes(model, pd.Index(models)),
            STEP: step.astype(np.int64) + 1,
            Y: y,
            Y_HAT: y + rng.normal(0, 1, y.size),
        }
    )
    return _with_bounds(table)


def _metrics(ids: np.ndarray, cutoffs: pd.DatetimeIndex, models: list[str], rng: np.random.Generator) -> pd.DataFrame:
    shape = (len(ids), len(cutoffs), len(models), len(_METRICS))
    series, window, model, metric = (axis.ravel() for axis in np.indices(shape, dtype=np.int32))
    values, covers = rng.gamma(9, 0.1, series.size), np.char.startswith(_METRICS, "coverage_")[metric]
    return pd.DataFrame(
        {
            UNIQUE_ID: pd.Categorical.from_codes(series, pd.Index(ids)),
            CUTOFF: cutoffs.to_numpy()[window],
            MODEL: pd.Categorical.from_codes(model, pd.Index(models)),
            "metric": pd.Categorical.from_codes(metric, pd.Index(_METRICS)),
            VALUE: np.where(covers, values.clip(max=1.0), values),
        }
    )


def _forecasts(stores: Stores, run_id: str, version: str, series: pd.DataFrame, rng: np.random.Generator) -> None:
    ids, n = series[UNIQUE_ID].to_numpy(), len(series)
    days = pd.date_range(series["last_ds"].max(), periods=H + 1)[1:].to_numpy()
    rows = pd.DataFrame({UNIQUE_ID: ids.repeat(H), DS: np.tile(days, n), MODEL: "ensemble"})
    rows[Y_HAT] = rng.gamma(2, 1, n * H)
    parts = ["level", "rest", "season 7", "trend"]
    told = pd.DataFrame({UNIQUE_ID: ids.repeat(H * len(parts)), DS: np.tile(days.repeat(len(parts)), n)})
    told = told.assign(component=np.tile(parts, n * H), value=(rows[Y_HAT].to_numpy() / len(parts)).repeat(len(parts)))
    draft = stores.artifacts.draft(stores.places(NAME).forecast_set(new_version()))
    draft.write_parquet("forecasts.parquet", _with_bounds(rows))
    draft.write_parquet("explanations.parquet", told)
    draft.write_json("explanations.json", {"methods": {"exact": 0, "descriptive": n}, "exact": []})
    as_of = f"{series['last_ds'].max():%Y-%m-%dT%H:%M:%SZ}"
    info = ForecastSet(
        forecast_id=draft.name,
        run_id=run_id,
        data_version=version,
        as_of=as_of,
        horizon=H,
        n_series=n,
        new_series=[],
        ended_series=[],
        synthetic=True,
    )
    draft.write_record(info)
    aliases.publish(stores, NAME, draft.publish(), run_id, as_of)


def _monitoring(stores: Stores, run_id: str, version: str, series: pd.DataFrame, rng: np.random.Generator) -> None:
    """Result of one monitoring in which one in twenty series has a finding."""
    ids, n, end = series[UNIQUE_ID].to_numpy(), len(series), series["last_ds"].max()
    grades = {
        f"{kind}_status": rng.choice(STATUSES, n, p=[0.02, 0.97, 0.0075, 0.0025]).astype(object)
        for kind in summary.KINDS
    }
    table = pd.DataFrame({UNIQUE_ID: ids, **grades})
    table[STATUS] = worst(table)
    for name in ("mae", "mase", "wape", "skill", "bias", "coverage_80", "coverage_95"):
        most = 1.0 if name.startswith("coverage_") else np.inf
        table[name], table[f"{name}_baseline"] = (rng.gamma(9, 0.1, n).clip(max=most) for _ in range(2))
    psi = rng.gamma(2, 0.05, n)
    table = table.assign(n_origins=4, lean=rng.normal(0, 2, n), feature=Y, psi=psi, threshold=0.15)
    table = table.assign(**{name.replace(STATUS, "since"): end for name in (STATUS, *grades)})
    features = pd.concat(
        pd.DataFrame({UNIQUE_ID: ids, "feature": name, STATUS: grades["drift_status"], "psi": psi})
        for name in (Y, "sell_price")
    )
    features = features.assign(
        threshold=0.15, as_of=end, n_reference=300, n_current=56, p_value=rng.random(2 * n), calm=0
    )
    as_of = f"{end:%Y-%m-%dT%H:%M:%SZ}"
    told = records.Monitoring(
        units=FRACTION,
        workspace=NAME,
        run_id=run_id,
        data_version=version,
        as_of=as_of,
        status="warn",
        n_series=n,
        counts=summary.counts(table),
        drift=summary.features(features),
    )
    features = features.sort_values([UNIQUE_ID, "feature"])[drift.COLUMNS]
    snapshot = snapshots.Snapshot(series=table, drift=features, summary=told)
    snapshots.publish(stores, NAME, snapshot.draft(stores, records.Key(), end, 0), as_of)


def _with_bounds(rows: pd.DataFrame) -> pd.DataFrame:
    bounds: dict[str, pd.Series] = {}
    for level, width in zip(LEVELS, (1.3, 2.1), strict=True):
        bounds |= {lo(level): (rows[Y_HAT] - width).clip(lower=0), hi(level): rows[Y_HAT] + width}
    return rows.assign(**bounds)
