"""Drift of a feature: its current distribution over bins compared with that of the reference period.

The population stability index of two samples of one distribution is not 0: it is about (1/N + 1/M) times a chi-squared
variable with bins − 1 degrees of freedom (Yurdakul 2018). The threshold follows from this, with N and M reduced for
autocorrelation. Seasons are removed first, so that a December is compared with other Decembers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from pipelines.forecasting import frequency
from pipelines.forecasting.evaluation.metrics import Array, Positions, ratio
from pipelines.forecasting.monitoring import evidence
from pipelines.forecasting.monitoring.evidence import CALM, STATUS
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.thresholds import Drift, Evidence
from pipelines.tables.schema import DS, UNIQUE_ID, Y

FEATURE = "feature"
COLUMNS = [UNIQUE_ID, "as_of", FEATURE, "psi", "threshold", "n_reference", "n_current", STATUS, "p_value", CALM]

_CELLS = 2_000_000  # values at a time, to bound memory
_LAGS = 40  # most lags of autocorrelation
_REPEATS = 3  # cycles of a season in the reference that are needed to remove it
_DISCRETE = 10  # a feature with at most this many values is categorical and has no level
_YEAR = pd.Timedelta(days=365)
_REFERENCE = 1_100  # days (three years), and at least this many steps


@dataclass(frozen=True)
class Bins:
    """The reference of n series, frozen. `edges`, (n, bins − 1), ascend; a value on an edge belongs to the bin below,
    and there is no bin between equal edges. `inside`, (n, bins), and `count`, (n,), are numbers of values; `worth`,
    (n,), is the worth of one value.
    """

    edges: Array
    inside: Array
    count: Array
    worth: Array

    @property
    def freedom(self) -> Array:
        """Number of existing bins minus one."""
        return np.asarray((np.diff(self.edges, axis=1) > 0).sum(axis=1) + 1.0)

    @classmethod
    def freeze(cls, reference: Array, bins: int) -> "Bins":
        """Bins of equal shares, as far as ties allow, from the reference sample (n, steps), null where unknown."""
        ordered = np.sort(reference, axis=1)  # nulls last
        count = np.isfinite(ordered).sum(axis=1)
        ranks = np.ceil(np.arange(1, bins) / bins * count[:, None]).astype(np.intp) - 1
        edges = np.take_along_axis(ordered, np.maximum(ranks, 0), axis=1)
        largest = np.take_along_axis(ordered, np.maximum(count - 1, 0)[:, None], axis=1)
        constant = ordered[:, :1] == largest
        # the largest value may be a bin of its own
        edges = np.where(edges == largest, np.nextafter(largest, -np.inf), edges)
        # a constant lies between bins for smaller and larger values
        edges[:, 1:] = np.where(constant, largest, edges[:, 1:])
        return cls(edges, counts(reference, edges), count.astype(np.float64), worth(reference, count))

    def psi(self, tally: Array) -> Array:
        """Σ (q − p) ln(q / p) over the bins, (n,); `tally`: current number of values per bin.

        Half a value is added to each bin before computing shares: an empty bin is rare, not impossible.
        """
        real = np.concatenate(
            [np.diff(self.edges, axis=1, prepend=-np.inf) > 0, np.ones((len(tally), 1), bool)], axis=1
        )
        p, q = (_shares(values, real) for values in (self.inside, tally))
        return np.asarray(np.where(real, (q - p) * np.log(ratio(q, p) + ~real), 0.0).sum(axis=1))

    def p_value(self, tally: Array, size: tuple[Array, Array]) -> Array:
        """The p-value of equal distributions over the bins, (n,), by Pearson's test of homogeneity.

        Its tail is accurate, while that of the PSI is too heavy for thousands of series. `size`: effective sample
        sizes.
        """
        p, q = (ratio(n, np.broadcast_to(n.sum(axis=1, keepdims=True), n.shape)) for n in (self.inside, tally))
        n, m = (worth[:, None] for worth in size)
        pooled = (n * p + m * q) / np.maximum(n + m, 1e-9)
        terms = ratio(n * (p - pooled) ** 2 + m * (q - pooled) ** 2, pooled)
        return np.asarray(stats.chi2.sf(np.nansum(terms, axis=1), self.freedom))


def counts(sample: Array, edges: Array) -> Array:
    """The number of values of each row per bin, (n, bins)."""
    below = np.stack([(sample <= edges[:, [place]]).sum(axis=1) for place in range(edges.shape[1])], axis=1)
    known = np.isfinite(sample).sum(axis=1)[:, None]
    return np.diff(np.concatenate([below, known], axis=1), axis=1, prepend=0).astype(np.float64)


def worth(sample: Array, count: npt.NDArray[np.intp]) -> Array:
    """The effective sample size per value, (n,): 1 / (1 + 2 Σ ρ), summed up to the first insignificant lag.

    Autocorrelation divides the effective size of a mean accordingly (Bayley & Hammersley 1946). At most 1.
    """
    n = np.maximum(count, 1)[:, None]
    known = np.isfinite(sample)
    centred = np.where(known, sample - np.nansum(sample, axis=1, keepdims=True) / n, 0.0)
    square = np.maximum((centred**2).sum(axis=1), np.finfo(float).tiny)
    total, going = np.zeros(len(sample)), np.ones(len(sample), dtype=bool)
    noise = 2 / np.sqrt(n[:, 0])
    for lag in range(1, min(_LAGS, sample.shape[1] // 4) + 1):
        rho = np.einsum("ij,ij->i", centred[:, lag:], centred[:, :-lag]) / square
        going &= rho > noise
        total += np.where(going, rho, 0.0)
        if not going.any():
            break
    return np.asarray(1 / (1 + 2 * total))


def chance(freedom: Array, n_reference: Array, n_current: Array, share: float) -> Array:
    """The PSI that two samples of one distribution exceed with probability `share`, given their effective sizes."""
    size = _inverse(n_reference) + _inverse(n_current)
    return np.asarray(size * stats.chi2.isf(share, np.maximum(freedom, 1)))


def without_season(values: Array, phases: Sequence[Positions], reference: npt.NDArray[np.bool_]) -> Array:
    """`values` (n, steps) minus the mean of the `reference` steps at the same phase of each season in turn."""
    remainder = values
    for phase in phases:
        for place in np.unique(phase[reference]):
            at = phase == place
            told = remainder[:, at & reference]
            n = np.isfinite(told).sum(axis=1)
            level = np.where(n > 0, np.nansum(told, axis=1) / np.maximum(n, 1), 0.0)
            remainder = remainder if remainder is not values else values.copy()
            remainder[:, at] -= level[:, None]
    return remainder


def drift(
    panel: Panel, trained_to: pd.Timestamp, before: pd.DataFrame, settings: Drift, wanted: Evidence
) -> pd.DataFrame:
    """The table of drift, `COLUMNS`: current window against reference for the target and each covariate of each series.

    The current window is the newest `window` steps of the panel. The reference ends `window` steps before `trained_to`,
    the newest step that the production run has seen, so the two never overlap and the reference is fixed while the run
    serves. `before`: this table from the previous monitoring.
    """
    grid = pd.DatetimeIndex(np.sort(panel.history[DS].unique()))
    window = width(panel, settings)
    last = int(grid.searchsorted(trained_to, side="right")) - 1 - window
    steps = np.arange(len(grid))
    then = (steps <= last) & (steps > last - _reach(panel, settings))
    now = (steps > len(grid) - 1 - window) & (steps > last)
    kept = then | now
    phases = _phases(grid[kept], panel, then[kept])
    alike = _alike(phases, then[kept], now[kept])
    parts = []
    for ids, feature, values in _dense(panel, grid, kept):
        kind = len(np.unique(values[:50][np.isfinite(values[:50])])) <= _DISCRETE
        plain = values if kind else without_season(values, phases, then[kept])
        parts.append(
            _measure(ids, feature, plain[:, then[kept]], plain[:, now[kept]], 1.0 if kind else alike, settings)
        )
    table = pd.concat(parts, ignore_index=True)
    table["as_of"] = grid[-1]
    insufficient = (table[["n_reference", "n_current"]].min(axis=1) < settings.least).to_numpy()
    p_value = np.where(insufficient, np.nan, table["p_value"].to_numpy())
    over = (table["psi"] > table["threshold"]).to_numpy()
    alert = np.zeros(len(table), dtype=bool)
    for rows in table.groupby(FEATURE, sort=False).indices.values():
        alert[rows] = evidence.discoveries(p_value[rows], wanted.false_discoveries, wanted.correction)
    table[STATUS] = evidence.grade(insufficient, over, over & alert)
    settled = evidence.settle(table, before, [UNIQUE_ID, FEATURE], wanted.clear_after)
    return settled.sort_values([UNIQUE_ID, FEATURE], ignore_index=True)[COLUMNS]


def width(panel: Panel, settings: Drift) -> int:
    """The steps of the current window: as set, or two horizons, at least the `least` sample, in whole seasons."""
    if settings.window is not None:
        return settings.window
    season = min(panel.season_lengths)
    return -(-max(2 * (panel.horizon or 1), settings.least) // season) * season


def _reach(panel: Panel, settings: Drift) -> int:
    """The steps of the reference: as set, or three years."""
    return settings.reference or max(_REFERENCE, frequency.steps_in(_REFERENCE, panel.frequency))


def _measure(
    ids: list[str], feature: str, reference: Array, current: Array, alike: float, settings: Drift
) -> pd.DataFrame:
    """The drift of one feature, without a status."""
    bins = Bins.freeze(reference, settings.bins)
    tally = counts(current, bins.edges)
    n_current = tally.sum(axis=1)
    size = bins.count * bins.worth * alike, n_current * bins.worth
    known = (bins.count > 0) & (n_current > 0)
    threshold = np.maximum(settings.psi, chance(bins.freedom, *size, settings.chance))
    return pd.DataFrame(
        {
            UNIQUE_ID: ids,
            FEATURE: feature,
            "psi": np.where(known, bins.psi(tally), np.nan),
            "threshold": np.where(known, threshold, np.nan),
            "n_reference": bins.count.astype(np.int64),
            "n_current": n_current.astype(np.int64),
            "p_value": np.where(known, bins.p_value(tally, size), np.nan),
        }
    )


def _alike(phases: Sequence[Positions], then: npt.NDArray[np.bool_], now: npt.NDArray[np.bool_]) -> float:
    """The share of the reference at the same phases as the current window; only these determine its level."""
    same = np.logical_and.reduce([np.isin(phase, phase[now]) for phase in phases]) if phases else then
    return float((same & then).sum() / max(then.sum(), 1))


def _phases(grid: pd.DatetimeIndex, panel: Panel, reference: npt.NDArray[np.bool_]) -> list[Positions]:
    """The phases of the steps in the longest season repeated in the reference, and in the year if it covers one."""
    n = int(reference.sum())
    season = max((m for m in panel.season_lengths if m > 1 and _REPEATS * m <= n), default=1)
    phases = [frequency.phase(grid, panel.frequency, season)] if season > 1 else []
    then = grid[reference]
    if len(then) and then[-1] - then[0] >= _YEAR and frequency.typical_step(panel.frequency) < pd.Timedelta(days=28):
        phases.append(np.asarray(grid.month, dtype=np.intp))
    return phases


def _dense(panel: Panel, grid: pd.DatetimeIndex, kept: npt.NDArray[np.bool_]) -> Iterator[tuple[list[str], str, Array]]:
    """Yields one feature of a batch of series: series names, feature name, and values (n, kept steps)."""
    history = panel.history
    codes, names = pd.factorize(history[UNIQUE_ID])  # sorted, as the history is
    place = np.cumsum(kept) - 1
    column = grid.get_indexer(pd.DatetimeIndex(history[DS]))
    inside = kept[column]
    rows, columns = codes[inside], place[column[inside]]
    width = int(kept.sum())
    chunk = max(1, _CELLS // max(width, 1))
    for feature in (Y, *panel.future, *panel.past):
        values = _numbers(history[feature])[inside]
        for first in range(0, len(names), chunk):
            start, end = np.searchsorted(rows, [first, first + chunk])
            dense = np.full((min(chunk, len(names) - first), width), np.nan)
            dense[rows[start:end] - first, columns[start:end]] = values[start:end]
            yield list(names[first : first + chunk]), feature, dense


def _numbers(column: pd.Series) -> Array:
    """A feature as numbers; text by its rank among the sorted values, with empty values (no event) first."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=np.float64)
    return pd.factorize(column.astype(str).where(column.notna(), ""), sort=True)[0].astype(np.float64)


def _shares(count: Array, real: npt.NDArray[np.bool_]) -> Array:
    """Shares from counts with half a value added to each existing bin."""
    soft = np.where(real, count + 0.5, 0.0)
    return np.asarray(soft / soft.sum(axis=1, keepdims=True))


def _inverse(size: Array) -> Array:
    """1 / size, inf for size 0."""
    return np.asarray(np.divide(1.0, size, out=np.full(size.shape, np.inf), where=size > 0))
