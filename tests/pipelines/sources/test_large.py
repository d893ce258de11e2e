"""Tables that would take far more memory than they look: refused by what can be counted before they are in memory."""

import gzip
import re
import zipfile
from pathlib import Path

import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.core.errors import DataError
from pipelines.sources import Raw, _excel, _text, file

MB = 2**20


def read(path: Path, **options: int) -> Raw:
    return file.build(file.Options(path=str(path), **options), path.parent).read()


def refused(path: Path, message: str, **options: int) -> None:
    """It is, by these words, and takes little memory."""
    before = psutil.Process().memory_info().rss
    with pytest.raises(DataError, match=message):
        read(path, **options)
    assert psutil.Process().memory_info().rss - before < 200 * MB


def test_columns_without_end_are_refused_by_the_header(tmp_path: Path) -> None:
    """10^6 of them hold no process for half a minute; the setting that is named lets more through."""
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{at}" for at in range(10**6)) + "\n" + ",".join("1" * 10**6) + "\n")
    refused(path, r"found 1,000,000 columns; at most 100,000 are read.*source.max_columns")
    path.write_text(",".join(f"c{at}" for at in range(30)) + "\n" + ",".join("1" * 30) + "\n")
    refused(path, "found 30 columns", max_columns=29)
    assert read(path, max_columns=30).rows.shape == (1, 30)


@pytest.mark.parametrize("at", [1, 2])
def test_a_row_that_is_wider_than_the_header_makes_no_columns(tmp_path: Path, at: int) -> None:
    """Two columns are named, and the first row or a later one has 200,000 cells."""
    rows = ["2024-01-01,1", "2024-01-02,2"]
    rows.insert(at - 1, ",".join("1" * 200_000))
    path = tmp_path / "ragged.csv"
    path.write_text("\n".join(["ds,y", *rows]) + "\n")
    refused(path, "found 200,000 columns" if at == 1 else "line 3 has 200000 fields, the header has 2")


@pytest.mark.parametrize(
    "content", [b"," * (18 * MB), b"a" * (18 * MB), b'"' + b"a" * (18 * MB), b"x,y\n" + b"1" * (18 * MB)]
)
def test_lines_without_end_are_refused(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header or a first row of 18 MiB, packed into kilobytes."""
    path = tmp_path / "line.csv.gz"
    path.write_bytes(gzip.compress(content, 1))
    refused(path, "a line has over 16,777,216 characters")
    monkeypatch.setattr(_text, "LINE", 3)
    path.write_bytes(b"a,b\n1,2\n")
    refused(path, "a line has over 3 characters")


def test_quotes_within_quotes_are_a_message(tmp_path: Path) -> None:
    """A million quotes, open or closed."""
    path = tmp_path / "quotes.csv"
    for quotes in ('"' * 10**6, '"' * (10**6 + 1), '""' + '","' * 10**5):
        path.write_text(f"ds,y\n2024-01-01,{quotes}\n")
        message = ""
        try:
            assert len(read(path).rows) <= 1
        except DataError as error:
            message = str(error)
        assert len(message) < 1_000


def workbook(path: Path, edit: tuple[str, str] | None = None) -> Path:
    """A small workbook; `edit` replaces what is in its sheet."""
    pd.DataFrame({"ds": ["2024-01-01", "2024-01-02"], "y": [1.5, 2.0]}).to_excel(path, index=False)
    if edit:
        with zipfile.ZipFile(path) as book:
            parts = {name: book.read(name).decode() for name in book.namelist()}
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
            for name, text in parts.items():
                book.writestr(name, re.sub(*edit, text, count=1) if "sheet1" in name else text)
    return path


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    """A cell of 100 MB packs to 100 kB."""
    path = workbook(tmp_path / "bomb.xlsx", ("<v>1.5</v>", f"<v>{'1' * (100 * MB)}</v>"))
    assert path.stat().st_size < MB
    refused(path, r"unpacks from [\d,]+ to 1\d\d,\d{3},\d{3} bytes")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>', "at most 100 are read|over 1,000 cells"),
        ('<row r="999999999999"><c r="A999999999999"><v>1</v></c></row>', "rows beyond 1,048,576"),
        ('<row r="9"><c r="CV9"><v>1</v></c></row>' + "<row><c><v>1</v></c></row>" * 9, "has over 1,000 cells"),
    ],
)
def test_cells_far_from_the_table_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: str, message: str
) -> None:
    """One of them would make millions of empty ones, or rows without end."""
    monkeypatch.setattr(_excel, "SHEET_CELLS", 1_000)
    path = workbook(tmp_path / "far.xlsx", ("</sheetData>", f"{cell}</sheetData>"))
    refused(path, message, max_columns=100)


def test_a_parquet_file_of_few_bytes_and_many_cells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what its footer says, before a column is read."""
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"ds": ["2024-01-01"] * 1_000, "y": [1] * 1_000}), path)
    refused(path, "found 2 columns", max_columns=1)
    monkeypatch.setattr(file, "CELLS", 1_999)
    refused(path, "has 1,000 rows of 2 columns")
