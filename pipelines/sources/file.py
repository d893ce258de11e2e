"""A table in a file, or a folder of such files: CSV and similar (plain or gzipped), Parquet, Excel."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pandas as pd
import pyarrow.parquet as pq
from pydantic import Field, NonNegativeInt, PositiveInt, field_validator

from pipelines.core.errors import DataError, did_you_mean
from pipelines.core.layers import Strict
from pipelines.sources import Raw, Source
from pipelines.sources._columns import column_names, refuse_many
from pipelines.sources._excel import read_excel
from pipelines.sources._text import read_text
from pipelines.tables.limits import CELLS, COLUMNS

_TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
ENDINGS = (*_TEXT, ".parquet", ".xlsx")


class ReadOptions(Strict):
    """How a file is read; options that are None are detected."""

    encoding: str | None = None
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    sheet: str | int | None = None  # of a workbook: its name, or its index from 0; None: the first
    skip_rows: NonNegativeInt = 0  # lines above the header
    max_columns: PositiveInt = COLUMNS  # larger tables are refused before their rows are read

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        try:
            "a".encode(value or "utf-8")
        except (LookupError, ValueError):
            raise ValueError("use an encoding that Python knows, such as utf-8, cp1252 or utf-16") from None
        return value


class Options(ReadOptions):
    path: Annotated[str, Field(min_length=1)]  # relative to the data folder, or any absolute path

    @field_validator("path")
    @classmethod
    def _no_address(cls, value: str) -> str:
        if "://" in value:
            raise ValueError("a path is expected; for an address use a source of kind download")
        return value


@dataclass(frozen=True)
class FileSource:
    options: Options
    data_dir: Path

    def read(self) -> Raw:
        """All rows of the file, or of the folder's files sorted by name."""
        path = self._path()
        rows, notes = _read_folder(path, self.options) if path.is_dir() else read_table(path, self.options)
        return Raw(rows, str(path), notes=notes)

    def _path(self) -> Path:
        given = Path(self.options.path).expanduser()
        if not given.is_absolute() and os.path.normpath(given).startswith(".."):
            raise DataError(
                f"source.path '{given}' leaves the data folder",
                code="path_leaves_data_folder",
                field="source.path",
                found=str(given),
                where=str(self.data_dir),
                remedy="Give an absolute path.",
            )
        path = Path(os.path.normpath(self.data_dir.absolute() / given))
        if not path.exists():
            parent = path.parent
            near = did_you_mean(path.name, [file.name for file in parent.iterdir()]) if parent.is_dir() else ""
            missing = "there is no such file" if parent.is_dir() else "there is neither the file nor its folder"
            raise DataError(
                f"{missing}{near}",
                code="file_not_found",
                field="source.path",
                found=str(given),
                where=str(path),
                remedy="Put the file there or correct source.path.",
            )
        return path


def build(options: Options, data_dir: Path) -> Source:
    return FileSource(options, data_dir)


def read_table(path: Path, options: ReadOptions) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows of one file, at least one, and notes on how it was read."""
    rows, notes = _read_file(path, options)
    if rows.empty:
        raise DataError(
            f"has a header ({', '.join(rows.columns)}) but no rows",
            code="no_rows",
            found=list(rows.columns),
            where=str(path),
            remedy="Export it again with its data.",
        )
    return rows, notes


def _read_file(path: Path, options: ReadOptions) -> tuple[pd.DataFrame, tuple[str, ...]]:
    if not path.name.lower().endswith(ENDINGS):
        raise DataError(
            "a file of this kind cannot be read",
            code="unknown_file_kind",
            found=path.suffix,
            where=str(path),
            remedy=f"Save it as one of {', '.join(ENDINGS)}.",
        )
    if path.stat().st_size == 0:
        raise DataError(
            "the file is empty (0 bytes)", code="empty_file", where=str(path), remedy="Export or copy it again."
        )
    if path.name.lower().endswith(_TEXT):
        return read_text(path, options.encoding, options.separator, options.skip_rows, options.max_columns)
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path, options.max_columns), ()
    return read_excel(path, options.sheet, options.skip_rows, options.max_columns), ()


def _read_folder(folder: Path, options: ReadOptions) -> tuple[pd.DataFrame, tuple[str, ...]]:
    visible = [file for file in sorted(folder.iterdir()) if not file.name.startswith((".", "~$"))]
    files = [file for file in visible if file.is_file() and file.name.lower().endswith(ENDINGS)]
    if not files:
        raise DataError(
            f"the folder has no file that can be read ({', '.join(ENDINGS)})",
            code="empty_folder",
            field="source.path",
            found=[file.name for file in visible],
            where=str(folder),
            remedy="Put one there or correct source.path.",
        )
    tables: list[pd.DataFrame] = []
    counts: Counter[str] = Counter()
    notes = [f"{len(files)} files were read"]
    for file in files:
        rows, how = _read_file(file, options)
        _check_same_columns(rows, file, tables[0] if tables else rows, files[0])
        tables.append(rows)
        counts.update(how if len(rows) else (*how, "no rows were found"))
    notes += [f"{note} ({count} files)" for note, count in counts.items()]
    if other := [file.name for file in visible if file not in files]:
        notes.append(f"not read, being of another kind: {', '.join(other)}")
    filled = [rows for rows in tables if len(rows)]
    if not filled:
        raise DataError(
            f"{len(files)} files have a header but no rows",
            code="no_rows",
            found=len(files),
            where=str(folder),
            remedy="Export them again with their data.",
        )
    return pd.concat([rows[filled[0].columns] for rows in filled], ignore_index=True), tuple(notes)


def _check_same_columns(rows: pd.DataFrame, file: Path, first: pd.DataFrame, first_file: Path) -> None:
    for lacking, lacks, has in ((file, rows, first), (first_file, first, rows)):
        if missing := [name for name in has.columns if name not in set(lacks.columns)]:
            other = first_file if lacking == file else file
            raise DataError(
                f"column '{missing[0]}' is missing, which {other.name} has (found: {', '.join(lacks.columns)})",
                code="files_of_different_columns",
                found=list(lacks.columns),
                where=str(lacking),
                remedy="Give the files of a folder the same columns.",
            )


def _read_parquet(path: Path, max_columns: int) -> pd.DataFrame:
    try:
        about = pq.read_metadata(path)
        refuse_many(about.num_columns, max_columns, str(path))
        if about.num_rows * about.num_columns > CELLS:
            raise DataError(
                f"has {about.num_rows:,} rows of {about.num_columns:,} columns; at most {CELLS:,} cells are read",
                code="too_many_cells",
                found={"rows": about.num_rows, "columns": about.num_columns},
                where=str(path),
                remedy="Leave out columns or rows that are not needed.",
            )
        rows = pd.read_parquet(path)
    except (OSError, ValueError, NotImplementedError) as error:
        raise DataError(
            f"is no readable Parquet file ({_first_line(error)})",
            code="unreadable_parquet",
            where=str(path),
            remedy="Write it again.",
        ) from None
    if any(name is not None for name in rows.index.names):
        rows = rows.reset_index()
    return rows.set_axis(column_names(rows.columns, str(path)), axis=1)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
