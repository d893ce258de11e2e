"""Accuracy metrics in three layers: a statistic at each point, its aggregation, and the named metric.

A metric is null, never inf, if any of its points is undefined: averaging over the defined points only would give two
quantities the same name. Rows without an actual are not points.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.tables.schema import (
    BASELINE,
    CUTOFF,
    DS,
    FRACTION,
    METRIC,
    MODEL,
    UNIQUE_ID,
    VALUE,
    Y_HAT,
    Y,
    hi,
    is_share,
    lo,
)

Array = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]

SCALE_MAE = "scale_mae"
SCALE_RMSE = "scale_rmse"
SQUARED = ("rmse", "rmsse")  # metrics minimised by the mean; the others by the median


def absolute_error(y: Array, y_hat: Array) -> Array:
    """|y − ŷ|, in the unit of y, shape (n,)."""
    return np.abs(y - y_hat)


def squared_error(y: Array, y_hat: Array) -> Array:
    """(y − ŷ)², in the squared unit of y, shape (n,)."""
    return (y - y_hat) ** 2


def percentage_error(y: Array, y_hat: Array) -> Array:
    """|y − ŷ| / |y|, a fraction; null where y is 0."""
    return ratio(np.abs(y - y_hat), np.abs(y))


def symmetric_percentage_error(y: Array, y_hat: Array) -> Array:
    """2 · |y − ŷ| / (|y| + |ŷ|), a fraction, 0 to 2; 0 where both are 0 (Makridakis et al. 2020, M4)."""
    error, size = np.abs(y - y_hat), np.abs(y) + np.abs(y_hat)
    return np.where(size == 0, 0.0, 2 * ratio(error, size))


def covered(y: Array, lower: Array, upper: Array) -> Array:
    """1 where lower ≤ y ≤ upper, else 0; null where a bound is null."""
    return np.where(np.isnan(lower) | np.isnan(upper), np.nan, (y >= lower) & (y <= upper))


def interval_score(y: Array, lower: Array, upper: Array, level: int) -> Array:
    """(u − l) + 2/α (l − y)⁺ + 2/α (y − u)⁺ with α = 1 − level/100, in the unit of y (Gneiting & Raftery 2007)."""
    alpha = (100 - level) / 100
    return (upper - lower) + 2 / alpha * (np.maximum(lower - y, 0) + np.maximum(y - upper, 0))


def pinball_loss(y: Array, y_hat: Array, q: float) -> Array:
    """max(q (y − ŷ), (q − 1)(y − ŷ)) for a forecast ŷ of quantile q, in the unit of y (Koenker & Bassett 1978)."""
    error = y - y_hat
    return np.maximum(q * error, (q - 1) * error)


def ratio(part: Array, whole: Array) -> Array:
    """part / whole, null where `whole` is 0 or null."""
    quotient: Array = np.divide(part, whole, out=np.full(part.shape, np.nan), where=~((whole == 0) | np.isnan(whole)))
    return quotient


def quantiles(level: int) -> tuple[float, float]:
    """The quantiles at the bounds of a central interval: (0.1, 0.9) for 80."""
    return (100 - level) / 200, (100 + level) / 200


def names(levels: Sequence[int]) -> list[str]:
    """The metrics that `evaluate` computes, in order."""
    bounds = [(f"coverage_{n}", f"msis_{n}", *(f"pinball_{q:g}" for q in quantiles(n))) for n in levels]
    return [
        "mae",
        "rmse",
        "mape",
        "smape",
        "wape",
        "mase",
        "rmsse",
        "bias",
        *(name for level in bounds for name in level),
    ]


def unit(metric: str) -> str:
    """`fraction` for shares, `y` for the unit of the target, an empty string for pure numbers."""
    if is_share(metric):
        return FRACTION
    return "y" if metric.partition("_")[0] in ("mae", "rmse", "bias", "pinball") else ""


def is_error(metric: str) -> bool:
    """Whether lower is better and 0 is perfect; false for bias and coverage."""
    return metric.partition("_")[0] not in ("bias", "coverage")


def evaluate(backtest: pd.DataFrame, scales: pd.DataFrame, levels: Sequence[int]) -> pd.DataFrame:
    """All metrics of a backtest: `unique_id, cutoff, model, metric, value`, sorted, including null values.

    `backtest`: `unique_id, cutoff, ds, model, y, y_hat, lo_*, hi_*`; bounds it lacks count as null.
    `scales`: `unique_id, cutoff, scale_mae, scale_rmse` as `scales_at` gives them.

    Over the n points of a fold:

    - mae = mean |y − ŷ|, in the unit of y
    - rmse = √ mean (y − ŷ)², in the unit of y
    - mape = mean (|y − ŷ| / |y|), a fraction; null if some y is 0 (Hyndman & Koehler 2006)
    - smape = mean (2 · |y − ŷ| / (|y| + |ŷ|)), a fraction, 0 to 2, 0/0 = 0 (M4)
    - wape = Σ|y − ŷ| / Σ|y|, a fraction (Kolassa & Schütz 2007)
    - mase = mae / scale_mae, unitless (Hyndman & Koehler 2006; M4)
    - rmsse = rmse / scale_rmse, unitless (M5, here with the seasonal scale)
    - bias = mean (y − ŷ), in the unit of y; positive: under-forecast
    - coverage_<level> = share of points within the bounds, a fraction; levels are in percent
    - msis_<level> = mean interval score / scale_mae, unitless (M4)
    - pinball_<q> = mean pinball loss of the bound at quantile q, in the unit of y

    Lower is better for all but bias (best at 0) and coverage (best at its level).
    """
    with np.errstate(over="ignore", invalid="ignore"):  # an overflowing forecast gives null
        return _evaluate(backtest, scales, levels)


def _evaluate(backtest: pd.DataFrame, scales: pd.DataFrame, levels: Sequence[int]) -> pd.DataFrame:
    folds = _Folds.of(backtest)
    y, y_hat = folds.points(backtest, Y), folds.points(backtest, Y_HAT)
    scale = folds.keys.merge(scales, on=[UNIQUE_ID, CUTOFF], how="left", validate="many_to_one")
    scale_mae, scale_rmse = scale[SCALE_MAE].to_numpy(dtype=float), scale[SCALE_RMSE].to_numpy(dtype=float)
    mae, rmse = folds.mean(absolute_error(y, y_hat)), np.sqrt(folds.mean(squared_error(y, y_hat)))
    values = {
        "mae": mae,
        "rmse": rmse,
        "mape": folds.mean(percentage_error(y, y_hat)),
        "smape": folds.mean(symmetric_percentage_error(y, y_hat)),
        "wape": ratio(mae, folds.mean(np.abs(y))),
        "mase": ratio(mae, scale_mae),
        "rmsse": ratio(rmse, scale_rmse),
        "bias": folds.mean(y - y_hat),
    }
    for level in levels:
        lower, upper = folds.points(backtest, lo(level)), folds.points(backtest, hi(level))
        low, high = quantiles(level)
        values[f"coverage_{level}"] = folds.mean(covered(y, lower, upper))
        values[f"msis_{level}"] = ratio(folds.mean(interval_score(y, lower, upper, level)), scale_mae)
        values[f"pinball_{low:g}"] = folds.mean(pinball_loss(y, lower, low))
        values[f"pinball_{high:g}"] = folds.mean(pinball_loss(y, upper, high))
    return folds.long(values)


def seasonal_scales(history: pd.DataFrame, m: int) -> pd.DataFrame:
    """`unique_id, scale_mae, scale_rmse`: the in-sample error of the seasonal naive, in the unit of y.

    mean |y_t − y_{t−m}| and √ mean (y_t − y_{t−m})² over the pairs of observed values (Hyndman & Koehler 2006; M4, M5).
    A series without a pair m steps apart uses neighbouring values (m = 1); without those, both are null. `history` is
    sorted on a gap-free grid, so that m rows are m steps.
    """
    series, ids = pd.factorize(history[UNIQUE_ID])
    y = history[Y].to_numpy(dtype=float)
    scales = _scales(series, y, len(ids), m)
    if m > 1:
        scales = np.where(np.isnan(scales), _scales(series, y, len(ids), 1), scales)
    table = pd.DataFrame({UNIQUE_ID: ids, SCALE_MAE: scales[0], SCALE_RMSE: scales[1]})
    return table.sort_values(UNIQUE_ID, ignore_index=True)


def scales_at(history: pd.DataFrame, cutoffs: Sequence[pd.Timestamp], m: int) -> pd.DataFrame:
    """`unique_id, cutoff, scale_mae, scale_rmse`: the seasonal scales of the part of `history` up to each cutoff."""
    columns = [UNIQUE_ID, CUTOFF, SCALE_MAE, SCALE_RMSE]
    parts = [seasonal_scales(history[history[DS] <= cutoff], m).assign(**{CUTOFF: cutoff}) for cutoff in cutoffs]
    return pd.concat(parts)[columns].sort_values([UNIQUE_ID, CUTOFF], ignore_index=True)


def skill(metrics: pd.DataFrame, baseline: str = BASELINE) -> pd.DataFrame:
    """`unique_id, cutoff, model, metric, skill`: 1 − metric / metric of the baseline on the same fold.

    Unitless: 1 is perfect, 0 as good as the baseline, negative worse. Null where the baseline is 0 or null. Only for
    metrics for which lower is better.
    """
    errors = metrics[metrics[METRIC].map({name: is_error(name) for name in metrics[METRIC].unique()}).astype(bool)]
    fold = [UNIQUE_ID, CUTOFF, METRIC]
    base = errors.loc[errors[MODEL] == baseline, [*fold, VALUE]].rename(columns={VALUE: "base"})
    both = errors.merge(base, on=fold, how="left", validate="many_to_one")
    both["skill"] = 1 - ratio(both[VALUE].to_numpy(dtype=float), both["base"].to_numpy(dtype=float))
    return both[[UNIQUE_ID, CUTOFF, MODEL, METRIC, "skill"]]


def stability(metrics: pd.DataFrame) -> pd.DataFrame:
    """`unique_id, model, metric, stability`: the coefficient of variation of a metric across its folds.

    Sample standard deviation / |mean|, unitless, lower is steadier; null below two folds and where the mean is 0.
    """
    folds = metrics.groupby([UNIQUE_ID, MODEL, METRIC], sort=True)[VALUE]
    table = folds.agg(["std", "mean"]).reset_index()
    table["stability"] = ratio(table["std"].to_numpy(dtype=float), table["mean"].abs().to_numpy(dtype=float))
    return table[[UNIQUE_ID, MODEL, METRIC, "stability"]]


@dataclass(frozen=True)
class _Folds:
    """The rows of a backtest that have an actual, grouped by series, cutoff and model."""

    keys: pd.DataFrame
    rows: Positions
    codes: Positions

    @classmethod
    def of(cls, backtest: pd.DataFrame) -> "_Folds":
        fold = [UNIQUE_ID, CUTOFF, MODEL]
        groups = backtest.groupby(fold, sort=True, observed=True)
        codes = groups.ngroup().to_numpy().astype(np.intp)
        first = np.empty(groups.ngroups, dtype=np.intp)
        first[codes[::-1]] = np.arange(len(codes))[::-1]
        rows: Positions = np.flatnonzero(backtest[Y].notna().to_numpy())
        return cls(backtest[fold].iloc[first].reset_index(drop=True), rows, codes[rows])

    def points(self, backtest: pd.DataFrame, column: str) -> Array:
        """The column at the rows with an actual; all null if the column is missing."""
        if column not in backtest:
            return np.full(len(self.rows), np.nan)
        return backtest[column].to_numpy(dtype=float)[self.rows]

    def mean(self, points: Array) -> Array:
        """The mean of each fold; null if a point is undefined or there are none."""
        n = len(self.keys)
        return ratio(sums(self.codes, points, n), sums(self.codes, np.ones_like(points), n))

    def long(self, values: dict[str, Array]) -> pd.DataFrame:
        """One row per fold and metric."""
        table = np.column_stack([np.where(np.isfinite(value), value, np.nan) for value in values.values()])
        frame = self.keys.loc[self.keys.index.repeat(len(values))].reset_index(drop=True)
        return frame.assign(
            **{METRIC: np.tile(np.array(list(values), dtype=object), len(self.keys)), VALUE: table.ravel()}
        )


def _scales(series: Positions, y: Array, n: int, m: int) -> Array:
    """Mean absolute and root mean square difference of values m rows apart for each of `n` series, shape (2, n)."""
    difference = y[m:] - y[:-m]
    pairs = (series[m:] == series[:-m]) & ~np.isnan(difference)
    difference, of = difference[pairs], series[m:][pairs]
    count = sums(of, np.ones_like(difference), n)
    return np.stack([ratio(sums(of, np.abs(difference), n), count), np.sqrt(ratio(sums(of, difference**2, n), count))])


def sums(groups: Positions, values: Array, n: int) -> Array:
    """The sum of the values of each of `n` groups."""
    return np.bincount(groups, weights=values, minlength=n).astype(np.float64, copy=False)
