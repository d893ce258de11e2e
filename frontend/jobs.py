"""Pipelines that are started from the app, and how far they are."""

from typing import Literal

import pandas as pd
import streamlit as st

from frontend import shell, words
from frontend.api_client import ApiDown, ApiError, Json

KINDS = {
    "run_all": "Everything: data, training, forecasts",
    "etl": "Bring the data in",
    "train": "Train",
    "inference": "Forecast and publish",
    "monitor": "Look at what came",
}
VIEW = "Pipelines"  # of the page Data, where jobs are followed
ACTIVE = ("queued", "running")

_WATCHED = "watched"  # the job that is followed, as (workspace, id)
_PAUSE = 2.0  # seconds between two looks
_LINES = 12  # of the log
_COLOURS: dict[str, Literal["green", "red", "gray", "blue"]] = {
    "succeeded": "green",
    "failed": "red",
    "cancelled": "gray",
}


def jobs(workspace: str) -> None:
    """Starts a pipeline, follows it, and lists those before it."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    kind = left.selectbox("Pipeline", list(KINDS), format_func=KINDS.__getitem__, key="kind")
    if right.button("Start", type="primary", icon=":material/play_arrow:", key="start", width="stretch"):
        try:
            watch(workspace, shell.client().start_job(workspace, kind)["job_id"])
        except ApiError as error:
            st.error(words.lines(error.detail), icon=":material/error:")
    _follow(workspace)


def watch(workspace: str, job_id: str) -> None:
    """Goes to where this job is followed."""
    st.session_state[_WATCHED] = (workspace, job_id)
    shell.look_at(workspace)
    st.query_params["view"] = VIEW
    st.rerun()


@st.fragment(run_every=_PAUSE)
def _follow(workspace: str) -> None:
    """The newest jobs, and the one that runs; looked at again by itself."""
    try:
        found = shell.client().jobs(workspace)["jobs"]
        if not found:
            st.caption("No pipeline was started from here yet.")
            return
        watched = st.session_state.get(_WATCHED, ("", ""))
        chosen = watched[1] if watched[0] == workspace else found[0]["job_id"]
        _one(workspace, shell.client().job(workspace, chosen))
    except (ApiDown, ApiError) as error:
        st.warning(f"How the jobs stand cannot be read now: {words.literal(error)}", icon=":material/cloud_off:")
        return
    if len(found) > 1:
        st.markdown("**Before**")
        table = pd.DataFrame(
            {
                "pipeline": one["kind"],
                "state": one["state"],
                "started": words.moment(one["started_at"] or one["created_at"]),
                "ended": words.moment(one["finished_at"]),
                "by": one["by"],
                "what went wrong": one["error"],
            }
            for one in found
        )
        st.dataframe(table, hide_index=True, placeholder="", height=min(260, 38 + 35 * len(table)))


def _one(workspace: str, job: Json) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(words.badge(job["state"], _COLOURS.get(job["state"], "blue")), width="content")
            st.markdown(
                f"**{KINDS.get(job['kind'], 'Pipeline')}**, begun {words.moment(job['started_at'] or job['created_at'])}"
            )
            if job["state"] in ACTIVE and st.button(
                "Cancel", icon=":material/stop_circle:", key=f"cancel-{job['job_id']}"
            ):
                shell.client().cancel_job(workspace, job["job_id"])
        progress = job["progress"]
        if job["state"] in ACTIVE and progress:
            share = progress["done"] / progress["total"] if progress["total"] else 0.0
            counted = f" {progress['done']:,} of {progress['total']:,}" if progress["total"] else ""
            st.progress(min(1.0, share), f"{words.literal(progress['stage'])}{counted}")
        if job["error"]:
            st.error(words.lines(job["error"]), icon=":material/error:")
        if job["state"] == "succeeded":
            st.success("Done. The forecasts are on the Portfolio.", icon=":material/check_circle:")
        lines = [f"{line['timestamp'][11:19]} {line['event']} {_facts(line)}".rstrip() for line in job["log"][-_LINES:]]
        st.code("\n".join(lines) or "nothing was said yet", language=None)


def _facts(line: Json) -> str:
    return " ".join(f"{name}={value}" for name, value in line.items() if name not in ("timestamp", "level", "event"))
