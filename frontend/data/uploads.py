"""Uploading a table: preview, corrections to its interpretation, then a workspace with a first run."""

from typing import Any

import pandas as pd
import streamlit as st

from frontend.core import roles, shell, states, words
from frontend.core.client import ApiDown, ApiError, Json
from frontend.data import calls, jobs

_UNKNOWN = "Auto-detect"
_LABELS: dict[str, words.Markdown] = {  # form labels, by the field that a problem names
    "ds": "Time",
    "y": "Value",
    "keys": "What names a series",
    "static": "Attributes of a series",
    "future": "Known in advance (promotions, prices)",
    "title": "Title",
    "unit": "Unit of the value",
    "frequency": "Steps",
    "horizon": "Steps ahead",
    "timezone": "Time zone",
    "file": "The file",
    "settings": "The service",
}
_PREVIEW = "preview"  # session state of the previewed file


def upload() -> None:
    """Steps from a file to a workspace; nothing is created until its button is pressed."""
    if refused := roles.missing("analyst"):
        st.info(refused, icon=":material/lock:")
        return
    left, right = st.columns([1, 2])
    name = left.text_input(
        "Name of the workspace",
        key="new_name",
        max_chars=100,
        placeholder="such as sales",
        help="Letters, digits, . _ and -",
    )
    file = right.file_uploader(
        "A table as CSV, plain or gzipped, of at most 32 MB", type=["csv", "gz", "txt", "tsv"], key="file"
    )
    if not name or file is None:
        st.caption(
            "One row per date and series: a date column, a value column, and the columns that identify the series."
        )
        return
    preview = st.session_state.get(_PREVIEW)
    if preview is None or (preview["workspace"], preview["file"]) != (name, file.file_id):
        with states.loading("Looking at the table"):
            understood = calls.upload(shell.client(), name, file.getvalue())
        preview = st.session_state[_PREVIEW] = {**understood, "file": file.file_id}
    _what_it_is(preview)
    shape = _correct(preview)
    if preview["acceptable"]:
        _make(preview, shape)


def _what_it_is(preview: Json) -> None:
    for problem in preview["problems"]:
        field = _LABELS.get(problem["field"]) or words.literal(problem["field"])
        st.error(f"**{field}**: {words.literal(problem['message'])}", icon=":material/error:")
    columns = shell.tiles(4)
    columns[0].metric("Rows", _count(preview["n_rows"]), border=True)
    columns[1].metric("Series", _count(preview["n_series"]), border=True)
    columns[2].metric("Steps", words.literal(preview["frequency"] or words.NOTHING), border=True)
    columns[3].metric("Rejected", _count(preview["rejected"]["count"]), border=True)
    if preview["first_ds"]:
        st.caption(f"From {words.day(preview['first_ds'])} to {words.day(preview['last_ds'])}")
    for note in preview["notes"]:
        st.caption(words.literal(note))
    with st.expander("The first rows", icon=":material/table:", expanded=True):
        st.dataframe(pd.DataFrame(preview["rows"]), hide_index=True, height=200, placeholder="")
    if preview["rejected"]["count"]:
        with st.expander("Rejected rows", icon=":material/block:"):
            rejected = preview["rejected"]["rows"]
            rows = pd.DataFrame({"row": one["row"], "reason": one["reason"], **one["values"]} for one in rejected)
            st.dataframe(rows, hide_index=True, height=200, placeholder="")
    if preview["quality"]:
        with st.expander("Checks", icon=":material/fact_check:"):
            checks = pd.DataFrame(preview["quality"]["checks"])
            st.dataframe(checks[["name", "status", "message", "count", "total"]], hide_index=True, height=260)


def _correct(preview: Json) -> Json:
    """Form to correct the interpretation of the file; returns the settings sent with the upload."""
    names, mapping = [column["name"] for column in preview["columns"]], preview["mapping"]
    with st.form("shape"):
        st.header("Detected columns and settings")
        first = st.columns(3)
        ds = _one(first[0], _LABELS["ds"], names, mapping["ds"], "map_ds")
        y = _one(first[1], _LABELS["y"], names, mapping["y"], "map_y")
        keys = first[2].multiselect(_LABELS["keys"], names, mapping["keys"] or [], key="map_keys")
        second = st.columns(2)
        static = second[0].multiselect(_LABELS["static"], names, mapping["static"], key="map_static")
        future = second[1].multiselect(_LABELS["future"], names, mapping["future"], key="map_future")
        third = st.columns(5)
        title = third[0].text_input(_LABELS["title"], key="map_title")
        unit = third[1].text_input(_LABELS["unit"], key="map_unit")
        frequency = third[2].text_input(
            _LABELS["frequency"], "auto", key="map_frequency", help="A pandas alias such as h, D, W-SUN or MS"
        )
        horizon = third[3].number_input(_LABELS["horizon"], 1, 744, preview["horizon"], key="map_horizon")
        timezone = third[4].text_input(_LABELS["timezone"], "UTC", key="map_timezone", help="Such as Europe/London")
        again = st.form_submit_button("Update preview", icon=":material/refresh:")
    shape: Json = {
        "mapping": {"ds": ds, "y": y, "keys": keys or None, "static": static, "future": future},
        "title": title,
        "unit": unit,
        "frequency": frequency or "auto",
        "horizon": horizon,
        "timezone": timezone or "UTC",
    }
    if again:
        with states.loading("Looking at the table again"):
            understood = calls.update_preview(shell.client(), preview["workspace"], preview["upload_id"], shape)
        st.session_state[_PREVIEW] = {**understood, "file": preview["file"]}
        st.rerun()
    return shape


def _make(preview: Json, shape: Json) -> None:
    name = preview["workspace"]
    if not st.button(
        f"Make the workspace {words.literal(name)} and start its first run",
        type="primary",
        icon=":material/rocket_launch:",
        key="make",
    ):
        return
    client = shell.client()
    try:
        calls.create_workspace(client, name, preview["upload_id"], shape)
        job = calls.start_job(client, name, "run_all")
    except (ApiDown, ApiError) as error:
        states.told(error, "the preview is kept")
        return
    st.session_state.pop(_PREVIEW)
    jobs.watch(name, job["job_id"])


def _one(column: Any, label: words.Markdown, names: list[str], detected: str | None, key: str) -> str | None:
    options = [_UNKNOWN, *names]
    chosen: str = column.selectbox(label, options, index=options.index(detected) if detected in names else 0, key=key)
    return None if chosen == _UNKNOWN else chosen


def _count(value: int | None) -> words.Markdown:
    return words.NOTHING if value is None else f"{value:,}"
