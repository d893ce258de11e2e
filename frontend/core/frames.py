"""Points of the service as frames: a row a step, times as the clock of the workspace shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

TIMES = ("ds", "cutoff")


def frame(points: Sequence[Mapping[str, Any]], nested: str | None = None) -> pd.DataFrame:
    """One row a point; `ds` and `cutoff` as local times. `nested`: a column of mappings that becomes columns of its own."""
    table = pd.DataFrame(list(points))
    if nested is not None and nested in table:
        table = pd.concat([table.drop(columns=nested), pd.DataFrame(table[nested].tolist())], axis=1)
    for name in TIMES:
        if name in table:
            # A moment with its offset: the wall clock is what people plan by.
            table[name] = pd.to_datetime(table[name].str.slice(0, 19))
    return table


def levels(columns: Sequence[str]) -> list[int]:
    """The levels of the intervals among `columns`, the widest first."""
    return sorted((int(name.removeprefix("lo_")) for name in columns if name.startswith("lo_")), reverse=True)
