"""Live accuracy: forecast sets against actuals, compared with the backtest of their run.

A forecast set is evaluated like a further fold of that backtest, with the same metrics over the same steps ahead.
Before its horizon is over, only the complete seasons so far are evaluated, also in the folds it is compared with.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from pipelines.forecasting import frequency
from pipelines.forecasting.evaluation import metrics
from pipelines.forecasting.evaluation.intervals import SCALE
from pipelines.forecasting.evaluation.metrics import SCALE_MAE, SCALE_RMSE, Array, Positions, ratio
from pipelines.forecasting.monitoring import evidence
from pipelines.forecasting.monitoring.evidence import CALM, STATUS
from pipelines.forecasting.thresholds import Evidence
from pipelines.tables.schema import BASELINE, CUTOFF, KEY, METRIC, MODEL, STEP, UNIQUE_ID, VALUE, Y

SERVED = "production"
NAIVE = "naive"  # the MAE of the seasonal naive from the same origin
SKILL = "skill"
UNTIL = "until"  # the last actual used to evaluate an origin
BIAS = "bias"
ERRORS = ("mae", "wape", "mase")
ORIGINS = [UNIQUE_ID, CUTOFF, UNTIL, METRIC, VALUE, "baseline", "deviation", "variance", "freedom", "folds"]
COLUMNS = [UNIQUE_ID, "as_of", "window", METRIC, VALUE, "baseline", STATUS, "n", "p_value", CALM]

_PRESENT = 0.8  # share of the steps of a batch that must have an actual
_SOFT = 0.1  # share of the usual value added before the logarithm: near 0, ratios are meaningless
_TINY = 1e-12
_FLOOR = 0.05**2  # minimum variance: no series is known more precisely than 5 %


def matured(dates: Sequence[pd.Timestamp], end: pd.Timestamp, season: int) -> int:
    """The number of steps of a forecast set that can be evaluated: all, or the complete seasons up to `end`."""
    passed = sum(ds <= end for ds in dates)
    return passed if passed == len(dates) else passed // season * season


def judge(said: pd.DataFrame, actuals: pd.DataFrame, scale: pd.DataFrame, levels: Sequence[int]) -> pd.DataFrame:
    """The metrics of one forecast set: `unique_id, cutoff, model` and one column per metric.

    Series that lack over a fifth of their actuals are not evaluated yet.

    `said`: `unique_id, ds, cutoff, model, y_hat` and bounds, of the steps to evaluate; the model `production` is what
    was served. `actuals`: `unique_id, ds, y`. `scale`: `unique_id, scale`, the seasonal one of the run.
    """
    rows = said.merge(actuals[[*KEY, Y]], on=KEY, how="left", validate="many_to_one")
    share = rows[Y].notna().groupby([rows[UNIQUE_ID], rows[MODEL]]).transform("mean")
    kept = rows[share >= _PRESENT]
    return _evaluate(kept, scale.assign(**{CUTOFF: rows[CUTOFF].max()}), levels)


def folds(won: pd.DataFrame, scale: pd.DataFrame, levels: Sequence[int], steps: int) -> pd.DataFrame:
    """The metrics of a backtest, as in `judge`, per fold over the first `steps` steps.

    `won`: backtest rows of each series' champion, called `production`, and of the seasonal naive. `scale`: `unique_id,
    cutoff, scale`.
    """
    return _evaluate(won[won[STEP] <= steps], scale, levels)


def compare(origin: pd.DataFrame, reference: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """Each series of an origin compared with its folds: `ORIGINS`, one row per metric.

    `deviation`: distance of the origin from the mean of the folds on the scale of the test, positive: worse. That scale
    is logarithmic for errors, where large and small series have a similar spread, and linear for coverage. `variance`:
    of a fold about that mean, with `freedom` degrees of freedom. Null for series that the backtest lacks.
    """
    now, past = _wide(origin), _wide(reference)
    usual = past.drop(columns=CUTOFF).groupby(UNIQUE_ID).mean()
    here, there = usual.reindex(now[UNIQUE_ID]), usual.reindex(past[UNIQUE_ID])
    place = pd.Index(usual.index).get_indexer(pd.Index(now[UNIQUE_ID]))
    parts = []
    for metric in now.columns.drop([UNIQUE_ID, CUTOFF]).append(pd.Index([SKILL])):
        of_folds = pd.Series(_on_scale(str(metric), past, there)).groupby(past[UNIQUE_ID].to_numpy())
        mean, spread = (np.asarray(moment, dtype=np.float64) for moment in (of_folds.mean(), of_folds.var(ddof=1)))
        count = of_folds.count().to_numpy()
        variance, freedom = evidence.moderated(spread, int(count.max(initial=0)) - 1)
        values = {
            VALUE: now.get(metric, np.nan),
            "baseline": here[metric].to_numpy() if metric in here else np.nan,
            "deviation": np.subtract(_on_scale(str(metric), now, here), _at(mean, place)),
            "variance": np.maximum(_at(variance, place), _FLOOR),
            "freedom": _at(freedom, place),
            "folds": _at(count.astype(float), place),
        }
        parts.append(now[[UNIQUE_ID, CUTOFF]].assign(**{UNTIL: until, METRIC: metric, **values}))
    return pd.concat(parts, ignore_index=True)[ORIGINS]


def means_of(values: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """The means over the series of each group, in the form of series; `groups`: `unique_id, group`."""
    rows = values.merge(groups, on=UNIQUE_ID).drop(columns=UNIQUE_ID).rename(columns={"group": UNIQUE_ID})
    keys = [name for name in (UNIQUE_ID, CUTOFF, MODEL) if name in rows]
    return rows.groupby(keys, as_index=False, sort=True).mean()


def windows(
    origins: pd.DataFrame, as_of: pd.Timestamp, alias: str, horizon: int, before: pd.DataFrame, settings: Evidence
) -> pd.DataFrame:
    """The table of accuracy, `COLUMNS`: each metric over the newest horizons, its baseline and its status.

    `origins` as `compare` gives them, of all forecast sets; `before`: this table from the previous monitoring. The bias
    has no status here: its test is sequential over origins (`bias.py`).
    """
    if origins.empty:
        return pd.DataFrame(columns=COLUMNS)
    parts = []
    for window in settings.windows:
        start = pd.date_range(end=as_of, periods=window * horizon + 1, freq=frequency.parse(alias))[0]
        parts.append(_window(origins[origins[UNTIL] > start], settings).assign(window=window))
    table = pd.concat(parts, ignore_index=True).assign(as_of=as_of)
    settled = evidence.settle(table, before, [UNIQUE_ID, "window", METRIC], settings.clear_after)
    return settled.sort_values([UNIQUE_ID, "window", METRIC], ignore_index=True)[COLUMNS]


def independent(spans: Iterable[tuple[pd.Timestamp, pd.Timestamp]]) -> int:
    """The number of non-overlapping spans (cutoff, last actual), counted from the earliest: the amount of evidence.

    Errors at the same actuals are nearly equal, whatever their origins.
    """
    count, end = 0, pd.Timestamp.min
    for cutoff, until in sorted(set(spans), key=lambda span: span[1]):
        if cutoff >= end:
            count, end = count + 1, until
    return count


def _window(origins: pd.DataFrame, settings: Evidence) -> pd.DataFrame:
    """One window: `unique_id, metric, value, baseline, status, n, p_value`."""
    spans = list(origins[[CUTOFF, UNTIL]].drop_duplicates().itertuples(index=False, name=None))
    named = {name: (name, "mean") for name in (VALUE, "baseline", "deviation", "variance", "freedom", "folds")}
    means = origins.groupby([UNIQUE_ID, METRIC], sort=True).agg(**named, n=("deviation", "count")).reset_index()
    table = _with_skill(means)
    n = table["n"].to_numpy(dtype=float) * independent(spans) / max(len(spans), 1)
    error = np.sqrt(
        table["variance"].to_numpy() * (1 / np.maximum(n, 1) + ratio(np.ones(len(table)), table["folds"].to_numpy()))
    )
    t = ratio(table["deviation"].to_numpy(), error)
    table["p_value"] = stats.t.sf(t, table["freedom"].to_numpy())
    matters = _matters(table, settings)
    flags = {rate: np.zeros(len(table), dtype=bool) for rate in (settings.warn_discoveries, settings.false_discoveries)}
    enough = (table["n"] >= settings.min_origins).to_numpy() & table["p_value"].notna().to_numpy()
    for rate, hits in flags.items():
        for rows in table[enough].groupby(METRIC, sort=False).indices.values():
            at = np.flatnonzero(enough)[rows]
            hits[at] = evidence.discoveries(table["p_value"].to_numpy()[at], rate, settings.correction)
    warn, alert = (flags[rate] & matters for rate in (settings.warn_discoveries, settings.false_discoveries))
    return table.assign(**{STATUS: evidence.grade(~enough, warn, alert)})


def _matters(table: pd.DataFrame, settings: Evidence) -> evidence.Flags:
    """Whether a value is worse than its baseline by a relevant amount."""
    metric, value, baseline = (table[name].to_numpy() for name in (METRIC, VALUE, "baseline"))
    more = 1 + settings.tolerance
    coverage = table[METRIC].str.startswith("coverage_").to_numpy()
    worse = np.where(metric == SKILL, 1 - value > (1 - baseline) * more, value > baseline * more)
    flags: evidence.Flags = np.where(coverage, value < baseline - settings.shortfall, worse).astype(bool)
    return flags


def _with_skill(means: pd.DataFrame) -> pd.DataFrame:
    """Adds the skill over the window, 1 − MAE / MAE of the seasonal naive, and drops the latter."""
    rows = means[METRIC] == SKILL
    ids = means.loc[rows, UNIQUE_ID]
    of_metric = {name: means[means[METRIC] == name].set_index(UNIQUE_ID).reindex(ids) for name in ("mae", NAIVE)}
    for name in (VALUE, "baseline"):
        mae, naive = (of_metric[metric][name].to_numpy(dtype=float) for metric in ("mae", NAIVE))
        means.loc[rows, name] = 1 - ratio(mae, naive)
    return means[means[METRIC] != NAIVE].reset_index(drop=True)


def _evaluate(rows: pd.DataFrame, scale: pd.DataFrame, levels: Sequence[int]) -> pd.DataFrame:
    """One row per fold and model, one column per monitored metric."""
    scales = scale.rename(columns={SCALE: SCALE_MAE}).assign(**{SCALE_RMSE: np.nan})
    names = metrics.names(levels)
    long = metrics.evaluate(rows, scales, levels)
    table = long.iloc[:: len(names)][[UNIQUE_ID, CUTOFF, MODEL]].reset_index(drop=True)
    values = pd.DataFrame(long[VALUE].to_numpy().reshape(-1, len(names)), columns=names)
    return table.join(values[[*ERRORS, BIAS, *(f"coverage_{level}" for level in levels)]])


def served(values: pd.DataFrame) -> pd.DataFrame:
    """The rows of served forecasts."""
    return values[values[MODEL] == SERVED].drop(columns=MODEL)


def _wide(values: pd.DataFrame) -> pd.DataFrame:
    """`unique_id, cutoff`, the metrics of the served forecasts, and the MAE of the seasonal naive."""
    naive = values.loc[values[MODEL] == BASELINE, [UNIQUE_ID, CUTOFF, "mae"]].rename(columns={"mae": NAIVE})
    return served(values).merge(naive, on=[UNIQUE_ID, CUTOFF], how="left", validate="one_to_one")


def _on_scale(metric: str, values: pd.DataFrame, usual: pd.DataFrame) -> Array:
    """A metric on the scale of its test, positive: worse, shape (n,); the bias is tested elsewhere."""
    if metric == BIAS:
        return np.full(len(values), np.nan)
    if metric == SKILL:
        return _on_scale("mae", values, usual) - _on_scale(NAIVE, values, usual)
    if metric.startswith("coverage_"):
        return -values[metric].to_numpy()
    return np.log(values[metric].to_numpy() + _SOFT * usual[metric].to_numpy() + _TINY)


def _at(values: Array, place: Positions) -> Array:
    """The values at these positions, null at −1."""
    return np.append(values, np.nan)[place]
