"""Tables as files: what is on the screen, to take along."""

import io

import pandas as pd
import streamlit as st


def exports(table: pd.DataFrame, name: str) -> None:
    """Buttons for the table as CSV and as parquet; the file is made when one is pressed."""
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "CSV", lambda: table.to_csv(index=False).encode(), f"{name}.csv", "text/csv",
            key=f"csv-{name}", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Parquet", lambda: _parquet(table), f"{name}.parquet", "application/vnd.apache.parquet",
            key=f"parquet-{name}", icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()
