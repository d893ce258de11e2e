"""Choice of the model for each series, and comparison of a new choice with the current one."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from pipelines.forecasting.evaluation.metrics import ratio
from pipelines.tables.schema import BASELINE, CUTOFF, METRIC, MODEL, UNIQUE_ID, VALUE

FALLBACK = "mae"  # defined for every actual
SKILL = "skill_vs_seasonal_naive"
RUNNER_UP = "runner_up"


def champions(
    metrics: pd.DataFrame, metric: str, models: Sequence[str], baseline: str = BASELINE, ids: Iterable[str] = ()
) -> pd.DataFrame:
    """The model with the lowest mean of `metric` for each series: `unique_id, model, metric, value, runner_up, skill…`.

    Compared on the folds on which the baseline has a value; a model without a value on one of them is not chosen. On a
    tie the earlier of `models` wins. A series for which `metric` is undefined is judged by MAE, as its `metric` column
    says; one without any value (too short for a fold, or one of `ids` that `metrics` lacks) keeps the baseline with
    null value. `metrics`: `unique_id, cutoff, model, metric, value`.
    """
    candidates = list(dict.fromkeys([*models, baseline]))
    every = pd.Index(sorted({*metrics[UNIQUE_ID].unique(), *ids}), name=UNIQUE_ID)
    chosen = _best(metrics, metric, candidates, baseline).reindex(every)
    undecided = chosen[VALUE].isna()
    if undecided.any() and metric != FALLBACK:
        by_mae = _best(metrics, FALLBACK, candidates, baseline).reindex(every[undecided]).dropna(subset=[VALUE])
        chosen.loc[by_mae.index] = by_mae
    chosen[MODEL] = chosen[MODEL].fillna(baseline)
    chosen[METRIC] = chosen[METRIC].fillna(metric)
    return chosen.reset_index()[[UNIQUE_ID, MODEL, METRIC, VALUE, RUNNER_UP, SKILL]]


def robust(
    metrics: pd.DataFrame,
    metric: str,
    models: Sequence[str],
    prior: str,
    baseline: str = BASELINE,
    ids: Iterable[str] = (),
) -> pd.DataFrame:
    """As `champions`, but robust to chance in few windows: a series leaves `prior` only on evidence.

    The evidence is the mean over a series' folds of log(value / value of the prior), shrunk towards the mean of all
    series, the more the folds of one series differ compared with the series (empirical Bayes: the weight of the series'
    own mean is τ² / (τ² + σ²/n) with σ² within and τ² between series), plus one standard error of the result. With one
    window σ² is unknown, and the mean of all series is used. A series without values keeps the prior, with null value.
    """
    names = list(dict.fromkeys([prior, *models, baseline]))
    every = pd.Index(sorted({*metrics[UNIQUE_ID].unique(), *ids}), name=UNIQUE_ID)
    rows = metrics[(metrics[METRIC] == metric) & metrics[MODEL].isin(names)]
    folds = rows.set_index([UNIQUE_ID, CUTOFF, MODEL])[VALUE].unstack(MODEL).reindex(columns=names)
    folds = folds[folds[prior].notna()]
    floor = 1e-6 * float(folds[prior].mean())  # a value of 0 has no logarithm
    logs = pd.DataFrame(np.log(folds.add(floor).div(folds[prior] + floor, axis=0)))
    shrunk = pd.DataFrame({str(name): _shrunk(column) for name, column in logs.items()}).reindex(every)
    means = folds.groupby(level=UNIQUE_ID, sort=True).mean().reindex(every)
    table = shrunk.to_numpy(dtype=float)
    order = np.argsort(np.where(np.isnan(table), np.inf, table), axis=1, kind="stable")[:, :2]
    second = np.take_along_axis(table, order, axis=1)[:, 1]
    name = np.array(names, dtype=object)[order]
    name[np.isnan(second), 1] = None
    value = np.take_along_axis(means.to_numpy(dtype=float), order[:, :1], axis=1)[:, 0]
    skill = 1 - ratio(value, means[baseline].to_numpy(dtype=float))
    choices = pd.DataFrame(
        {MODEL: name[:, 0], METRIC: metric, VALUE: value, RUNNER_UP: name[:, 1], SKILL: skill}, index=every
    )
    return choices.reset_index()[[UNIQUE_ID, MODEL, METRIC, VALUE, RUNNER_UP, SKILL]]


def no_worse(new: pd.DataFrame, current: pd.DataFrame, tolerance: float = 1e-9) -> tuple[bool, float, float]:
    """Whether the mean `value` of `new` is at most that of `current` over the series that both have; and both means.

    True with two nulls if `current` has no value on a common series; False if `new` lacks all values that `current`
    has. Both: `unique_id, value`.
    """
    both = new[[UNIQUE_ID, VALUE]].merge(current[[UNIQUE_ID, VALUE]], on=UNIQUE_ID, suffixes=("_new", "_current"))
    measured = both.dropna(subset=["value_current"])
    if measured.empty:
        return True, np.nan, np.nan
    pairs = measured.dropna(subset=["value_new"])
    ours, theirs = float(pairs["value_new"].mean()), float(pairs["value_current"].mean())
    return bool(ours <= theirs + tolerance), ours, theirs


def _shrunk(logs: pd.Series) -> pd.Series:
    """The mean of each series' folds, shrunk towards that of all series by its uncertainty, plus one standard error."""
    series = logs.dropna().groupby(level=UNIQUE_ID)
    mean, n = series.mean(), series.size()
    overall = mean.mean()
    freedom = int((n - 1).sum())
    if freedom < 1:
        return mean * 0 + overall
    within = float((series.var(ddof=0) * n).sum()) / freedom
    between = max(0.0, float(mean.var(ddof=1)) - within / float(n.mean())) if len(mean) > 1 else 0.0
    if between == 0:
        return mean * 0 + overall
    own = between / (between + within / n)
    return overall + own * (mean - overall) + np.sqrt(between * (1 - own))


def _best(metrics: pd.DataFrame, metric: str, candidates: list[str], baseline: str) -> pd.DataFrame:
    """The best and second-best model of each series that has one, indexed by unique_id."""
    rows = metrics[(metrics[METRIC] == metric) & metrics[MODEL].isin(candidates)]
    folds = rows.set_index([UNIQUE_ID, CUTOFF, MODEL])[VALUE].unstack(MODEL).reindex(columns=candidates)
    folds = folds[folds[baseline].notna()]
    series = folds.groupby(level=UNIQUE_ID, sort=True)
    means = series.mean().where(series.count().eq(series.size(), axis=0))
    table = np.column_stack([means.to_numpy(dtype=float), np.full(len(means), np.nan)])  # last column: no model
    order = np.argsort(np.where(np.isnan(table), np.inf, table), axis=1, kind="stable")[:, :2]
    value, second = np.take_along_axis(table, order, axis=1).T
    name = np.array([*candidates, None], dtype=object)[order]
    name[np.isnan(second), 1] = None
    skill = 1 - ratio(value, means[baseline].to_numpy(dtype=float))
    return pd.DataFrame(
        {MODEL: name[:, 0], METRIC: metric, VALUE: value, RUNNER_UP: name[:, 1], SKILL: skill}, index=means.index
    )
