"""Split-conformal intervals from the errors of a backtest (Vovk et al. 2005; Lei et al. 2018), a quantile a step.

The width at a step is a quantile of |y − ŷ| / scale, pooled over series, times the scale of the series. With n scores
the quantile of level L is the one of rank ⌈(n+1)L⌉, so the coverage is at least L on exchangeable data; below
⌈L/(1−L)⌉ scores there is no such rank, and the level is null with the reason instead of an interval that is too narrow.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.evaluation.metrics import Array
from pipelines.schema import CUTOFF, MODEL, STEP, UNIQUE_ID, Y_HAT, Y, hi, lo

SCALE = "scale"
COMFORT = 5  # times the scores that a level needs: then its quantile is no longer the largest score


def needed(level: int) -> int:
    """The fewest scores that support a level: 4, 9 and 19 for 80, 90 and 95 %."""
    return -(-level // (100 - level))


def rank(n: int, level: int) -> int:
    """⌈(n+1) · level/100⌉: which of `n` ascending scores, counted from 1, bounds the level."""
    return -(-(n + 1) * level // 100)


def interval_scales(backtest: pd.DataFrame, scales: pd.DataFrame) -> pd.DataFrame:
    """`scales` with every scale positive: the seasonal one; where it is null or 0, the series' mean |y − ŷ|; else 1.

    `scales`: `unique_id, scale`, or `unique_id, cutoff, scale` when each fold has its own. A series with neither a
    scale nor a residual stays null: nothing is known of its errors. Series that only `backtest` has are added.
    """
    keys = _keys(scales)
    missing = backtest.loc[~backtest[UNIQUE_ID].isin(scales[UNIQUE_ID]), keys].drop_duplicates()
    found = pd.concat([scales[[*keys, SCALE]], missing.assign(**{SCALE: np.nan})], ignore_index=True)
    lacking = ~(found[SCALE] > 0)
    rows = backtest[backtest[UNIQUE_ID].isin(found.loc[lacking, UNIQUE_ID])]
    residual = (rows[Y] - rows[Y_HAT]).abs().groupby(rows[UNIQUE_ID]).mean()
    fallback = found.loc[lacking, UNIQUE_ID].map(residual).fillna(found.loc[lacking, SCALE])
    found.loc[lacking, SCALE] = fallback.where(fallback != 0, 1.0)
    return found


def scores(backtest: pd.DataFrame, scales: pd.DataFrame) -> pd.DataFrame:
    """`unique_id, cutoff, step, score` with score = |y − ŷ| / scale, unitless; rows without an actual are left out.

    `backtest`: `unique_id, cutoff, ds, model, y, y_hat, step`, of one model or of each series' champion only.
    """
    scale = _scale_of(backtest, interval_scales(backtest, scales))
    score = (backtest[Y] - backtest[Y_HAT]).abs() / scale
    known = score.notna()
    return backtest.loc[known, [UNIQUE_ID, CUTOFF, STEP]].assign(score=score[known]).reset_index(drop=True)


def quantiles(scores: pd.DataFrame, levels: Sequence[int], horizon: int) -> pd.DataFrame:
    """`step, level, quantile, n, reason` for the steps 1 to `horizon`, in units of the scale.

    A step with too few scores borrows from its neighbours, symmetrically: up to a quarter of the horizon away until it
    has five times what the level needs, and beyond that only until it has what the level needs. Too few even then: the
    quantile is null and `reason` says so. Quantiles never fall with the step nor with the level.
    """
    step = scores[STEP].to_numpy()
    order = np.argsort(step, kind="stable")
    ends = np.searchsorted(step[order], np.arange(horizon + 1), side="right")  # scores up to step s end at ends[s]
    ordered = scores["score"].to_numpy(dtype=float)[order]
    levels = sorted(set(levels))
    found = [_quantile(ordered, ends, at, level, horizon) for at in range(1, horizon + 1) for level in levels]
    widths = np.array([value for value, _ in found]).reshape(horizon, len(levels))
    rising = np.fmax.accumulate(np.apply_along_axis(_rising, 0, widths), axis=1)
    table = pd.DataFrame(
        {
            STEP: np.repeat(np.arange(1, horizon + 1), len(levels)),
            "level": np.tile(np.array(levels, dtype=np.int64), horizon),
            "quantile": np.where(np.isnan(widths), np.nan, rising).ravel(),
            "n": [n for _, n in found],
        }
    )
    return table.assign(reason=[_reason(level, n) for level, n in zip(table["level"], table["n"], strict=True)])


def apply(
    forecasts: pd.DataFrame, quantiles: pd.DataFrame, scales: pd.DataFrame, levels: Sequence[int], non_negative: bool
) -> pd.DataFrame:
    """`forecasts` with `lo_*, hi_*` = ŷ ∓ quantile · scale; nested, and null where the quantile or the scale is.

    `scales` as `interval_scales` gives them. Steps beyond the calibrated horizon use its last quantile, which is then
    too narrow rather than absent. With `non_negative` lower bounds stop at 0.
    """
    scale = _scale_of(forecasts, scales).to_numpy(dtype=float)
    of_level = dict(tuple(quantiles.sort_values(STEP).groupby("level")["quantile"]))
    last = int(quantiles[STEP].max()) if len(quantiles) else 0
    row = forecasts[STEP].to_numpy().clip(1, max(last, 1)) - 1
    centre = forecasts[Y_HAT].to_numpy(dtype=float)
    bounds: dict[str, Array] = {}
    for level in sorted(set(levels)):
        width = of_level[level].to_numpy(dtype=float)[row] * scale if level in of_level else np.full(len(row), np.nan)
        lower = centre - width
        bounds[lo(level)] = np.minimum(np.maximum(lower, 0), centre) if non_negative else lower
        bounds[hi(level)] = centre + width
    return forecasts.assign(**bounds)


def cross(
    backtest: pd.DataFrame, scales: pd.DataFrame, levels: Sequence[int], horizon: int, non_negative: bool
) -> pd.DataFrame:
    """`backtest` with the bounds that each fold would have had from the scores of the other folds, model by model.

    No interval has seen the errors it is measured on, so the coverage of these rows is an honest one. With a single
    window all bounds are null. `scales` may have a `cutoff`: the scale of a fold then stems from its training part.
    """
    series, _ = pd.factorize(pd.concat([backtest[UNIQUE_ID], scales[UNIQUE_ID]]))  # numbers join faster than names
    scales = scales.assign(**{UNIQUE_ID: series[len(backtest) :]})
    slim = backtest[[UNIQUE_ID, CUTOFF, MODEL, Y, Y_HAT, STEP]].assign(**{UNIQUE_ID: series[: len(backtest)]})
    columns = [bound(level) for level in sorted(set(levels)) for bound in (lo, hi)]
    bounds = pd.DataFrame(np.nan, index=range(len(backtest)), columns=columns)
    for _, rows in slim.reset_index(drop=True).groupby(MODEL, sort=False, observed=True):
        for cutoff, held_out in rows.groupby(CUTOFF, sort=False):
            others = rows[rows[CUTOFF] != cutoff]
            found = quantiles(scores(others, scales), levels, horizon)
            known = apply(held_out, found, interval_scales(others, scales), levels, non_negative)
            bounds.loc[known.index, columns] = known[columns]
    return backtest.assign(**{column: bounds[column].to_numpy() for column in columns})


def _quantile(ordered: Array, ends: npt.NDArray[np.intp], at: int, level: int, horizon: int) -> tuple[float, int]:
    """The quantile at a step and the number of scores behind it; NaN when they cannot support the level."""
    need, reach = needed(level), 0
    while True:
        start, end = ends[max(at - reach, 1) - 1], ends[min(at + reach, horizon)]
        n = int(end - start)
        if not ((n < COMFORT * need and reach < horizon // 4) or (n < need and reach < horizon - 1)):
            break
        reach += 1
    if n < need:
        return np.nan, n
    index = rank(n, level) - 1
    return float(np.partition(ordered[start:end], index)[index]), n


def _rising(widths: Array) -> Array:
    """The nearest widths that never fall with the step, nulls kept: isotonic regression.

    A running maximum would let the noisiest step widen all after it: a nominal 80 % then covered 96 %.
    """
    from sklearn.isotonic import isotonic_regression

    known = ~np.isnan(widths)
    rising = widths.copy()
    if known.any():
        rising[known] = isotonic_regression(widths[known])
    return rising


def _reason(level: int, n: int) -> str:
    return "" if n >= needed(level) else f"{level} % needs at least {needed(level)} scores, found {n}"


def _keys(scales: pd.DataFrame) -> list[str]:
    return [UNIQUE_ID, CUTOFF] if CUTOFF in scales else [UNIQUE_ID]


def _scale_of(rows: pd.DataFrame, scales: pd.DataFrame) -> pd.Series:
    """The scale of each row, indexed like `rows`."""
    keys = _keys(scales)
    merged = rows[keys].merge(scales[[*keys, SCALE]], on=keys, how="left", validate="many_to_one")
    return pd.Series(merged[SCALE].to_numpy(dtype=float), index=rows.index)
