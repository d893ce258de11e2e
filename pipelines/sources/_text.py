"""Reading of text tables (CSV and similar, plain or gzipped), with detection of encoding and separator."""

import codecs
import csv
import gzip
import io
import itertools
import warnings
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import pandas as pd

from pipelines.core.errors import DataError
from pipelines.sources._columns import column_names, refuse_many, without_empty_unnamed
from pipelines.tables.limits import COLUMNS, LINE

MISSING = ["", "NA", "NaN", "nan", "null", "NULL", "#N/A"]  # not "None" and the like, which may be names of shops
SEPARATORS = "\t;|,"  # rarest in running text first, which wins a tie
_SAMPLE = 1 << 16
_OLDER = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "shift_jis", "gb18030", "big5", "cp949"]
_BOMS = [
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, since its mark starts with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]


def read_text(
    path: Path,
    encoding: str | None = None,
    separator: str | None = None,
    skip_rows: int = 0,
    max_columns: int = COLUMNS,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table's rows, every cell as text, and notes on what was detected.

    A line with more fields than the header is an error; one with fewer is kept, its last columns missing, and noted.
    """
    notes = []
    try:
        if encoding is None:
            encoding = detect_encoding(path)
            sure = encoding.startswith("utf")
            notes.append(f"encoding {encoding} was {'detected' if sure else 'guessed: check the accents'}")
        if separator is None:
            separator = detect_separator(path, encoding, skip_rows)
            notes.append(f"separator {separator!r} was detected")
        rows = _read(path, encoding, separator, skip_rows, max_columns)
        if rows.iloc[:, -1].isna().any() and (short := _short_lines(path, encoding, separator, skip_rows)):
            line, count = short
            notes.append(f"{count} lines have fewer fields than the header (the first is line {line})")
    except UnicodeError as error:
        raise DataError(
            f"{_bad_line(path, str(encoding))} holds bytes that are not {encoding} ({getattr(error, 'reason', error)})",
            code="wrong_encoding",
            field="source.encoding",
            found=str(encoding),
            where=str(path),
            remedy="Set source.encoding to the file's encoding, or leave it out to have it detected.",
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"cannot be read ({getattr(error, 'strerror', None) or error})",
            code="unreadable_file",
            where=str(path),
            remedy="Check the file and its permissions.",
        ) from None
    return without_empty_unnamed(rows), tuple(notes)


def detect_encoding(path: Path) -> str:
    """The encoding by byte order mark, else UTF-8 if the whole file is valid, else the likeliest of the older
    encodings.
    """
    with _open_bytes(path) as handle:
        head = handle.read(_SAMPLE)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    if b"\0" in head:
        return _utf16_without_mark(head, path)
    if _decodes(path, "utf-8"):
        return "utf-8"
    for name in (_guess(path), _OLDER[0]):
        if _decodes(path, name):
            return name
    raise DataError(
        "the encoding cannot be determined",
        code="unknown_encoding",
        field="source.encoding",
        where=str(path),
        remedy="Set source.encoding, such as utf-8, cp1252 or utf-16.",
    )


def detect_separator(path: Path, encoding: str, skip_rows: int = 0) -> str:
    """The separator by which most lines have as many fields as the header; of several, the one with most columns.

    `csv.Sniffer` is not used, since it splits `Date;Price, net` and `2024-01-01;1,5` at the comma.
    """
    with _open_text(path, encoding, skip_rows) as handle:
        sample = handle.read(_SAMPLE)
    lines = sample.splitlines(keepends=True)
    if len(sample) == _SAMPLE and len(lines) > 1:
        lines.pop()  # may be cut off
    widths = {separator: [len(cells) for _, cells in _cells(lines, separator)] for separator in SEPARATORS}
    tables = {
        separator: (sum(width == counts[0] for width in counts) / len(counts), counts[0])
        for separator, counts in widths.items()
        if counts and counts[0] > 1 and sum(width > 1 for width in counts) >= len(counts) / 2
    }
    if tables:
        return max(tables, key=tables.__getitem__)
    return next((separator for separator in reversed(SEPARATORS) if set(widths[separator]) == {1}), ",")


def _read(path: Path, encoding: str, separator: str, skip_rows: int, max_columns: int) -> pd.DataFrame:
    widest = max((width for _, width in itertools.islice(_widths(path, encoding, separator, skip_rows), 2)), default=0)
    refuse_many(widest, max_columns, str(path))  # pandas would create all columns of the first row, named or not
    with _open_text(path, encoding, skip_rows) as handle, warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # all lines are too long: cells would be lost
        _, header = next(_cells(_lines(handle, path), separator), (0, []))
        if not header:
            raise DataError(
                "found no header, only blank lines",
                code="no_header",
                field="source.skip_rows",
                found=skip_rows,
                where=str(path),
                remedy="Check the file and source.skip_rows.",
            )
        names = column_names(header, str(path))
        try:
            return pd.read_csv(
                handle,
                sep=separator,
                header=None,
                names=names,
                index_col=False,
                dtype=str,
                keep_default_na=False,
                na_values=MISSING,
            )
        except pd.errors.EmptyDataError:
            return pd.DataFrame(columns=names, dtype=str)
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            reason = str(error).strip()
            if "out of memory" in reason:
                raise MemoryError(reason) from None
    for line, width in _widths(path, encoding, separator, skip_rows):
        if width > len(names):
            raise DataError(
                f"line {line} has {width} fields, the header has {len(names)}",
                code="ragged_line",
                field="source.separator",
                found={"line": line, "fields": width, "header": len(names), "separator": separator},
                where=str(path),
                remedy=f"Quote cells that hold the separator {separator!r}, or set source.separator.",
            )
    raise DataError(
        f"cannot be read as a table ({reason})",
        code="no_table",
        found=reason,
        where=str(path),
        remedy="Look for a quote that is never closed.",
    )


def _short_lines(path: Path, encoding: str, separator: str, skip_rows: int) -> tuple[int, int] | None:
    """The number of the first line with fewer fields than the header, and how many such lines there are."""
    widths = _widths(path, encoding, separator, skip_rows)
    _, expected = next(widths)
    lines = [line for line, width in widths if width < expected]
    return (lines[0], len(lines)) if lines else None


def _widths(path: Path, encoding: str, separator: str, skip_rows: int) -> Iterator[tuple[int, int]]:
    """Line number in the file and number of fields, of the header and each row."""
    with _open_text(path, encoding, skip_rows) as handle:
        for line, cells in _cells(_lines(handle, path), separator):
            yield line + skip_rows, len(cells)


def _cells(lines: Iterable[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Number of the last line and cells, for the first row that is not blank and each later one that is not empty."""
    reader = csv.reader(lines, delimiter=separator)
    try:
        for cells in itertools.dropwhile(lambda cells: not any(map(str.strip, cells)), reader):
            if cells:
                yield reader.line_num, cells
    except csv.Error:  # a cell beyond csv's limit, reported by pandas
        return


def _lines(handle: IO[str], path: Path) -> Iterator[str]:
    """The lines; DataError for an implausibly long one."""
    while line := handle.readline(LINE + 1):
        if len(line) > LINE:
            raise DataError(
                f"a line has over {LINE:,} characters",
                code="line_too_long",
                found=len(line),
                where=str(path),
                remedy="Check that it is a table with a row per line.",
            )
        yield line


def _open_bytes(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked if gzipped, regardless of the file name."""
    with path.open("rb") as handle:
        gzipped = handle.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if gzipped else path.open("rb")  # type: ignore[return-value]


def _open_text(path: Path, encoding: str, skip_rows: int = 0) -> io.TextIOWrapper:
    codec = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding  # drops a byte order mark
    handle = io.TextIOWrapper(_open_bytes(path), encoding=codec, newline="")
    for _ in range(skip_rows):
        handle.readline()
    return handle


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with _open_bytes(path) as handle:
        try:
            while chunk := handle.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _guess(path: Path) -> str:
    """The older encoding that decodes the non-ASCII lines most plausibly; cp1252 wins a tie."""
    from charset_normalizer import from_bytes

    with _open_bytes(path) as handle:
        lines = b"".join(itertools.islice((line for line in handle if not line.isascii()), 1000))
    ranked = [
        (match.chaos, -match.coherence, _OLDER.index(name))
        for match in from_bytes(lines[:_SAMPLE], cp_isolation=_OLDER)
        for name in match.could_be_from_charset
        if name in _OLDER
    ]
    return _OLDER[min(ranked)[-1]] if ranked else _OLDER[0]


def _utf16_without_mark(head: bytes, path: Path) -> str:
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) < len(head) / 4:
        raise DataError(
            "is no text table, it holds zero bytes",
            code="not_text",
            where=str(path),
            remedy="If it is a workbook or Parquet, name it .xlsx or .parquet.",
        )
    return "utf-16-le" if odd > even else "utf-16-be"


def _bad_line(path: Path, encoding: str) -> str:
    if codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):  # such bytes cannot be split into lines
        return "the file"
    with _open_bytes(path) as handle:
        for number, line in enumerate(handle, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                return f"line {number}"
    return "the file"
