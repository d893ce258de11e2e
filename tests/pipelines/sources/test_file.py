"""The file source: every format, encoding and separator in, one clear sentence out when it cannot be."""

import gzip
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from pydantic import ValidationError

from pipelines.core.errors import DataError
from pipelines.sources import Raw, file
from tests.support.errors import message_of

ROWS = [["store", "date", "units"], ["Café Genève", "2024-01-01", "1.234,5"], ["Zürich", "2024-01-02", "€ 3"]]
EXPECTED = pd.DataFrame(ROWS[1:], columns=ROWS[0])


def text(separator: str = ";", rows: list[list[str]] = ROWS) -> str:
    return "".join(separator.join(row) + "\n" for row in rows)


def read(folder: Path, path: str, **options: object) -> Raw:
    return file.build(file.Options.model_validate({"path": path, **options}), folder).read()


def refused(folder: Path, path: str, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, path, **options)
    return message_of(caught.value, folder)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("given", [True, False])
def test_accents_survive_every_encoding_given_or_detected(tmp_path: Path, encoding: str, given: bool) -> None:
    """The same table in seven encodings reads as the same text."""
    (tmp_path / "sales.csv").write_bytes(text().encode(encoding))
    raw = read(tmp_path, "sales.csv", encoding=encoding if given else None)
    assert_frame_equal(raw.rows, EXPECTED)


def test_latin_1_is_detected_although_its_accents_come_late(tmp_path: Path) -> None:
    """One accent after 100 kB of plain ASCII is still read in the right encoding."""
    rows = [["store", "units"], *[["Bern", "1"]] * 20_000, ["Genève", "2"]]
    (tmp_path / "sales.csv").write_bytes(text(",", rows).encode("latin-1"))
    raw = read(tmp_path, "sales.csv")
    assert raw.rows["store"].iloc[-1] == "Genève"
    assert "encoding cp1252 was guessed: check the accents" in raw.notes


@pytest.mark.parametrize(
    ("encoding", "town"), [("cp1250", "Świętochłowice"), ("cp1251", "Владивосток"), ("cp1253", "Αθήνα")]
)
def test_other_alphabets_are_guessed(tmp_path: Path, encoding: str, town: str) -> None:
    """Polish, Russian and Greek files from older programs keep their letters."""
    (tmp_path / "sales.csv").write_bytes(text(",", [["town", "units"], [town, "1"]]).encode(encoding))
    assert read(tmp_path, "sales.csv").rows["town"].tolist() == [town]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("given", [True, False])
def test_every_separator_is_given_or_detected(tmp_path: Path, separator: str, given: bool) -> None:
    """The cells are the same whichever separator stands between them, and the notes say what was detected."""
    rows = [["store", "date", "units"], ["A", "2024-01-01", "3"], ["B", "2024-01-02", "4"]]
    (tmp_path / "sales.txt").write_text(text(separator, rows), encoding="utf-8")
    raw = read(tmp_path, "sales.txt", separator=separator if given else None)
    assert raw.rows.to_numpy().tolist() == rows[1:]
    assert (f"separator {separator!r} was detected" in raw.notes) is not given


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("date;units\n" + "2024-01-01;1,5\n" * 30, ["date", "units"]),
        ("Date;Price, net\n" + "2024-01-01;1,5\n" * 30, ["Date", "Price, net"]),
        ('date,note\n2024-01-01,"a;b;c"\n2024-01-02,"d;e;f"\n', ["date", "note"]),
        ("units\n1\n2\n", ["units"]),
        ("units\n1,5\n2,5\n", ["units"]),
        ("a,b\n1,2\n\n3,4\n", ["a", "b"]),
    ],
)
def test_separator_is_not_mistaken(tmp_path: Path, content: str, columns: list[str]) -> None:
    """Decimal commas, quoted separators and files of one column do not confuse the detection."""
    (tmp_path / "sales.csv").write_text(content, encoding="utf-8")
    raw = read(tmp_path, "sales.csv")
    assert raw.rows.columns.tolist() == columns
    assert raw.rows.notna().all(axis=None)


