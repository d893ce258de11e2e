"""Split-conformal intervals from the errors of a backtest (Vovk et al. 2005; Lei et al. 2018), one quantile per step.

The width at a step is a quantile of |y − ŷ| / scale, pooled over series, times the scale of the series. With n scores
the quantile of level L has rank ⌈(n+1)L⌉, so the coverage is at least L on exchangeable data. With fewer than ⌈L/(1−L)⌉
scores there is no such rank: the level is null, with the reason, rather than too narrow.

Two corrections are learnt, always from windows other than the one they are applied to (docs/decisions/0009): the size
of the errors of a series and of a phase of the season relative to the scale, as far as windows agree on it; and the
factor by which quantiles must be stretched because series err together, for example in a heat wave, so that a window
counts for little more than one observation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.forecasting import frequency
from pipelines.forecasting.evaluation.metrics import Array, Positions, ratio, sums
from pipelines.tables.schema import CUTOFF, DS, MODEL, PHASE, SIZE, STEP, UNIQUE_ID, Y_HAT, Y, hi, lo

SCALE = "scale"
SEASONAL = "seasonal_scale"  # the scale before it is adjusted by backtest errors
COMFORT = 5  # multiple of the scores that a level needs; its quantile is then no longer the largest score


def needed(level: int) -> int:
    """The fewest scores that support a level: 4, 9 and 19 for 80, 90 and 95 %."""
    return -(-level // (100 - level))


def rank(n: int, level: int) -> int:
    """⌈(n+1) · level/100⌉: the rank, from 1, of the one of `n` ascending scores that bounds the level."""
    return -(-(n + 1) * level // 100)


def conformal(scores: Array, level: int) -> Array:
    """The quantile of `scores` (…, n) along the last axis that covers one more exchangeable score; shape (…).

    NaN if n scores cannot support the level.
    """
    n = scores.shape[-1]
    if n < needed(level):
        return np.full(scores.shape[:-1], np.nan)
    index = rank(n, level) - 1
    return np.asarray(np.partition(scores, index, axis=-1)[..., index])


def with_phase(rows: pd.DataFrame, alias: str, season_lengths: Sequence[int]) -> pd.DataFrame:
    """`rows` with `phase`: the position of `ds` in the shortest season of the grid `alias`, 0 without a season."""
    ds, stamps = pd.factorize(rows[DS])
    season = min((m for m in season_lengths if m > 1), default=1)
    return rows.assign(**{PHASE: frequency.phase(pd.DatetimeIndex(stamps), alias, season)[ds]})


def calibrate(
    backtest: pd.DataFrame, scales: pd.DataFrame, newest: pd.DataFrame, levels: Sequence[int], horizon: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The inputs of intervals: quantiles, the scale of each series, and the size of each phase.

    `backtest`: `unique_id, cutoff, y, y_hat, step, phase` of one model, or of each series' champion. `scales`:
    `unique_id, scale` or, when each fold has its own, `unique_id, cutoff, scale`; `newest`: `unique_id, scale` of the
    whole history. A scale that is null or 0 is replaced by the series' mean |y − ŷ|, or by 1 if that is 0; without
    either it stays null. Series that only `backtest` has are added.

    Returns `step, level, quantile, n, reason` as `quantiles` does; `unique_id, seasonal_scale, scale`, the first as in
    `newest`; `phase, size`, unitless.
    """
    points = _Points.of(backtest, scales)
    learnt = _learn(points, np.ones(points.n_folds, dtype=bool), levels, horizon)
    known = newest[[UNIQUE_ID, SCALE]]
    missing = points.ids[~points.ids.isin(known[UNIQUE_ID])]
    known = pd.concat([known, pd.DataFrame({UNIQUE_ID: missing, SCALE: np.nan})], ignore_index=True)
    place = points.ids.get_indexer(pd.Index(known[UNIQUE_ID]))
    size, instead = np.append(learnt.series, 1.0), np.append(learnt.instead, np.nan)  # last: no backtest
    scale = _filled(known[SCALE].to_numpy(dtype=float), instead[place]) * size[place]
    phases = pd.DataFrame({PHASE: np.arange(len(learnt.phase)), SIZE: learnt.phase})
    return learnt.quantiles, known.rename(columns={SCALE: SEASONAL}).assign(**{SCALE: scale}), phases


