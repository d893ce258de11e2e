"""Column names as text: stripped, never empty, unique."""

from collections import Counter
from collections.abc import Iterable

import pandas as pd

from pipelines.core.errors import DataError
from pipelines.core.names import printable

_UNNAMED = "Unnamed: "


def column_names(cells: Iterable[object], source: str) -> list[str]:
    """The header's cells as names; DataError for a repeated name, which is ambiguous."""
    texts = ["" if pd.isna(cell) else str(cell).strip("\ufeff \t\r\n") for cell in cells]  # type: ignore[call-overload]
    names = [text or f"{_UNNAMED}{at}" for at, text in enumerate(texts)]
    if twice := [printable(name) for name, count in Counter(names).items() if count > 1]:
        raise DataError(
            f"column '{twice[0]}' stands twice",
            code="column_twice",
            found=twice,
            where=source,
            remedy="Rename or remove all but one of them.",
        )
    return names


def refuse_many(columns: int, most: int, source: str) -> None:
    """Raises DataError for a table with too many columns."""
    if columns > most:
        raise DataError(
            f"found {columns:,} columns; at most {most:,} are read",
            code="too_many_columns",
            field="source.max_columns",
            found=columns,
            where=source,
            remedy="Remove those that are not needed, check the separator, "
            "or raise source.max_columns in the workspace file.",
        )


def without_empty_unnamed(rows: pd.DataFrame) -> pd.DataFrame:
    """Drops columns with neither a name nor a value, which result from a separator at the end of each line."""
    empty = [name for name in rows.columns if name.startswith(_UNNAMED) and rows[name].isna().all()]
    return rows.drop(columns=empty)
