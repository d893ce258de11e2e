"""What every page has: the client, the workspace that is looked at, and how fresh it is."""

import streamlit as st

from frontend import words
from frontend.api_client import Client, Json
from frontend.states import loading

WORKSPACE = "workspace"  # the key of its widget, and its name in the URL
LAST = "last_series"  # that was looked at, by workspace: who comes back by the menu finds it again
_WANTED = "wanted_workspace"
_FIRST = ("ready", "no forecasts", "no run", "no data", "unreadable")
_NOT_READY = {
    "no data": "no data yet",
    "no run": "not trained yet",
    "no forecasts": "no forecasts yet",
    "unreadable": "damaged",
}


@st.cache_resource(show_spinner=False)
def client() -> Client:
    """One for all sessions: its answers are the same for everybody."""
    return Client()


def sidebar() -> None:
    """The workspace to look at, kept in the URL, and how fresh it is; whatever page is shown."""
    with st.sidebar:
        with loading("Looking for workspaces"):
            found = in_order(client().workspaces())
        if not found:
            st.info("No workspace is configured yet. Bring data in on the page Data.", icon=":material/inbox:")
            return
        names = [one["name"] for one in found]
        if wanted := st.session_state.pop(_WANTED, None):
            st.session_state[WORKSPACE] = wanted
        if WORKSPACE not in st.query_params:
            st.session_state.setdefault(WORKSPACE, names[0])
        # Without a default of its own its value is always in the URL: a link must not mean another one tomorrow.
        chosen = st.selectbox("Workspace", names, index=None, required=True, key=WORKSPACE, bind="query-params")
        if chosen is None:
            return
        _freshness(next(one for one in found if one["name"] == chosen))


def in_order(found: list[Json]) -> list[Json]:
    """Workspaces as they are offered: the first is what a visitor without a link sees."""
    return sorted(found, key=lambda one: (_FIRST.index(one["status"]), one["name"]))


def workspace() -> Json:
    """The workspace that is looked at; ends the page where there is none."""
    name = st.session_state.get(WORKSPACE)
    if name is None:
        st.stop()
    with loading("Reading the workspace"):
        found = client().workspace(name)
    if found.get("reason"):
        st.error("**This workspace is damaged.** Other workspaces are not affected.", icon=":material/error:")
        st.code(found["reason"], language=None, wrap_lines=True)  # as it is: it quotes what files hold
        if found["forecast_id"]:
            return {**found, "status": "ready"}  # its settings cannot be read; what it has published can
    return found


def look_at(workspace: str) -> None:
    """This workspace is looked at from the next run on."""
    st.session_state[_WANTED] = workspace


def title(heading: str, caption: str) -> None:
    """The head of a page."""
    st.title(heading)
    st.caption(caption)


def _freshness(found: Json) -> None:
    with st.container(horizontal=True, gap="small"):
        if found["status"] in _NOT_READY:
            st.badge(_NOT_READY[found["status"]], icon=":material/hourglass_empty:", color="orange")
        if found["synthetic"]:
            st.badge("synthetic data", icon=":material/science:", color="violet")
        if found["stale"]:
            st.badge(f"data {words.age(found['age_days'])}", icon=":material/history:", color="orange")
    if found["last_ds"]:
        st.caption(f"Data up to {words.day(found['last_ds'])}")
    if found["n_series"] is not None:
        st.caption(f"{found['n_series']:,} series · {words.steps(found['horizon'], found['frequency'])} ahead")
