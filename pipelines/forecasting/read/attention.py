"""Series that need attention: figures that are unusual for the panel and for the series itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
ReasonKind = Literal[
    "share",
    "error",
    "on_year",
    "on_period",
    "since_previous",
    "worse",
    "leaning",
    "uncovered",
    "drifted",
    "worse_than_baseline",
    "stale",
]

_FAR = 3.0  # robust standard deviations from the median: 3 in 1,000 of a normal distribution lie beyond
_SIGMA = 1.4826  # standard deviations of a normal distribution per median absolute deviation
_PANEL = 8  # known values needed to derive what is usual in a panel
_PAST = 5  # earlier changes needed to derive what is usual for a series
BLOCKS = 13  # past horizons, each compared with the previous one
_CHANGE = 0.2  # smaller relative changes are never reported
_ERROR = 1.5  # times the median error of the panel
_BEHIND = -0.1  # skill: an error 10 % above the baseline's


@dataclass(frozen=True)
class Finding:
    """One kind of reason over all series: its values, and a flag for each series that it applies to."""

    values: Array
    flagged: Flags


def findings(
    factors: Mapping[ReasonKind, Array], skill: Array, blocks: Sequence[Array], behind: Array
) -> dict[ReasonKind, Finding]:
    """The series that need attention, by kind of reason.

    `factors`: `error` in units of the median, and the relative changes `on_year`, `on_period`, `since_previous`, each
    NaN if unknown; at most one of `on_year` and `on_period` is known. `blocks`: the total (or mean) of each series over
    past horizons, newest first. `behind`: by how many days the values of a series end too early, else 0.
    """
    change = np.where(np.isnan(factors["on_year"]), factors["on_period"], factors["on_year"])
    unusual = _unusual(change, blocks)
    error = factors["error"]
    return {
        "on_year": Finding(factors["on_year"], unusual & np.isfinite(factors["on_year"])),
        "on_period": Finding(factors["on_period"], unusual & np.isfinite(factors["on_period"])),
        "since_previous": Finding(factors["since_previous"], _unusual(factors["since_previous"], blocks)),
        "error": Finding(error, (error >= _ERROR) & (outlying(error) == 1)),
        "worse_than_baseline": Finding(skill, skill <= _BEHIND),
        "stale": Finding(behind, behind > 0),
    }


def outlying(values: Array) -> Array:
    """1 for values over three robust standard deviations from the median, else 0; NaN if too few are known.

    Uses median and median absolute deviation, so that outliers do not widen the bounds.
    """
    low, high = _usual(values, _PANEL)
    known = np.isfinite(low) & np.isfinite(values)
    return np.where(known, (values < low) | (values > high), np.nan)


def _unusual(change: Array, blocks: Sequence[Array]) -> Flags:
    """Changes that are unusual both for the panel and for the past of the series, as far as each is known."""
    panel = outlying(change)
    past = np.full(change.shape, np.nan)
    if len(blocks) > 1:
        changes = np.stack([relative(now, before) for now, before in pairwise(blocks)])
        low, high = _usual(changes, _PAST)
        past = np.where(np.isfinite(low) & np.isfinite(change), (change < low) | (change > high), np.nan)
    known = np.isfinite(panel) | np.isfinite(past)
    return np.asarray((np.abs(change) >= _CHANGE) & known & (panel != 0) & (past != 0))


def _usual(values: Array, least: int) -> tuple[Array, Array]:
    """The bounds of usual values along the first axis; NaN if fewer than `least` values are known."""
    enough = np.isfinite(values).sum(axis=0) >= least
    kept = np.where(enough, values, 0.0)  # avoids warnings about empty slices
    middle = np.nanmedian(kept, axis=0)
    reach = _FAR * _SIGMA * np.nanmedian(np.abs(kept - middle), axis=0)
    return np.where(enough, middle - reach, np.nan), np.where(enough, middle + reach, np.nan)


def relative(now: Array, before: Array) -> Array:
    """The relative change from `before` to `now`; NaN if `before` is 0 or one of them unknown."""
    with np.errstate(divide="ignore", invalid="ignore"):
        change = (now - before) / np.abs(before)
    return np.where(np.isfinite(change), change, np.nan)
