"""Coverage and sharpness of intervals over all points, by step and by segment."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipelines.forecasting.evaluation.intervals import SCALE
from pipelines.forecasting.evaluation.metrics import Array, Positions, covered, interval_score, ratio, sums
from pipelines.tables.schema import CUTOFF, STEP, UNIQUE_ID, Y, hi, lo

ALL = "all"
CURVE = "curve"  # as `all`, for the levels of the `LADDER`, whether published or not
LADDER = (20, 40, 60, 80, 90, 95)
CLASS = "demand_class"
COLUMNS = ["level", "by", "group", "n", "n_effective", "coverage", "msis"]

_MOST = 50  # values of an attribute; one with more identifies series rather than segments
_TOLERANCE = 0.05  # shortfall in coverage without a note
_ERRORS = 3.0  # standard errors attributed to chance
_NAMED = 5  # groups named in a note
_NOT_KNOWN = "not known"


def segments(profile: pd.DataFrame, attributes: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """`unique_id` with the segments as text (demand class and `attributes`), and why attributes were left out.

    `profile`: one row per series. An attribute with over 50 values makes no segments; missing values form a segment.
    """
    names, left_out = [], []
    for name in (CLASS, *attributes):
        values = profile[name].nunique(dropna=False)
        if values > _MOST or name in (ALL, STEP, CURVE):
            why = f"it has {values:,} values, over {_MOST}" if values > _MOST else "its name has a meaning here"
            left_out.append(f"The calibration is not reported by {name}: {why}.")
        else:
            names.append(name)
    return profile[[UNIQUE_ID]].assign(**{name: profile[name].map(_text) for name in names}), left_out


def measure(
    rows: pd.DataFrame, scales: pd.DataFrame, segments: pd.DataFrame, levels: Sequence[int], horizon: int
) -> pd.DataFrame:
    """`level, by, group, n, n_effective, coverage, msis` over all points, per step and per segment of series.

    `rows`: `unique_id, cutoff, step, y, lo_*, hi_*` with bounds computed without the errors of their own fold.
    `scales`: `unique_id, cutoff, scale`, the in-sample error of the seasonal naive. `segments`: one row per series.

    - by: `all`, `step` (groups 1 … `horizon`) or the name of a segment; groups are text
    - n: the points that have an actual and both bounds
    - n_effective: the equivalent number of independent points, n / (1 + (m − 1) ρ), where m points share a step of a
      window and ρ is the correlation of hits at one step (Kish 1965), since series err together
    - coverage = share of these within their bounds, a fraction; levels are in percent
    - msis = mean of interval score / scale over those with a positive scale, unitless (M4)

    Null without such points; empty groups are listed, too.
    """
    rows = rows[rows[Y].notna()]
    y = rows[Y].to_numpy(dtype=float)
    scale = rows[[UNIQUE_ID, CUTOFF]].merge(scales, on=[UNIQUE_ID, CUTOFF], how="left")[SCALE].to_numpy(dtype=float)
    groups = list(_groups(rows, segments, horizon))
    moments = pd.factorize(rows[CUTOFF])[0] * horizon + rows[STEP].to_numpy().astype(np.intp) - 1
    alike = [_alike(code, moments, len(names)) for _, code, names in groups]
    parts = []
    for level in sorted(set(levels)):
        lower, upper = (rows[bound(level)].to_numpy(dtype=float) for bound in (lo, hi))
        inside, score = covered(y, lower, upper), ratio(interval_score(y, lower, upper, level), scale)
        rho = _correlation(inside, moments)
        for (by, code, names), m in zip(groups, alike, strict=True):
            n, coverage = _means(code, inside, len(names))
            told = {
                "level": level,
                "by": by,
                "group": names,
                "n": n,
                "n_effective": n / (1 + (m - 1) * rho),
                "coverage": coverage,
                "msis": _means(code, score, len(names))[1],
            }
            parts.append(pd.DataFrame(told))
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def curve(rows: pd.DataFrame, scales: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """`measure` over all points for the levels of the `LADDER`; `rows` needs their bounds."""
    whole = measure(rows, scales, rows[[UNIQUE_ID]].drop_duplicates(), LADDER, horizon)
    return whole[whole["by"] == ALL].assign(by=CURVE)


def shortfalls(table: pd.DataFrame) -> pd.DataFrame:
    """The groups whose coverage is over 0.05 and over 3 standard errors (binomial, of `n_effective` points) too low."""
    nominal = table["level"] / 100
    short = (nominal - table["coverage"]).round(12)  # in floating point, 0.8 − 0.75 exceeds 0.05
    error = np.sqrt(nominal * (1 - nominal) / table["n_effective"].where(table["n"] > 0))
    return table[(short > _TOLERANCE) & (short > _ERRORS * error)]


def notes(table: pd.DataFrame) -> list[str]:
    """One sentence per level and kind of group with too little coverage, worst groups first."""
    sentences = []
    for (level, by), rows in shortfalls(table).groupby(["level", "by"], sort=False):
        worst = rows.sort_values("coverage", kind="stable").head(_NAMED)
        named = [f"{group} ({_percent(value)})" for group, value in zip(worst["group"], worst["coverage"], strict=True)]
        more = f" and {len(rows) - len(worst):,} more" if len(rows) > len(worst) else ""
        where = f"overall ({_percent(rows['coverage'].iloc[0])})" if by == ALL else f"for {by} {', '.join(named)}{more}"
        sentences.append(f"The {level} % intervals cover over {100 * _TOLERANCE:.0f} points too little {where}.")
    return sentences


def _groups(rows: pd.DataFrame, segments: pd.DataFrame, horizon: int) -> Iterator[tuple[str, Positions, list[str]]]:
    """For each kind of group: its name, the index of each row's group, and the names of the groups."""
    yield ALL, np.zeros(len(rows), dtype=np.intp), [ALL]
    yield STEP, rows[STEP].to_numpy().astype(np.intp) - 1, [str(step) for step in range(1, horizon + 1)]
    series, ids = pd.factorize(rows[UNIQUE_ID])
    known = segments.set_index(UNIQUE_ID).reindex(ids)
    for name in known.columns:
        code, values = pd.factorize(known[name].fillna(_NOT_KNOWN), sort=True)
        yield str(name), code[series], list(values)


