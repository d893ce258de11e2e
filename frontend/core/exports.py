"""Downloads of the tables on the screen."""

import io
import re

import pandas as pd
import streamlit as st

from frontend.core import words

# Where a spreadsheet would begin a formula: at the start of a cell, or after what it may read as a cell's end.
# Includes the signs in full and small width, and signs preceded by blanks, quotes or invisible characters.
_FORMULA = re.compile(
    r"^(?=[\s\"'\x00-\x1f\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠﹦﹢﹣﹫]|[\t\r\n])"
    r"|(?<=[\t\r\n;])(?=[ \"']*[=+\-@＝＋－＠﹦﹢﹣﹫])"
)


def buttons(table: pd.DataFrame, *named: str) -> None:
    """Offers the table as CSV and as parquet, in files named after their content and made on demand."""
    key = "-".join(named)
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "CSV", lambda: csv(table), words.file_name(*named, ending="csv"), "text/csv",
            key=f"csv-{key}", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Parquet",
            lambda: _parquet(table),
            words.file_name(*named, ending="parquet"),
            "application/vnd.apache.parquet",
            key=f"parquet-{key}",
            icon=":material/download:",
            on_click="ignore",
        )


def csv(table: pd.DataFrame) -> bytes:
    """The table as CSV without its index, safe to open in a spreadsheet.

    Texts that a spreadsheet would compute, headers included, get a leading apostrophe. Numbers and times are unchanged.
    Lines end as in RFC 4180, so that text with a line break is quoted.
    """
    columns = [column if _is_told(column) else column.astype(object).map(_text) for _, column in table.items()]
    written = pd.concat(columns, axis=1) if columns else table
    return (
        written.set_axis([_text(name) for name in table.columns], axis=1)
        .to_csv(index=False, lineterminator="\r\n")
        .encode()
    )


def _is_told(column: pd.Series) -> bool:
    """Whether the column cannot contain text."""
    kinds = pd.api.types
    return bool(kinds.is_numeric_dtype(column) or kinds.is_datetime64_any_dtype(column))


def _text(value: object) -> object:
    return _FORMULA.sub("'", value) if isinstance(value, str) else value


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()
