"""Size limits of a panel's regular grid, and the dates that exceed them."""

import numpy as np
import pandas as pd

from pipelines.core.errors import DataError
from pipelines.core.figures import moment
from pipelines.core.names import printable
from pipelines.tables.limits import Limits
from pipelines.tables.schema import DS, UNIQUE_ID

_YEARS = 290  # maximum between two dates: 64 bits of nanoseconds hold 292
_ONE_IS_WRONG = "One of these dates is probably wrong: correct or remove it in source.columns.ds"
_TIMES = 10  # multiple of the rest of a history, or of the rows, beyond which a grid is out of proportion


def check(rows: pd.DataFrame, ends: pd.DataFrame, alias: str, limits: Limits, where: str) -> None:
    """Raises DataError for a panel whose grid is out of proportion to its rows.

    `rows` are sorted by series and time. `ends` has one row per series in the same order: `min`, `max` and `size` of
    the grid positions of its rows, and `first` and `last`, between which steps will be added.
    """
    _refuse_strays(rows, ends, alias, limits, where)
    lengths = ends["last"] - ends["first"] + 1
    steps, added = int(lengths.sum()), int(lengths.sum()) - len(rows)
    if steps <= limits.steps and added <= max(limits.added, _TIMES * len(rows)):
        return
    setting = "steps" if steps > limits.steps else "added"
    most = getattr(limits, setting)
    excess = f"{steps:,} steps" if setting == "steps" else f"{added:,} steps without a row"
    at = int((lengths - ends["size"]).to_numpy().argmax())
    start = int(ends["size"].iloc[:at].sum())
    name = printable(str(ends.index[at]))
    ds, count = rows[DS].iloc[start : start + int(ends["size"].iloc[at])], int(ends["size"].iloc[at])
    raise DataError(
        f"on the grid of the frequency {alias}, {len(rows):,} rows would have {excess}; at most {most:,} are allowed. "
        f"Furthest from a row for each step is the series '{name}' with {count:,} rows from {moment(ds.iloc[0])} to "
        f"{moment(ds.iloc[-1])}",
        code="too_many_steps",
        field="frequency",
        found={"frequency": alias, "rows": len(rows), "steps": steps, "allowed": most, "series": name},
        where=where,
        remedy=f"Correct wrong dates, set a coarser frequency, or raise limits.{setting} in the workspace file.",
    )


def refuse_span(rows: pd.DataFrame, where: str) -> None:
    """Raises DataError for dates further apart than 64 bits of nanoseconds can represent."""
    if rows.empty or rows[DS].max().year - rows[DS].min().year < _YEARS:
        return
    names = [printable(str(rows[UNIQUE_ID][at])) for at in (rows[DS].idxmin(), rows[DS].idxmax())]
    first, last = f"{moment(rows[DS].min())} (series '{names[0]}')", f"{moment(rows[DS].max())} (series '{names[1]}')"
    raise DataError(
        f"the dates run from {first} to {last}; at most {_YEARS} years can be counted",
        code="stray_date",
        field="source.columns.ds",
        found={"first": first, "last": last},
        where=where,
        remedy=_ONE_IS_WRONG + ".",
    )


def _refuse_strays(rows: pd.DataFrame, ends: pd.DataFrame, alias: str, limits: Limits, where: str) -> None:
    sizes = ends["size"].to_numpy()
    starts = np.cumsum(sizes) - sizes
    steps = np.diff(rows["position"].to_numpy(), prepend=0)
    steps[starts] = 0  # the first row of a series has no step
    widest = np.maximum.reduceat(steps, starts)
    rest = (ends["max"] - ends["min"]).to_numpy() - widest
    stray = np.flatnonzero((widest - 1 > limits.gap) & (widest > _TIMES * rest))
    if not len(stray):
        return
    at = int(stray[widest[stray].argmax()])
    after = int(starts[at] + steps[starts[at] : starts[at] + sizes[at]].argmax())
    before, next_one = (moment(rows[DS].iloc[row]) for row in (after - 1, after))
    others = f"; {len(stray) - 1:,} other series have such a gap" if len(stray) > 1 else ""
    name, gap = printable(str(ends.index[at])), int(widest[at]) - 1
    raise DataError(
        f"the series '{name}' has no row between {before} and {next_one}, {gap:,} steps of {alias}, "
        f"and {int(rest[at]):,} steps in the rest of its history{others}",
        code="stray_date",
        field="source.columns.ds",
        found={"series": name, "before": before, "after": next_one, "steps": gap},
        where=where,
        remedy=_ONE_IS_WRONG + ", or raise limits.gap in the workspace file.",
    )
