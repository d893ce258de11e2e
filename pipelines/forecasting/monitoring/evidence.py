"""Statistical evidence: variances from few folds, discoveries among many series, and hysteresis of statuses."""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, special, stats

from pipelines.forecasting.evaluation.metrics import Array

Flags = npt.NDArray[np.bool_]
Method = Literal["bh", "by"]

INSUFFICIENT, OK = "insufficient", "ok"
WARN: Final = "warn"
ALERT: Final = "alert"
STATUSES = (INSUFFICIENT, OK, WARN, ALERT)  # from the least to the most severe
STATUS, CALM, AS_OF = "status", "calm", "as_of"


def moderated(squares: Array, freedom: int) -> tuple[Array, Array]:
    """The variance of each series, shrunk towards the usual one, and its degrees of freedom (Smyth 2004, limma).

    `squares`: mean squares with `freedom` degrees each, shape (n,), null where unknown. The weight of the prior follows
    from the spread of log squares beyond chance: similar series share all their degrees of freedom, different series
    keep their own. Null without degrees of freedom.
    """
    nothing = np.full(squares.shape, np.nan)
    if freedom < 1:
        return nothing, nothing
    known = np.isfinite(squares)
    positive = squares[known & (squares > 0)]
    half = freedom / 2
    if len(positive) < 2:
        return np.where(known, squares, np.nan), np.where(known, float(freedom), np.nan)
    logs = np.log(positive) - special.digamma(half) + np.log(half)
    spread = float(logs.var(ddof=1) - special.polygamma(1, half))
    pooled = float(freedom * len(positive))
    if spread <= 1e-6:
        return np.where(known, np.exp(logs.mean()), np.nan), np.where(known, pooled, np.nan)
    prior = 2 * _inverse_trigamma(spread)
    usual = np.exp(logs.mean() + special.digamma(prior / 2) - np.log(prior / 2))
    variance = (prior * usual + freedom * squares) / (prior + freedom)
    return np.where(known, variance, np.nan), np.where(known, min(prior + freedom, pooled), np.nan)


def discoveries(p_values: Array, rate: float, method: Method = "bh") -> Flags:
    """Which tests are discoveries at a false discovery rate of `rate` (Benjamini & Hochberg 1995; & Yekutieli 2001)."""
    known = np.isfinite(p_values)
    flags = np.zeros(p_values.shape, dtype=bool)
    if known.any():
        flags[known] = stats.false_discovery_control(p_values[known], method=method) <= rate
    return flags


def normal_score(t: Array, freedom: Array) -> Array:
    """The standard normal quantile with the same tail probability as `t` of Student's distribution with `freedom`."""
    return np.asarray(np.sign(t) * stats.norm.isf(stats.t.sf(np.abs(t), freedom)))


def settle(table: pd.DataFrame, before: pd.DataFrame, keys: list[str], clear_after: int) -> pd.DataFrame:
    """`table` with the settled `status`, and `calm`: how many monitorings in a row have found a less severe one.

    A status rises at once, and falls after `clear_after` monitorings in a row with a less severe one. Repeated
    monitorings of the same `as_of` count once. `insufficient` applies at once. `before`: `keys`, `status, calm` and,
    like `table`, `as_of`.
    """
    told = [name for name in (STATUS, CALM, AS_OF) if name in before]
    earlier = table[keys].merge(before[[*keys, *told]], on=keys, how="left", validate="one_to_one")
    again = (
        (earlier[AS_OF] == table[AS_OF]).to_numpy() if AS_OF in told and AS_OF in table else np.zeros(len(table), bool)
    )
    rank = {name: place for place, name in enumerate(STATUSES)}
    now = table[STATUS].map(rank).to_numpy()
    then = earlier[STATUS].map(rank).astype(float).fillna(0).to_numpy(dtype=np.int64)
    for_now = np.maximum(earlier[CALM].astype(float).fillna(0).to_numpy() + ~again, 1)
    calm = np.where((now < then) & (now > 0), for_now, 0).astype(np.int64)
    holds = (calm > 0) & (calm < clear_after)
    names = np.array(STATUSES, dtype=object)
    return table.assign(**{STATUS: names[np.where(holds, then, now)], CALM: np.where(holds, calm, 0)})


def grade(insufficient: Flags, warn: Flags, alert: Flags) -> npt.NDArray[np.object_]:
    """One status per row; `insufficient` where there is too little evidence."""
    grades: npt.NDArray[np.object_] = np.select([insufficient, alert, warn], [INSUFFICIENT, ALERT, WARN], OK).astype(
        object
    )
    return grades


def worst(statuses: pd.DataFrame, default: str = INSUFFICIENT) -> pd.Series:
    """The most severe status in each row."""
    ranks = statuses.apply(lambda column: column.map({name: place for place, name in enumerate(STATUSES)}))
    grades: pd.Series = (
        ranks.max(axis=1).astype(float).fillna(STATUSES.index(default)).astype(int).map(dict(enumerate(STATUSES)))
    )
    return grades


def _inverse_trigamma(value: float) -> float:
    """The x with trigamma(x) = value; trigamma falls from inf to 0."""
    root = optimize.brentq(lambda x: np.log(special.polygamma(1, np.exp(x)) / value), -20.0, 20.0)
    return float(np.exp(root))