@pytest.mark.parametrize("name", ["s.csv", "s.csv.gz", "s.tsv", "s.tsv.gz", "s.txt", "s.TXT.GZ", "s.parquet", "s.xlsx"])
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    """CSV and its kin, Parquet and Excel hold the same table."""
    path, content = tmp_path / name, text("\t" if "tsv" in name else ",", [*ROWS[:1], ["A", "2024-01-01", "x"]])
    match path.suffix.lower():
        case ".gz":
            path.write_bytes(gzip.compress(content.encode()))
        case ".parquet":
            pd.DataFrame([["A", "2024-01-01", "x"]], columns=ROWS[0]).to_parquet(path)
        case ".xlsx":
            pd.DataFrame([["A", "2024-01-01", "x"]], columns=ROWS[0]).to_excel(path, index=False)
        case _:
            path.write_text(content, encoding="utf-8")
    raw = read(tmp_path, name)
    assert_frame_equal(raw.rows, pd.DataFrame([["A", "2024-01-01", "x"]], columns=ROWS[0]))
    assert raw.origin == str(path)
    assert not raw.synthetic


def test_gzip_is_recognised_by_content(tmp_path: Path) -> None:
    """A gzipped file without the ending, and a plain one with it, are read all the same."""
    (tmp_path / "packed.csv").write_bytes(gzip.compress(text().encode()))
    (tmp_path / "plain.csv.gz").write_text(text(), encoding="utf-8")
    assert_frame_equal(read(tmp_path, "packed.csv").rows, EXPECTED)
    assert_frame_equal(read(tmp_path, "plain.csv.gz").rows, EXPECTED)


def test_only_the_usual_marks_are_missing(tmp_path: Path) -> None:
    """Empty cells and NA are missing; shops called None, or codes with leading zeros, stay as they are."""
    rows = [["store", "code", "units"], ["None", "007", ""], ["n/a", "NULL", "NaN"], ["-", "NA", "#N/A"]]
    (tmp_path / "sales.csv").write_text(text(",", rows), encoding="utf-8")
    raw = read(tmp_path, "sales.csv")
    assert raw.rows["store"].tolist() == ["None", "n/a", "-"]
    assert raw.rows["code"].isna().tolist() == [False, True, True]
    assert raw.rows["code"].iloc[0] == "007"
    assert raw.rows["units"].isna().all()


def test_lines_above_the_header_are_skipped(tmp_path: Path) -> None:
    """A report's title lines are no rows, in text and in a workbook."""
    (tmp_path / "sales.csv").write_text("Report, 2024\nby store\n" + text(), encoding="utf-8")
    pd.DataFrame([["Report", None, None], *ROWS]).to_excel(tmp_path / "sales.xlsx", index=False, header=False)
    assert_frame_equal(read(tmp_path, "sales.csv", skip_rows=2).rows, EXPECTED)
    assert_frame_equal(read(tmp_path, "sales.xlsx", skip_rows=1).rows, EXPECTED)


def test_headers_are_tidied(tmp_path: Path) -> None:
    """Blanks around names go, and so does the empty column that a separator at each line's end makes."""
    (tmp_path / "sales.csv").write_text(" date , units ,\n2024-01-01,3,\n", encoding="utf-8")
    (tmp_path / "indexed.csv").write_text(",date\n0,2024-01-01\n", encoding="utf-8")
    assert read(tmp_path, "sales.csv").rows.columns.tolist() == ["date", "units"]
    assert read(tmp_path, "indexed.csv").rows.columns.tolist() == ["Unnamed: 0", "date"]


