"""Tables on a page: readable column names, only meaningful digits, and clickable rows."""

import math
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from frontend.core import words
from frontend.core.client import Json

_ONE, _LINE, _WRAPPING = 35, 20, 66  # pixels: a one-line row, each further line, the row from which texts wrap
_LETTER = 7  # pixels per letter, approximately
_LABELS = {
    "unique_id": "series",
    "ds": "date",
    "y": "actual",
    "y_hat": "forecast",
    "cutoff": "forecast made on",
    "n": "values",
    "group": "value",
    "n_series": "series",
    "n_forecast": "with a forecast",
    "change": "change on the last period",
    "change_on_year": "change on last year",
    "change_on_previous": "change on the previous forecast",
    "last_year": "last year",
    "previous": "previous forecast",
    "psi": "PSI",
    "p_value": "p-value",
    "mape": "MAPE",
}
_WITH_UNIT = ("y", "y_hat", "last_year", "previous")
_BOUND = re.compile(r"(lo|hi)_(\d+)")


def label(name: str, workspace: Json | None = None) -> str:
    """Display name of a column: `date`, `forecast, pieces`, `80 % low, pieces`; actuals carry the target's name."""
    unit = f", {workspace['unit']}" if workspace and workspace["unit"] else ""
    if bound := _BOUND.fullmatch(name):
        return f"{bound[2]} % {'low' if bound[1] == 'lo' else 'high'}{unit}"
    known = (
        words.feature("y", workspace["target"]) if workspace and name == "y" else _LABELS.get(name, words.model(name))
    )
    known = _LABELS["y"] if known == "y" else known
    return f"{known}{unit}" if name in _WITH_UNIT else known


def show(
    table: pd.DataFrame,
    workspace: Json | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    columns: Mapping[str, Any] | None = None,
    **options: Any,
) -> None:
    """Shows a table; `labels` and `columns` override a column's default name and format."""
    config = {
        name: _column(table[name], (labels or {}).get(name) or label(name, workspace))
        for name in map(str, table.columns)
    }
    options = {"placeholder": words.NOTHING, **options}
    st.dataframe(table, hide_index=True, column_config={**config, **(columns or {})}, **options)


def clicked(table: pd.DataFrame, key: str, **options: Any) -> int | None:
    """Shows a table; returns the position of the row clicked last, or None."""
    # Cell selection, because row selection only reacts to the checkboxes in front of the rows.
    shown: Any = st.dataframe(
        table,
        key=key,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-cell",
        placeholder=words.NOTHING,
        **options,
    )
    return next((row for row, _ in shown.selection.cells), None)


def height_of(texts: pd.Series, width: int) -> int:
    """Row height at which the longest of these texts is fully visible in a column this many pixels wide."""
    lines = max((math.ceil(len(text) / (width / _LETTER)) for text in texts), default=1)
    return _ONE if lines == 1 else max(_WRAPPING, 14 + _LINE * lines)


def number_of(metric: str | None, name: str | None = None) -> Any:
    """Column format for values of a metric: percent for a share, three digits for any other."""
    return st.column_config.NumberColumn(name, format="percent" if words.is_share(metric) else "%.3g")


def _column(values: pd.Series, name: str) -> Any:
    """Numbers with four digits, counts with separators, and days without a time of day."""
    config = st.column_config
    if pd.api.types.is_datetime64_any_dtype(values):
        whole = values.dt.normalize().eq(values).all()
        return config.DatetimeColumn(name, format="ddd D MMM YYYY" if whole else "ddd D MMM YYYY, HH:mm")
    if pd.api.types.is_float_dtype(values):
        return config.NumberColumn(name, format="%.4g")
    if pd.api.types.is_integer_dtype(values):
        return config.NumberColumn(name, format="localized")
    return config.Column(name)
