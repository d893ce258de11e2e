"""Points from the service as data frames: one row per step, times in the workspace's time zone."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

TIMES = ("ds", "cutoff")


def frame(points: Sequence[Mapping[str, Any]], nested: str | None = None) -> pd.DataFrame:
    """One row per point; `ds` and `cutoff` as local times. `nested`: a column of mappings to expand into columns."""
    table = pd.DataFrame(list(points))
    if nested is not None and nested in table:
        table = pd.concat([table.drop(columns=nested), pd.DataFrame(table[nested].tolist())], axis=1)
    for name in TIMES:
        if name in table:
            # A timestamp with an offset: people plan by local time.
            table[name] = pd.to_datetime(table[name].str.slice(0, 19))
    return table


def levels(columns: Sequence[str]) -> list[int]:
    """The interval levels among `columns`, widest first."""
    return sorted((int(name.removeprefix("lo_")) for name in columns if name.startswith("lo_")), reverse=True)
