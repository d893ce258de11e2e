"""Pipelines started from the app, and their progress."""

from typing import Literal

import pandas as pd
import streamlit as st

from frontend.core import api, link, roles, shell, states, words
from frontend.core.client import ApiDown, ApiError, Json
from frontend.data import calls, progress

KINDS = {
    "run_all": "Everything: data, training, forecasts",
    "etl": "Bring the data in",
    "train": "Train",
    "inference": "Forecast and publish",
    "monitor": "Monitor",
}
VIEW = "Pipelines"  # of the Data page, where jobs are followed
ACTIVE = ("queued", "running")

RESULTS = {  # where a pipeline's result is shown: page, label of the link, and view
    "run_all": ("portfolio", "Open the forecasts", {}),
    "train": ("accuracy", "Open the accuracy of the models", {}),
    "inference": ("portfolio", "Open the forecasts", {}),
    "monitor": ("monitoring", "Open the monitoring", {}),
    "etl": ("data", "Open the data quality checks", {"view": "Checks"}),
}
_RUNNING = "running_job"  # job last seen running: when it ends, the sidebar is refreshed
_WATCHED = "watched_job"  # the job that is followed, as (workspace, id)
_PAUSE = 1.0  # seconds between two refreshes
_LINES = 12  # log lines shown
_COLOURS: dict[str, Literal["green", "red", "gray", "blue"]] = {
    "succeeded": "green",
    "failed": "red",
    "cancelled": "gray",
}


def jobs(workspace: str) -> None:
    """Starts a pipeline, follows it, and lists earlier ones."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    kind = left.selectbox("Pipeline", list(KINDS), format_func=KINDS.__getitem__, key="kind")
    refused = roles.missing("analyst")
    if right.button(
        "Start",
        type="primary",
        icon=":material/play_arrow:",
        key="start",
        width="stretch",
        disabled=bool(refused),
        help=refused,
    ):
        try:
            watch(workspace, calls.start_job(shell.client(), workspace, kind)["job_id"])
        except (ApiDown, ApiError) as error:
            states.told(error, "nothing was started")
    _follow(workspace)


def watch(workspace: str, job_id: str) -> None:
    """Opens the view where this job is followed."""
    st.session_state[_WATCHED] = (workspace, job_id)
    shell.look_at(workspace)
    st.query_params["view"] = VIEW
    st.rerun()


@st.fragment(run_every=_PAUSE)
def _follow(workspace: str) -> None:
    """The latest jobs and the running one, refreshed automatically."""
    try:
        newest = calls.jobs(shell.client(), workspace)["items"]
        if not newest:
            st.caption("No pipeline was started from here yet.")
            return
        watched = st.session_state.get(_WATCHED, ("", ""))
        chosen = watched[1] if watched[0] == workspace else newest[0]["job_id"]
        _one(workspace, calls.job(shell.client(), workspace, chosen))
    except (ApiDown, ApiError) as error:
        st.warning(f"How the jobs stand cannot be read now: {words.literal(error)}", icon=":material/cloud_off:")
        return
    if len(newest) > 1:
        st.header("Earlier jobs")
        table = pd.DataFrame(
            {
                "pipeline": one["kind"],
                "state": one["state"],
                "started": words.moment(one["started_at"] or one["created_at"]),
                "ended": words.moment(one["finished_at"]),
                "by": one["by"],
                "what went wrong": one["error"],
            }
            for one in newest
        )
        st.dataframe(table, hide_index=True, placeholder="", height=min(260, 38 + 35 * len(table)))


def _one(workspace: str, job: Json) -> None:
    state = st.session_state
    if job["state"] in ACTIVE:
        state[_RUNNING] = job["job_id"]
    elif state.pop(_RUNNING, None) == job["job_id"]:
        st.rerun()  # the whole page: the sidebar's workspace status is out of date
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(words.badge(job["state"], _COLOURS.get(job["state"], "blue")), width="content")
            st.markdown(
                f"**{KINDS.get(job['kind'], 'Pipeline')}**, started {words.moment(job['started_at'] or job['created_at'])}"
            )
            refused = roles.missing("analyst")
            if job["state"] in ACTIVE and st.button(
                "Cancel",
                icon=":material/stop_circle:",
                key=f"cancel-{job['job_id']}",
                disabled=bool(refused),
                help=refused,
            ):
                calls.cancel_job(shell.client(), workspace, job["job_id"])
        if job["state"] in ACTIVE:
            _bar(workspace, job)
        if job["error"]:
            st.error(words.lines(job["error"]), icon=":material/error:")
        if job["state"] == "succeeded":
            _result(job["kind"])
        lines = [f"{line['timestamp'][11:19]} {line['event']} {_facts(line)}".rstrip() for line in job["log"][-_LINES:]]
        st.code("\n".join(lines) or "no output yet", language=None)


def _bar(workspace: str, job: Json) -> None:
    """Progress over all stages, and the count of the running stage."""
    now = job["progress"] or {"stage": "starting", "done": None, "total": None}
    counted = f" {now['done']:,} of {now['total']:,}" if now["total"] else ""
    n_models = len(api.workspace(shell.client(), workspace)["models"] or ())
    st.progress(progress.share(job["kind"], n_models, job["log"]), f"{words.literal(now['stage'])}{counted}")


def _result(kind: str) -> None:
    page, label, query = RESULTS[kind]
    said = "Done. The forecasts are on the Portfolio." if page == "portfolio" else "Done."
    st.success(said, icon=":material/check_circle:")
    if page == "data":  # a link to the current page would not change its view
        if st.button(label, icon=":material/arrow_forward:", key="result"):
            link.go(page, **query)
    else:
        link.offer(page, label, **query)


def _facts(line: Json) -> str:
    return " ".join(f"{name}={value}" for name, value in line.items() if name not in ("timestamp", "level", "event"))