def quantiles(scores: pd.DataFrame, levels: Sequence[int], horizon: int) -> pd.DataFrame:
    """`step, level, quantile, n, reason` for the steps 1 to `horizon`, in units of the scale.

    `scores`: `cutoff, step, score`. A step with too few scores borrows from its neighbours, symmetrically: up to a
    quarter of the horizon away until it has five times what the level needs, and beyond that only until it has what the
    level needs. If that is still too few, the quantile is null and `reason` is set. Quantiles never decrease with step
    or level. With several cutoffs they are widened until the quantiles of the other windows cover each window.
    """
    folds, _ = pd.factorize(scores[CUTOFF])
    values = scores["score"].to_numpy(dtype=float)
    return _quantiles(values, scores[STEP].to_numpy(), folds, levels, horizon)


def apply(
    forecasts: pd.DataFrame,
    quantiles: pd.DataFrame,
    scales: pd.DataFrame,
    phases: pd.DataFrame,
    levels: Sequence[int],
    non_negative: bool,
) -> pd.DataFrame:
    """`forecasts` with `lo_*, hi_*` = ŷ ∓ quantile · scale · size; nested, and null if quantile or scale is null.

    `forecasts`: `unique_id, step, phase, y_hat`; the others as `calibrate` gives them. Steps beyond the calibrated
    horizon use its last quantile, which is too narrow there. An unseen phase has size 1. With `non_negative`, lower
    bounds are clipped at 0.
    """
    scale = forecasts[[UNIQUE_ID]].merge(scales, on=UNIQUE_ID, how="left", validate="many_to_one")[SCALE]
    size = forecasts[PHASE].map(phases.set_index(PHASE)[SIZE]).fillna(1.0)
    y_hat, step = forecasts[Y_HAT].to_numpy(dtype=float), forecasts[STEP].to_numpy()
    width = scale.to_numpy(dtype=float) * size.to_numpy(dtype=float)
    return forecasts.assign(**_bounds(y_hat, step, width, quantiles, levels, non_negative))


def cross(
    backtest: pd.DataFrame, scales: pd.DataFrame, levels: Sequence[int], horizon: int, non_negative: bool
) -> pd.DataFrame:
    """`backtest` with the bounds of each fold computed from the errors of the other folds, per model.

    No interval uses the errors it is measured on, so the coverage of these rows is out of sample. With a single window
    all bounds are null. If `scales` has a `cutoff`, the scale of a fold comes from its training part.
    """
    series, _ = pd.factorize(pd.concat([backtest[UNIQUE_ID], scales[UNIQUE_ID]]))  # numbers join faster than names
    scales = scales.assign(**{UNIQUE_ID: series[len(backtest) :]})
    slim = backtest[[UNIQUE_ID, CUTOFF, MODEL, Y, Y_HAT, STEP, PHASE]].assign(**{UNIQUE_ID: series[: len(backtest)]})
    columns = [bound(level) for level in sorted(set(levels)) for bound in (lo, hi)]
    bounds = np.full((len(backtest), len(columns)), np.nan)
    for places in slim.groupby(MODEL, sort=False, observed=True).indices.values():
        rows = slim.iloc[places]
        points, y_hat = _Points.of(rows, scales), rows[Y_HAT].to_numpy(dtype=float)
        for fold in range(points.n_folds):
            held_out = points.fold == fold
            learnt = _learn(points, np.arange(points.n_folds) != fold, levels, horizon)
            width = learnt.width(points)[held_out]
            known = _bounds(y_hat[held_out], points.step[held_out], width, learnt.quantiles, levels, non_negative)
            bounds[places[held_out]] = np.column_stack([known[column] for column in columns])
    return backtest.assign(**{column: bounds[:, place] for place, column in enumerate(columns)})


@dataclass(frozen=True)
class _Points:
    """The rows of one model, with series and folds as numbers; `error` = |y − ŷ|, `scale` as given, both may be NaN."""

    ids: pd.Index
    n_folds: int
    series: Positions
    fold: Positions
    step: Positions
    phase: Positions
    error: Array
    scale: Array

    @classmethod
    def of(cls, rows: pd.DataFrame, scales: pd.DataFrame) -> "_Points":
        keys = [UNIQUE_ID, CUTOFF] if CUTOFF in scales else [UNIQUE_ID]
        series, ids = pd.factorize(rows[UNIQUE_ID])
        fold, cutoffs = pd.factorize(rows[CUTOFF])
        scale = rows[keys].merge(scales[[*keys, SCALE]], on=keys, how="left", validate="many_to_one")[SCALE]
        error = (rows[Y] - rows[Y_HAT]).abs().to_numpy(dtype=float)
        step, phase = (rows[name].to_numpy().astype(np.intp) for name in (STEP, PHASE))
        return cls(pd.Index(ids), len(cutoffs), series, fold, step, phase, error, scale.to_numpy(dtype=float))