def _alike(code: Positions, moments: Positions, n: int) -> Array:
    """The mean number of points per moment in each of `n` groups, at least 1."""
    width = int(moments.max(initial=0)) + 1
    count = np.bincount(code * width + moments, minlength=n * width).reshape(n, width)
    return np.asarray(count.sum(axis=1) / np.maximum((count > 0).sum(axis=1), 1)).clip(min=1.0)


def _correlation(inside: Array, moments: Positions) -> float:
    """The correlation of hits at one moment, 0 to 1: the variation of coverage between moments beyond chance."""
    n, coverage = _means(moments, inside, int(moments.max(initial=0)) + 1)
    known = n > 1
    if known.sum() < 2:
        return 0.0
    size, share = n[known].astype(float), coverage[known]
    mean = float(np.average(share, weights=size))
    chance = mean * (1 - mean)
    if chance == 0:
        return 0.0
    m, spread = float(size.mean()), float(np.average((share - mean) ** 2, weights=size))
    return float(np.clip((m * spread / chance - 1) / (m - 1), 0, 1))


def _means(code: Positions, values: Array, n: int) -> tuple[Positions, Array]:
    """The number of known values in each of `n` groups, and their mean."""
    known = ~np.isnan(values)
    count = sums(code[known], np.ones(known.sum()), n)
    return count.astype(np.intp), ratio(sums(code[known], values[known], n), count)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _text(value: Any) -> str:
    """A value as a group's name: whole numbers without decimals, a word for missing values."""
    if pd.isna(value):
        return _NOT_KNOWN
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
