"""Reading of workbooks. Cells are counted while reading, since a few bytes can expand beyond the memory."""

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipelines.core.errors import DataError, did_you_mean
from pipelines.sources._columns import column_names, refuse_many, without_empty_unnamed
from pipelines.sources._text import MISSING
from pipelines.tables.limits import RATIO, SHEET_CELLS, UNPACKED

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

_ROWS = 1_048_576  # of a worksheet, by the file format
_SMALL = 64 * 2**20  # bytes: anything that unpacks to less is safe


def read_excel(path: Path, sheet: str | int | None, skip_rows: int, max_columns: int) -> pd.DataFrame:
    """The rows of one sheet of a workbook, with numbers and dates as typed in it."""
    import openpyxl

    try:
        _refuse_bomb(path)
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        try:
            title = _sheet(path, [one.title for one in book.worksheets], sheet)
            where = f"{path}, sheet '{title}'"
            rows = _rows(book[title], skip_rows, max_columns, where)
        finally:
            book.close()
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - openpyxl raises anything for a damaged workbook
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"is no readable workbook ({reason})",
            code="unreadable_workbook",
            found=reason,
            where=str(path),
            remedy="Open it in Excel and save it as .xlsx again, without a password.",
        ) from None
    if not rows:
        raise DataError(
            f"sheet '{title}' is empty",
            code="empty_sheet",
            field="source.sheet",
            found=title,
            where=str(path),
            remedy="Set source.sheet to the one that holds the data.",
        )
    width = max(map(len, rows))
    cells = pd.DataFrame([row + [np.nan] * (width - len(row)) for row in rows], dtype=object)
    names = column_names(cells.iloc[0], where)
    return without_empty_unnamed(cells.iloc[1:].set_axis(names, axis=1).infer_objects().reset_index(drop=True))


def _rows(sheet: "ReadOnlyWorksheet", skip_rows: int, max_columns: int, where: str) -> list[list[Any]]:
    """The values of each non-empty row, up to the last value."""
    sheet.reset_dimensions()  # the size stated in the file can be wrong
    rows: list[list[Any]] = []
    width = 0
    for number, cells in enumerate(sheet.rows, start=1):
        if number > _ROWS:
            raise DataError(
                f"has rows beyond {_ROWS:,}, the last of a worksheet",
                code="too_many_rows",
                found=number,
                where=where,
                remedy="Save it again in Excel.",
            )
        values = [_value(cell) for cell in cells]
        while values and _is_missing(values[-1]):
            values.pop()
        if number <= skip_rows or not values:
            continue
        rows.append(values)
        width = max(width, len(values))
        refuse_many(width, max_columns, where)
        if width * len(rows) > SHEET_CELLS:
            raise DataError(
                f"has over {SHEET_CELLS:,} cells ({width:,} columns)",
                code="too_many_cells",
                found={"rows": len(rows), "columns": width},
                where=where,
                remedy="Remove cells that stand far from the table, or save it as CSV.",
            )
    return rows


def _value(cell: Any) -> Any:
    """A cell's value: whole numbers as integers, NaN for errors and markers of missing values."""
    value = cell.value
    if value is None or cell.data_type == "e" or (isinstance(value, str) and value in MISSING):
        return np.nan
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_missing(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _refuse_bomb(path: Path) -> None:
    """Raises DataError for a workbook that unpacks to an implausible or too large size."""
    with zipfile.ZipFile(path) as archive:
        size = sum(one.file_size for one in archive.infolist())
    packed = path.stat().st_size
    if size > UNPACKED or (size > _SMALL and size > RATIO * packed):
        raise DataError(
            f"unpacks from {packed:,} to {size:,} bytes, more than a table explains",
            code="unpacks_too_large",
            found={"packed": packed, "unpacked": size},
            where=str(path),
            remedy="Save it as CSV and check it.",
        )


def _sheet(path: Path, sheets: list[str], wanted: str | int | None) -> str:
    if isinstance(wanted, str) and wanted in sheets:
        return wanted
    if not isinstance(wanted, str) and 0 <= (wanted or 0) < len(sheets):
        return sheets[wanted or 0]
    raise DataError(
        f"there is no sheet {wanted!r}{did_you_mean(str(wanted), sheets)} (found: {', '.join(sheets)})",
        code="no_such_sheet",
        field="source.sheet",
        found=sheets,
        where=str(path),
        remedy="Set source.sheet to one of them.",
    )