@dataclass(frozen=True)
class _Learnt:
    """Learnt from some folds: quantiles, relative error size of each series and phase, and substitutes for missing
    scales.
    """

    quantiles: pd.DataFrame
    series: Array
    phase: Array
    instead: Array

    def width(self, points: _Points) -> Array:
        """The factor of the quantile at each point."""
        return (
            _filled(points.scale, self.instead[points.series]) * self.series[points.series] * self.phase[points.phase]
        )


def _learn(points: _Points, kept: npt.NDArray[np.bool_], levels: Sequence[int], horizon: int) -> _Learnt:
    """Quantiles, sizes and substitute scales from the folds `kept`."""
    use = kept[points.fold] & ~np.isnan(points.error)
    series, fold, phase, error = points.series[use], points.fold[use], points.phase[use], points.error[use]
    n, phases = len(points.ids), int(points.phase.max(initial=0)) + 1
    mean = ratio(sums(series, error, n), sums(series, np.ones_like(error), n))
    instead = np.where(mean == 0, 1.0, mean)
    score = error / _filled(points.scale[use], instead[series])
    by_others, of_phase = _sizes(score, phase, fold, (phases, points.n_folds))
    score = score / by_others[phase, fold]
    by_others, of_series = _sizes(score, series, fold, (n, points.n_folds))
    score = score / by_others[series, fold]
    return _Learnt(_quantiles(score, points.step[use], fold, levels, horizon), of_series, of_phase, instead)


def _filled(scale: Array, instead: Array) -> Array:
    """`scale` where positive, else `instead`; without either 1 for a scale of 0 and null for a missing one."""
    unknown = np.where(scale == 0, 1.0, np.nan)
    return np.where(scale > 0, scale, np.where(np.isnan(instead), unknown, instead))


def _sizes(score: Array, group: Positions, fold: Positions, shape: tuple[int, int]) -> tuple[Array, Array]:
    """The relative size of each group's scores: from its other folds, with `shape`, and from all folds, (groups,).

    The root of a weighted mean of the group's own mean square and the typical one, their geometric mean. The weight is
    its credibility (Bühlmann & Straub 1970), with a variance within groups that grows with the square of their mean.
    The size is 1 without evidence: with one fold or one group, or if the folds of a group differ as much as the groups
    do. What all groups of a fold have in common is removed first.
    """
    cell, cells = group * shape[1] + fold, shape[0] * shape[1]
    square = ratio(sums(cell, score**2, cells), sums(cell, np.ones_like(score), cells)).reshape(shape)
    known = ~np.isnan(square)
    usual = ratio(np.nansum(square, axis=0), known.sum(axis=0).astype(float))
    relative = np.nan_to_num(ratio(square, np.broadcast_to(usual, shape)))  # 0 without a score
    folds, total = known.sum(axis=1), relative.sum(axis=1)
    mean = np.nan_to_num(ratio(total, folds.astype(float)))
    seen, freedom = folds > 0, int(np.maximum(folds - 1, 0).sum())
    overall = mean[seen].mean() if seen.any() else 0.0
    if freedom == 0 or seen.sum() < 2 or overall == 0:
        return np.ones(shape), np.ones(shape[0])
    apart = np.where(known, relative - mean[:, None], 0.0)
    within = np.nansum(ratio((apart**2).sum(axis=1), mean**2)) / freedom  # relative to the squared mean
    each = (1 / folds[seen]).mean()
    between = max(0.0, (mean[seen].var(ddof=1) - within * each * overall**2) / (1 + within * each))
    noise, typical = within * (between + overall**2), np.exp(np.log(mean[mean > 0]).mean())

    def size(total: Array, folds: npt.NDArray[np.intp]) -> Array:
        own = np.nan_to_num(ratio(folds * between, folds * between + noise))
        sizes = np.sqrt(own * np.nan_to_num(ratio(total, folds.astype(float))) / typical + 1 - own)
        return np.where(sizes > 0, sizes, 1.0)

    return size(total[:, None] - relative, folds[:, None] - known), size(total, folds)


def _quantiles(score: Array, step: Positions, fold: Positions, levels: Sequence[int], horizon: int) -> pd.DataFrame:
    levels = sorted(set(levels))
    order = np.argsort(step, kind="stable")
    score, step, fold = score[order], step[order], fold[order]
    widths, n = _widths(score, step, levels, horizon)
    widths = np.where(np.isnan(widths), np.nan, np.fmax(widths, _across(score, step, fold, levels, horizon)))
    rising = np.where(np.isnan(widths), np.nan, np.fmax.accumulate(widths, axis=1))
    table = pd.DataFrame(
        {
            STEP: np.repeat(np.arange(1, horizon + 1), len(levels)),
            "level": np.tile(np.array(levels, dtype=np.int64), horizon),
            "quantile": rising.ravel(),
            "n": n.ravel(),
        }
    )
    return table.assign(reason=[_reason(level, n) for level, n in zip(table["level"], table["n"], strict=True)])


