"""Rejected rows: reasons, and the setting responsible."""

import re

import numpy as np
import pandas as pd

from pipelines.core.errors import DataError
from pipelines.core.names import printable
from pipelines.forecasting.settings import Workspace
from pipelines.tables.schema import DS, UNIQUE_ID, Y

ROW = "row"  # the number of a data row in its source, from 1
REASON = "reason"
REMEDY = "Correct them, or set source.date_format and source.decimal."  # for rejected rows
_FIELDS = {  # rejection reason to the setting of the column responsible
    "missing key": "source.columns.keys",
    "control character in the key": "source.columns.keys",
    "unreadable date": "source.columns.ds",
    "unreadable number in the target": "source.columns.y",
    "infinite target": "source.columns.y",
    "negative target": "source.columns.y",
}
_CONTROL = r"[\x00-\x1f\x7f-\x9f\u2028\u2029]"


class NoUsableRow(DataError):
    """Every row was rejected; `rejected` holds the rows, `columns` those used as `ds`, `y` and `unique_id`."""

    def __init__(self, rejected: pd.DataFrame, columns: dict[str, list[str]], where: str) -> None:
        counts = rejected[REASON].value_counts()
        field = _FIELDS.get(str(counts.index[0]), "timezone")
        super().__init__(
            f"no row can be used. {explain(rejected, columns[DS][0], columns[Y][0])}",
            code="no_usable_row",
            field=field,
            found={str(reason): int(n) for reason, n in counts.items()},
            where=where,
            remedy=f"Correct them, or set {field}, source.date_format and source.decimal.",
        )
        self.rejected, self.columns = rejected, columns


def reasons_of(rows: pd.DataFrame, has_target: pd.Series, workspace: Workspace) -> pd.Series:
    """Why each row was rejected, missing for usable rows; of several faults the first in this order."""
    names = rows[UNIQUE_ID]
    garbled = [name for name in names.dropna().unique() if re.search(_CONTROL, name)]
    faults = {
        "missing key": names.isna(),
        "control character in the key": names.isin(garbled),
        "unreadable date": rows[DS].isna(),
        "unreadable number in the target": rows[Y].isna() & has_target,
        "infinite target": np.isinf(rows[Y]),
        "negative target": (rows[Y] < 0) & workspace.target.non_negative,
    }
    why = pd.Series(pd.NA, index=rows.index, dtype="string")
    for reason, fault in faults.items():
        why[fault & why.isna()] = reason
    return why


def explain(rejected: pd.DataFrame, *columns: str) -> str:
    """Why rows were rejected: each reason with its count, row numbers and examples."""
    parts = []
    for reason, rows in rejected.groupby(REASON, sort=True):
        shown = [name for name in columns if name in rows]
        examples = [
            f"row {row[ROW]}: " + ", ".join(f"{name}={printable(str(row[name]), 30)!r}" for name in shown)
            for _, row in rows.head(3).iterrows()
        ]
        parts.append(f"{len(rows):,} × {reason} ({'; '.join(examples)})")
    return "Rejected: " + ". ".join(parts)
