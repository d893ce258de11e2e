"""Explanations: components of a forecast, reasons for its change since the last one, and choice of the model.

All explanations are additive: the components of a step sum to its published forecast, the parts of a bridge to the
change. Additive models supply their own components (`exact`). Other forecasts are decomposed from outside
(`descriptive`): the arithmetic holds, but does not show how the model works.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.core.documents import Json
from pipelines.forecasting.evaluation.fit import Fitted
from pipelines.forecasting.evaluation.metrics import Array, ratio
from pipelines.forecasting.evaluation.select import RUNNER_UP, SKILL
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.protocols import Explains
from pipelines.tables.schema import (
    BASELINE,
    COMPONENT,
    CUTOFF,
    DS,
    HOLIDAY,
    KEY,
    LEVEL,
    MEMBER,
    METRIC,
    MODEL,
    REST,
    TREND,
    UNIQUE_ID,
    VALUE,
    WEIGHT,
    Y_HAT,
    Y,
    season,
)

EXACT, DESCRIPTIVE = "exact", "descriptive"
METHOD = "method"
PART = "part"
PARTS = ("new actuals", "covariates", "refit", "model")

_CYCLES = 8  # newest cycles that make a pattern: few enough to be recent, enough to average out noise
_CHUNK = 2_000  # series at a time: bounds the memory of the dense histories
_LOOK_BACK = 100  # minimum steps: the level of a late series lies before the gap
_NOISE = 1e-13  # of a forecast's size: rounding differences due to summation order are no component
_TELLING = 0.05  # share of a pattern's squared size that must be distinct for its weight to be estimated

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Explanation:
    """`table`: `unique_id, ds, component, value`, sorted; `methods`: `unique_id, method`, one row per series."""

    table: pd.DataFrame
    methods: pd.DataFrame

    def as_json(self) -> Json:
        """The number of series per method, and the names of the exact ones; all others are descriptive."""
        exact = self.methods.loc[self.methods[METHOD] == EXACT, UNIQUE_ID]
        return {
            "methods": {EXACT: len(exact), DESCRIPTIVE: len(self.methods) - len(exact)},
            EXACT: exact.tolist(),
        }


def components(
    forecasts: pd.DataFrame,
    exact: pd.DataFrame,
    weights: pd.DataFrame,
    history: pd.DataFrame,
    season_lengths: Sequence[int],
) -> Explanation:
    """The components of each published forecast; per step they sum to its `y_hat`.

    `forecasts`: `unique_id, ds, y_hat` as published. `exact`: `unique_id, ds, member, component, value`, the models'
    own components. `weights`: `unique_id, member, weight`, summing to 1 per series. If all members of a series explain
    every step, it gets their weighted sum; otherwise it is described. Changes after the models, such as clipping at
    zero, are part of `rest`. A component that is 0 over the whole forecast is left out.
    """
    rows = forecasts.sort_values(KEY, ignore_index=True)
    exact = exact.astype({DS: rows[DS].dtype})  # empty tables may have any type
    told = exact.merge(weights[weights[WEIGHT] != 0], on=[UNIQUE_ID, MEMBER])
    series = _explained(rows, told, weights)
    is_exact = rows[UNIQUE_ID].isin(series).to_numpy()
    tables = [
        _long(rows[is_exact], _weighted(rows[is_exact], told)),
        describe(history, rows[~is_exact], season_lengths),
    ]
    ids = rows[UNIQUE_ID].drop_duplicates()
    methods = pd.DataFrame({UNIQUE_ID: ids, METHOD: np.where(ids.isin(series), EXACT, DESCRIPTIVE)})
    table = pd.concat([part for part in tables if len(part)] or tables[:1])
    return Explanation(table.sort_values(KEY, kind="stable", ignore_index=True), methods.reset_index(drop=True))


def describe(history: pd.DataFrame, forecasts: pd.DataFrame, season_lengths: Sequence[int]) -> pd.DataFrame:
    """Any forecast as level, seasons, trend and rest: `unique_id, ds, component, value`, summing to `y_hat`.

    `history`: `unique_id, ds, y` on the grid, sorted, y may be null. `forecasts`: `unique_id, ds, y_hat`, the steps
    right after it. In the unit of y: each `season` is the mean deviation of its phase from its cycle, over the newest
    cycles of the history, the short seasons taken out before the long; times the degree to which the forecast follows
    it (0 to 1), so that a flat forecast of a seasonal series has none. `level` is the mean of the last season without
    the seasons, 0 for a series without a value; `trend` the least-squares line through what is left of the forecast;
    `rest` all else. A season that does not occur twice in the history cannot be separated from noise and stays in
    `rest`.
    """
    rows = forecasts.sort_values(KEY, ignore_index=True)
    if rows.empty:
        return _long(rows, {})
    codes, ids = pd.factorize(rows[UNIQUE_ID])
    step = rows.groupby(codes).cumcount().to_numpy().astype(np.intp)
    values = rows[Y_HAT].to_numpy(dtype=float)
    owner = pd.Index(ids).get_indexer(pd.Index(history[UNIQUE_ID]))
    past = history.loc[owner >= 0, Y].to_numpy(dtype=float)
    owner = owner[owner >= 0]
    lengths = np.bincount(owner, minlength=len(ids))
    back = np.cumsum(lengths)[owner] - np.arange(len(owner))  # 1 for the last row of each history
    parts: list[dict[str, Array]] = []
    for first in range(0, len(ids), _CHUNK):
        ahead = slice(*np.searchsorted(codes, [first, first + _CHUNK]))
        behind = slice(*np.searchsorted(owner, [first, first + _CHUNK]))
        n = min(_CHUNK, len(ids) - first)
        longest = max(_CYCLES * max(season_lengths, default=1), _LOOK_BACK)
        width = min(longest, int(lengths[first : first + n].max(initial=0)))
        y = _dense(owner[behind] - first, width - back[behind], past[behind], (n, width))
        row, column = codes[ahead] - first, step[ahead]
        y_hat = _dense(row, column, values[ahead], (n, int(column.max()) + 1))
        matrices = _decompose(y, y_hat, lengths[first : first + n], season_lengths)
        parts.append({name: dense[row, column] for name, dense in matrices.items()})
    return _long(rows, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def exact_series(weights: pd.DataFrame, explaining: Collection[str]) -> list[str]:
    """The series whose members can all explain their forecasts; only their models are asked."""
    silent = weights.loc[(weights[WEIGHT] != 0) & ~weights[MEMBER].isin(explaining), UNIQUE_ID]
    return sorted(set(weights[UNIQUE_ID]) - set(silent))


class Listener:
    """Collects explanations of the forecasts of `ids` from models as they are iterated, so that each is loaded once."""

    def __init__(self, panel: Panel, h: int, ids: Iterable[str]) -> None:
        self.panel = panel
        self.h = h
        self.ids = frozenset(ids)
        self.heard: list[pd.DataFrame] = []

    def listen(self, fitted: Iterable[Fitted]) -> Iterator[Fitted]:
        """Yields the models unchanged, in the same order."""
        for one in fitted:
            wanted = self.ids.intersection(one.ids)
            if wanted and isinstance(one.forecaster, Explains):
                panel = self.panel.select(wanted)
                self.heard.append(
                    one.forecaster.explain(panel, self.h, panel.ahead(self.h)).assign(**{MEMBER: one.model})
                )
            yield one

    @property
    def exact(self) -> pd.DataFrame:
        """`unique_id, ds, member, component, value` of all models so far."""
        heard = [table for table in self.heard if len(table)]
        return pd.concat(heard, ignore_index=True) if heard else pd.DataFrame(columns=[*KEY, MEMBER, COMPONENT, VALUE])


def bridge(
    before: pd.DataFrame, actuals: pd.DataFrame, covariates: pd.DataFrame, refit: pd.DataFrame, now: pd.DataFrame
) -> pd.DataFrame:
    """Why a forecast changed: `unique_id, ds, part, value`, in the unit of y; the parts of a step sum to the change.

    Five paths `unique_id, ds, y_hat`, each with one more input replaced: `before`, as published; with the new
    `actuals`; with the `covariates` as known now; after a `refit` of the same model; `now`, as published. Covers the
    dates that both published forecasts have. If a path between them is missing, its part is 0 and its share is in the
    next part.
    """
    steps = before[[*KEY, Y_HAT]].merge(now[KEY], on=KEY).sort_values(KEY, ignore_index=True)
    keys = pd.MultiIndex.from_frame(steps[KEY])
    paths = [steps[Y_HAT].to_numpy(dtype=float)]
    for path in (actuals, covariates, refit, now):
        values = path.set_index(KEY)[Y_HAT].reindex(keys).to_numpy(dtype=float)
        paths.append(np.where(np.isnan(values), paths[-1], values))
    changes = np.diff(np.column_stack(paths), axis=1)
    table = steps.loc[steps.index.repeat(len(PARTS)), KEY].reset_index(drop=True)
    return table.assign(**{PART: np.tile(np.array(PARTS, dtype=object), len(steps)), VALUE: changes.ravel()})


def choice(champions: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """The reasons for each series' model: `unique_id, model, metric, windows, value, runner_up, runner_up_value,
    baseline_value, skill`, all from the windows on which the baseline has a value.

    `champions` as `select.champions` gives them, `metrics`: `unique_id, cutoff, model, metric, value`. Null without a
    window or runner-up; the skill is 1 − value / baseline_value.
    """
    facts = champions[[UNIQUE_ID, MODEL, METRIC, VALUE, RUNNER_UP, SKILL]]
    rows = metrics[metrics[METRIC].isin(facts[METRIC].unique()) & metrics[VALUE].notna()]
    rows = rows.merge(facts[[UNIQUE_ID, METRIC, RUNNER_UP]], on=[UNIQUE_ID, METRIC])
    judged = rows[rows[MODEL] == BASELINE]
    windows = judged.groupby(UNIQUE_ID)[CUTOFF].nunique()
    second = rows[rows[MODEL].astype(object) == rows[RUNNER_UP]].merge(
        judged[[UNIQUE_ID, CUTOFF]], on=[UNIQUE_ID, CUTOFF]
    )
    ids = facts[UNIQUE_ID]
    return pd.DataFrame(
        {
            **{name: facts[name] for name in (UNIQUE_ID, MODEL, METRIC)},
            "windows": ids.map(windows).fillna(0).astype(int),
            **{name: facts[name] for name in (VALUE, RUNNER_UP)},
            "runner_up_value": ids.map(second.groupby(UNIQUE_ID)[VALUE].mean()).astype(float),
            "baseline_value": ids.map(judged.groupby(UNIQUE_ID)[VALUE].mean()).astype(float),
            SKILL: facts[SKILL],
        }
    ).reset_index(drop=True)


def _explained(rows: pd.DataFrame, told: pd.DataFrame, weights: pd.DataFrame) -> pd.Index:
    """The series whose members with a weight have all explained every step of `rows`."""
    members = weights[weights[WEIGHT] != 0].groupby(UNIQUE_ID).size()
    steps = told[[*KEY, MEMBER]].drop_duplicates().merge(rows[KEY], on=KEY)
    counts, needed = steps.groupby(UNIQUE_ID).size(), rows.groupby(UNIQUE_ID).size() * members
    return counts.index[counts == needed.reindex(counts.index)]


def _weighted(rows: pd.DataFrame, told: pd.DataFrame) -> dict[str, Array]:
    """Each component over `rows`, weighted over the members; `rest` is the difference from `y_hat`."""
    at = pd.MultiIndex.from_frame(rows[KEY]).get_indexer(pd.MultiIndex.from_frame(told[KEY]))
    told, at = told[at >= 0], at[at >= 0]
    values = told[VALUE].to_numpy(dtype=float) * told[WEIGHT].to_numpy(dtype=float)
    codes, names = pd.factorize(told[COMPONENT])
    flat = np.bincount(at * len(names) + codes, weights=values, minlength=len(rows) * len(names))
    sums = dict(zip(names, flat.reshape(len(rows), len(names)).T, strict=True))
    parts: dict[str, Array] = {str(name): sums[name] for name in sorted(sums, key=_place) if name != REST}
    size = np.abs(list(parts.values())).sum(axis=0) if parts else np.zeros(len(rows))
    return _with_rest(rows[Y_HAT].to_numpy(dtype=float), parts, size)


def _with_rest(y_hat: Array, parts: dict[str, Array], size: Array) -> dict[str, Array]:
    """The parts and the `rest`, their difference from `y_hat`, set to 0 if negligible compared with `size`."""
    rest = y_hat - sum(parts.values(), np.zeros_like(y_hat))
    return parts | {REST: _audible(rest, size)}


def _audible(values: Array, size: Array) -> Array:
    return np.where(np.abs(values) <= _NOISE * size, 0.0, values)


def _place(component: str) -> tuple[int, int, str]:
    """Sort key of a component: level, trend, the seasons by length, holiday, covariates, rest."""
    word, _, length = component.partition(" ")
    if word == "season" and length.isdigit():
        return 2, int(length), component
    return {LEVEL: 0, TREND: 1, HOLIDAY: 3, REST: 5}.get(component, 4), 0, component


def _long(rows: pd.DataFrame, parts: Mapping[str, Array]) -> pd.DataFrame:
    """One row per component and step, without components that are 0 over a series' whole forecast.

    `rows` are sorted; `parts` has one value per row for each component. A forecast of 0 keeps its first component.
    """
    if rows.empty:
        return pd.DataFrame({UNIQUE_ID: [], DS: pd.to_datetime([]), COMPONENT: [], VALUE: []})
    values = np.column_stack(list(parts.values()))
    starts = np.flatnonzero(np.r_[True, np.diff(pd.factorize(rows[UNIQUE_ID])[0]) != 0])
    kept = np.logical_or.reduceat(values != 0, starts)
    kept[~kept.any(axis=1), 0] = True
    mask = np.repeat(kept, np.diff(np.r_[starts, len(rows)]), axis=0)
    at, column = np.nonzero(mask)
    table = rows[KEY].take(at).reset_index(drop=True)
    return table.assign(**{COMPONENT: np.array(list(parts), dtype=object)[column], VALUE: values[at, column]})


def _dense(row: npt.NDArray[np.intp], column: npt.NDArray[np.intp], values: Array, shape: tuple[int, int]) -> Array:
    """The values placed in an array of `shape`, NaN elsewhere; values left of its first column are dropped."""
    dense = np.full(shape, np.nan)
    inside = column >= 0
    dense[row[inside], column[inside]] = values[inside]
    return dense


def _decompose(
    y: Array, y_hat: Array, lengths: npt.NDArray[np.intp], season_lengths: Sequence[int]
) -> dict[str, Array]:
    """The components of `y_hat`, each of its shape (n, h).

    `y` (n, width) are the histories, ending in the last column; `lengths` how many rows each has, known or not.
    """
    unit = np.fmax(_largest(y), _largest(y_hat))[:, None]  # squares of huge values would overflow
    unit = np.where(unit > 0, unit, 1.0)
    past, path = y / unit, y_hat / unit
    lags = sorted({m for m in season_lengths if m > 1})
    ages = np.arange(y.shape[1]) - y.shape[1]
    flat = past - _drift(past, lags, lengths)[:, None] * ages
    patterns = {}
    for m in lags:
        cycles = max(_CYCLES, -(-2 * lags[-1] // m))  # fewer could mistake a long season for this one
        pattern = _pattern(flat, m, cycles, lengths)
        flat, past = flat - pattern[:, ages % m], past - pattern[:, ages % m]
        patterns[m] = pattern[:, np.arange(y_hat.shape[1]) % m]
    level = _newest_mean(past, season_lengths[0] if len(season_lengths) else 1)[:, None]
    size = np.fmax(np.abs(level), _largest(path)[:, None])
    seasons = np.stack([*patterns.values()], axis=1) if patterns else np.zeros((len(y), 0, y_hat.shape[1]))
    seasons = _audible(_shares(path - level, seasons) * seasons, size[:, :, None])
    trend = _audible(_line(path - level - seasons.sum(axis=1)), size)
    parts = {LEVEL: np.broadcast_to(level, y_hat.shape), TREND: trend}
    parts |= {season(m): seasons[:, at] for at, m in enumerate(patterns)}
    return _with_rest(y_hat, {name: values * unit for name, values in parts.items()}, size * unit)


def _drift(y: Array, lags: Sequence[int], lengths: npt.NDArray[np.intp]) -> Array:
    """The slope per step of each history, from the means of the cycles of the longest season that it holds twice."""
    drift = np.zeros(len(y))
    for m in lags:
        values, known, counts = _cycles(y, m, _CYCLES, lengths)
        means = np.where(counts, _mean(values, known, axis=2), np.nan)
        drift = np.where(counts.sum(axis=1) >= 2, _slope(means) / m, drift)
    return drift


def _pattern(y: Array, m: int, cycles: int, lengths: npt.NDArray[np.intp]) -> Array:
    """The seasonal pattern (n, m) of histories (n, width) without drift; the step after the last column has phase 0.

    The mean over the newest cycles of each value's deviation from its cycle's mean, itself centred at 0. With fewer
    than two cycles the pattern is 0.
    """
    values, known, counts = _cycles(y, m, cycles, lengths)
    pattern = _mean(values - _mean(values, known, axis=2)[:, :, None], known, axis=1)
    pattern -= pattern.mean(axis=1, keepdims=True)
    return np.where(counts.sum(axis=1, keepdims=True) >= 2, pattern, 0.0)


def _cycles(y: Array, m: int, cycles: int, lengths: npt.NDArray[np.intp]) -> tuple[Array, Mask, Mask]:
    """The newest cycles of each history (n, cycles, m), a mask of the values that count, and of the cycles (n, cycles).

    A cycle counts if it lies within the history and half of its values are known.
    """
    cycles = min(cycles, y.shape[1] // m)
    values = y[:, y.shape[1] - cycles * m :].reshape(len(y), cycles, m)
    known = ~np.isnan(values)
    counts = (2 * known.sum(axis=2) >= m) & (np.arange(cycles, 0, -1) * m <= lengths[:, None])
    return values, known & counts[:, :, None], counts


def _newest_mean(y: Array, n: int) -> Array:
    """The mean of the last `n` known values of each row; 0 where none is known."""
    known = ~np.isnan(y)
    newest = known & (np.cumsum(known[:, ::-1], axis=1)[:, ::-1] <= n)
    return _mean(y, newest, axis=1)


def _shares(path: Array, patterns: Array) -> Array:
    """How much of each pattern (n, seasons, h) a path (n, h) follows, 0 to 1, shape (n, seasons, 1).

    Least squares after removing the lines of all. A pattern whose share cannot be estimated is assumed to be followed:
    one that is almost a line over these steps, as over one or two, or one that resembles another.
    """
    steps = np.isnan(path)[:, None, :]
    shapes = np.where(steps, np.nan, patterns)
    bare = np.stack([shape - _line(shape) for shape in shapes.swapaxes(0, 1)], axis=1) if patterns.shape[1] else shapes
    bare, shapes = np.nan_to_num(bare), np.nan_to_num(shapes)
    square, whole = ((values**2).sum(axis=2, keepdims=True) for values in (bare, shapes))
    size = np.sqrt(np.where(square > _TELLING * whole, square, np.inf))
    beyond = np.nan_to_num(path - _line(path)) - bare.sum(axis=1)
    unit = bare / size  # so that small patterns count, too
    solve = np.linalg.pinv(unit @ unit.swapaxes(1, 2), rcond=_TELLING, hermitian=True)
    shares: Array = np.clip(1 + solve @ (unit @ beyond[:, :, None]) / size, 0, 1)
    return shares


def _line(path: Array) -> Array:
    """The least-squares line through each row of (n, h), over its known values; NaN where the row is NaN."""
    known = ~np.isnan(path)
    steps = np.broadcast_to(np.arange(path.shape[1], dtype=float), path.shape)
    centre = _mean(steps, known, axis=1)[:, None]
    line: Array = _mean(path, known, axis=1)[:, None] + _slope(path)[:, None] * (steps - centre)
    return np.where(known, line, np.nan)


def _slope(values: Array) -> Array:
    """The least-squares slope per column of each row over its known values; 0 for fewer than two."""
    known = ~np.isnan(values)
    steps = np.broadcast_to(np.arange(values.shape[1], dtype=float), values.shape)
    away = np.where(known, steps - _mean(steps, known, axis=1)[:, None], 0.0)
    return np.nan_to_num(ratio((away * np.where(known, values, 0.0)).sum(axis=1), (away**2).sum(axis=1)))


def _mean(values: Array, counted: Mask, axis: int) -> Array:
    """The mean of the counted values along an axis; 0 without any."""
    total: Array = np.where(counted, values, 0.0).sum(axis=axis)
    mean: Array = total / np.maximum(counted.sum(axis=axis), 1)
    return mean


def _largest(values: Array) -> Array:
    """The largest size in each row; 0 for a row without a value."""
    largest: Array = np.where(np.isnan(values), 0.0, np.abs(values)).max(axis=1, initial=0.0)
    return largest