def _across(score: Array, step: Positions, fold: Positions, levels: Sequence[int], horizon: int) -> Array:
    """The widths that cover a window, from the scores of other windows: horizon × levels, NaN with too few windows.

    Each window's scores in units of the other windows' widths are scores themselves. Their conformal quantile is the
    factor by which the widths of all windows but one, averaged geometrically, must be stretched to cover the window
    left out.
    """
    folds = np.unique(fold)
    others, beside = np.full((len(folds), horizon, len(levels)), np.nan), np.full((len(score), len(levels)), np.nan)
    for place, one in enumerate(folds):
        own = fold == one
        others[place] = _widths(score[~own], step[~own], levels, horizon)[0]
        width = others[place][step[own].clip(1, horizon) - 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            beside[own] = np.where((score[own] == 0)[:, None], 0 * width, score[own][:, None] / width)
    stretch = np.array([float(conformal(one[~np.isnan(one)], n)) for n, one in zip(levels, beside.T, strict=True)])
    known = ~np.isnan(others)
    with np.errstate(divide="ignore"):
        logs = np.where(known, np.log(others), 0.0).sum(axis=0)
    typical = np.where(known.any(axis=0), np.exp(logs / np.maximum(known.sum(axis=0), 1)), np.nan)
    return typical * np.where(np.isfinite(stretch), stretch, np.nan)


def _widths(score: Array, step: Positions, levels: Sequence[int], horizon: int) -> tuple[Array, npt.NDArray[np.int64]]:
    """The quantiles, non-decreasing in step and level, and the number of scores behind each: both horizon × levels.

    `score` and `step` are sorted by step.
    """
    ends = np.searchsorted(step, np.arange(horizon + 1), side="right")  # scores up to step s end at ends[s]
    pairs = [[_quantile(score, ends, at, level, horizon) for level in levels] for at in range(1, horizon + 1)]
    widths = np.array([[value for value, _ in row] for row in pairs]).reshape(horizon, len(levels))
    rising = np.fmax.accumulate(np.apply_along_axis(_rising, 0, widths), axis=1)
    return np.where(np.isnan(widths), np.nan, rising), np.array([[n for _, n in row] for row in pairs])


def _quantile(ordered: Array, ends: npt.NDArray[np.intp], at: int, level: int, horizon: int) -> tuple[float, int]:
    """The quantile at a step and the number of scores behind it; NaN if they cannot support the level."""
    need, reach = needed(level), 0
    while True:
        start, end = ends[max(at - reach, 1) - 1], ends[min(at + reach, horizon)]
        n = int(end - start)
        if not ((n < COMFORT * need and reach < horizon // 4) or (n < need and reach < horizon - 1)):
            break
        reach += 1
    return float(conformal(ordered[start:end], level)), n


def _rising(widths: Array) -> Array:
    """The closest widths that do not decrease with the step (isotonic regression); nulls are kept.

    With a running maximum, the noisiest step would widen all later ones: a nominal 80 % then covered 96 %.
    """
    from sklearn.isotonic import isotonic_regression

    known = ~np.isnan(widths)
    rising = widths.copy()
    if known.any():
        rising[known] = isotonic_regression(widths[known])
    return rising


def _bounds(
    y_hat: Array,
    step: Positions,
    scale: Array,
    quantiles: pd.DataFrame,
    levels: Sequence[int],
    non_negative: bool,
) -> dict[str, Array]:
    """`lo_*, hi_*` of each forecast, from the smallest level to the largest."""
    of_level = dict(tuple(quantiles.sort_values(STEP).groupby("level")["quantile"]))
    last = int(quantiles[STEP].max()) if len(quantiles) else 0
    row = step.clip(1, max(last, 1)) - 1
    bounds: dict[str, Array] = {}
    for level in sorted(set(levels)):
        width = of_level[level].to_numpy(dtype=float)[row] * scale if level in of_level else np.full(len(row), np.nan)
        lower = y_hat - width
        bounds[lo(level)] = np.minimum(np.maximum(lower, 0), y_hat) if non_negative else lower
        bounds[hi(level)] = y_hat + width
    return bounds


def _reason(level: int, n: int) -> str:
    return "" if n >= needed(level) else f"{level} % needs at least {needed(level)} scores, found {n}"