def test_cells_may_hold_line_breaks_and_quotes(tmp_path: Path) -> None:
    """What is quoted is one cell, whatever it holds; Windows line ends are line ends."""
    (tmp_path / "sales.csv").write_bytes(b'store,note\r\nA,"two\r\nlines, and ""quotes"""\r\nB,x\r\n')
    assert read(tmp_path, "sales.csv").rows["note"].tolist() == ['two\r\nlines, and "quotes"', "x"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_are_understood(tmp_path: Path, end: str) -> None:
    """Unix, Windows and old Mac files hold the same rows."""
    (tmp_path / "sales.csv").write_bytes(text().replace("\n", end).encode())
    assert_frame_equal(read(tmp_path, "sales.csv").rows, EXPECTED)


def test_workbook_cells_keep_their_types(tmp_path: Path) -> None:
    """Numbers and dates of a workbook arrive as such; a sheet is found by name or place."""
    typed = pd.DataFrame({"date": pd.to_datetime(["2024-01-01", "2024-01-02"]), "units": [1, 2], "price": [1.5, None]})
    with pd.ExcelWriter(tmp_path / "book.xlsx") as writer:
        pd.DataFrame({"readme": ["see the other sheet"]}).to_excel(writer, sheet_name="About", index=False)
        typed.to_excel(writer, sheet_name="Sales", index=False)
    for sheet in ("Sales", 1):
        assert_frame_equal(read(tmp_path, "book.xlsx", sheet=sheet).rows, typed, check_dtype=False)
    assert read(tmp_path, "book.xlsx").rows.columns.tolist() == ["readme"]
    assert "'sales' (did you mean 'Sales'?)" in refused(tmp_path, "book.xlsx", sheet="sales")
    assert "found: About, Sales" in refused(tmp_path, "book.xlsx", sheet=2)


def test_parquet_keeps_types_and_a_named_index(tmp_path: Path) -> None:
    """The index that pandas wrote into a Parquet file is a column again."""
    rows = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=3), "y": [1, 2, 3]})
    rows.set_index("ds").to_parquet(tmp_path / "sales.parquet")
    assert_frame_equal(read(tmp_path, "sales.parquet").rows, rows, check_freq=False)


def test_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    """Files of several formats and column orders add up; hidden ones are ignored, others are named."""
    folder = tmp_path / "sales"
    folder.mkdir()
    (folder / "b.csv").write_text("date,units\n2024-01-02,2\n", encoding="utf-8")
    (folder / "a.csv").write_text("units;date\n1;2024-01-01\n", encoding="utf-8")
    (folder / "c.csv").write_text("date,units\n", encoding="utf-8")
    pd.DataFrame({"units": ["3"], "date": ["2024-01-03"]}).to_parquet(folder / "d.parquet")
    (folder / ".hidden.csv").write_text("x\n1\n", encoding="utf-8")
    (folder / "README.md").write_text("About", encoding="utf-8")
    raw = read(tmp_path, "sales")
    assert raw.rows.to_numpy().tolist() == [["1", "2024-01-01"], ["2", "2024-01-02"], ["3", "2024-01-03"]]
    assert "4 files were read" in raw.notes
    assert "no rows were found (1 files)" in raw.notes
    assert "not read, being of another kind: README.md" in raw.notes


@pytest.mark.parametrize(
    ("second", "lacking", "column"), [("date\n1\n", "b.csv", "units"), ("date,units,x\n1,2,3\n", "a.csv", "x")]
)
def test_folder_with_different_columns_is_refused(tmp_path: Path, second: str, lacking: str, column: str) -> None:
    """The message says which file lacks which column."""
    (tmp_path / "a.csv").write_text("date,units\n1,2\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text(second, encoding="utf-8")
    assert f"{tmp_path / lacking}: column '{column}' is missing" in refused(tmp_path, ".")


def test_missing_file_names_where_and_what_is_near(tmp_path: Path) -> None:
    """A mistyped path shows the absolute path, a similar name, or the folder that does not exist."""
    (tmp_path / "sales.csv").write_text(text(), encoding="utf-8")
    message = refused(tmp_path, "slaes.csv")
    assert message.startswith(f"{tmp_path / 'slaes.csv'}: there is no such file (did you mean 'sales.csv'?)")
    assert "nowhere/sales.csv: there is neither the file nor its folder" in refused(tmp_path, "nowhere/sales.csv")


def test_absolute_paths_may_lie_anywhere_and_relative_ones_stay_inside(tmp_path: Path) -> None:
    """A relative path that climbs out of the data folder is refused; the same file by its full path is read."""
    (tmp_path / "sales.csv").write_text(text(), encoding="utf-8")
    data = tmp_path / "data"
    data.mkdir()
    assert_frame_equal(read(data, str(tmp_path / "sales.csv")).rows, EXPECTED)
    assert "Give an absolute path" in refused(data, "../sales.csv")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", b"", "empty (0 bytes)"),
        ("x.csv", b"\n\n  \n", "no header"),
        ("x.csv", b"date,units\n", "has a header (date, units) but no rows"),
        ("x.csv", b"date,units\n1,2\n3,4,5\n", "line 3 has 3 fields, the header has 2"),
        ("x.csv", b"date,units\n1,2,3\n4,5,6\n", "line 2 has 3 fields, the header has 2"),
        ("x.csv", b'date,units\n"1,2\n', "a quote that is never closed"),
        ("x.csv", b"date,units,units\n1,2,3\n", "column 'units' stands twice"),
        ("x.csv", b"date,units\n1," + bytes(range(128, 256)), "the encoding cannot be determined"),
        ("x.csv", bytes(range(32)) * 8, "is no text table"),
        ("x.csv.gz", gzip.compress(b"date,units\n1,2\n" * 99, mtime=0)[:-12], "cannot be read"),
        ("x.parquet", b"PAR1 and then nothing", "is no readable Parquet file"),
        ("x.xlsx", b"PK and then nothing", "is no readable workbook"),
        ("x.xls", b"old", "Save it as one of .csv"),
        ("x.json", b"[]", "Save it as one of .csv"),
    ],
)
def test_unusable_files_are_refused_in_one_sentence(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    """Each message starts with the file and says what was found in it."""
    (tmp_path / name).write_bytes(content)
    message = refused(tmp_path, name)
    assert message.startswith(str(tmp_path / name))
    assert said in message


def test_line_numbers_count_the_skipped_lines(tmp_path: Path) -> None:
    """The line in the message is the line an editor shows, cells with line breaks included."""
    (tmp_path / "x.csv").write_text('title\ndate,units\n"a\nb",2\n3,4,5\n', encoding="utf-8")
    assert "line 5 has 3 fields" in refused(tmp_path, "x.csv", skip_rows=1)


def test_short_lines_are_kept_and_noted(tmp_path: Path) -> None:
    """A footer or a cut line stays a row with missing cells, for the cleaning to judge."""
    (tmp_path / "x.csv").write_text("date,units\n1,2\n2,\nTotal\n", encoding="utf-8")
    raw = read(tmp_path, "x.csv")
    assert raw.rows["units"].isna().tolist() == [False, True, True]
    assert "1 lines have fewer fields than the header (the first is line 4)" in raw.notes


def test_wrong_encoding_names_the_line(tmp_path: Path) -> None:
    """An encoding that was set and does not fit is the user's to correct, with the line that shows it."""
    (tmp_path / "x.csv").write_bytes(text().encode("cp1252"))
    assert "line 2 holds bytes that are not utf-8" in refused(tmp_path, "x.csv", encoding="utf-8", separator=";")
    for encoding in ("utf-16", "utf-32"):
        assert f"holds bytes that are not {encoding}" in refused(tmp_path, "x.csv", encoding=encoding)


@pytest.mark.parametrize("name", ["x.xlsx", "x.parquet"])
def test_columns_that_stand_twice_are_refused_in_typed_formats_too(tmp_path: Path, name: str) -> None:
    """Two columns of one name are never renamed silently."""
    rows = pd.DataFrame([[1, 2, 3]], columns=["date", "units", "units "])
    rows.to_excel(tmp_path / name, index=False) if name.endswith("xlsx") else rows.to_parquet(tmp_path / name)
    assert "column 'units' stands twice" in refused(tmp_path, name)


def test_empty_folder_and_folder_without_rows_are_refused(tmp_path: Path) -> None:
    """A folder needs at least one file that can be read and holds a row."""
    assert "no file that can be read" in refused(tmp_path, ".")
    (tmp_path / "a.csv").write_text("date,units\n", encoding="utf-8")
    assert "a header but no rows" in refused(tmp_path, ".")


@pytest.mark.parametrize(
    "options",
    [
        {"path": ""},
        {"path": "https://example.org/x.csv"},
        {"encoding": "utf-88"},
        {"encoding": "rot13"},
        {"separator": ";;"},
        {"skip_rows": -1},
    ],
)
def test_options_refuse_what_cannot_work(options: dict[str, object]) -> None:
    """Mistakes are found when the configuration is read, not when the file is."""
    with pytest.raises(ValidationError):
        file.Options.model_validate({"path": "sales.csv", **options})
