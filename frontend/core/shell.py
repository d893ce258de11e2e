"""Shell around every page: the client, the selected workspace and its freshness."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from frontend.core import api, link, words
from frontend.core.client import ApiDown, ApiError, Client, Json
from frontend.core.link import WORKSPACE
from frontend.core.states import empty, failed, loading

LAST = "last_series"  # last series viewed, by workspace, restored when the page is opened from the menu
_WANTED = "wanted_workspace"
_LATEST = "latest_workspace"  # last workspace viewed, for a page that is opened without one in its URL
_FIRST = ("ready", "no forecasts", "no run", "no data", "unreadable")
PRODUCT = "Forecast Copilot"
_TAB = 60  # characters per part of a tab title
_MOST_SEVERE = ("alert", "warn", None)
_NOT_READY = {
    "no data": "no data yet",
    "no run": "not trained yet",
    "no forecasts": "no forecasts yet",
    "unreadable": "damaged",
}


@st.cache_resource(show_spinner=False)
def client() -> Client:
    """Client shared by all sessions: its answers do not depend on the visitor."""
    return Client()


def sidebar(page: words.Markdown) -> None:
    """Workspace selector, kept in the URL, and the freshness of the data; the same on every page.

    Failures are reported on the page, under its title: on a phone the sidebar is closed.
    """
    try:
        with st.sidebar, st.spinner("Looking for workspaces"):
            workspaces = in_order(api.workspaces(client()))
    except (ApiDown, ApiError) as error:
        st.title(page)
        failed(error)
    if not workspaces:
        st.session_state.pop(WORKSPACE, None)
        return
    names, state = [one["name"] for one in workspaces], st.session_state
    if (wanted := state.pop(_WANTED, None)) in names:
        state[WORKSPACE] = wanted
        link.forget()
    latest = state.get(_LATEST)
    with st.sidebar, link.to(WORKSPACE, names, usual=latest if latest in names else first(workspaces)["name"]):
        chosen: str = st.selectbox("Workspace", names, key=WORKSPACE, on_change=link.forget)
    state[_LATEST] = chosen
    with st.sidebar:
        _freshness(next(one for one in workspaces if one["name"] == chosen))


def in_order(workspaces: list[Json]) -> list[Json]:
    """Workspaces in the order of the selector: those with something to show first."""
    return sorted(workspaces, key=lambda one: (_FIRST.index(one["status"]), one["name"]))


def first(workspaces: list[Json]) -> Json:
    """Default workspace for a visitor without a link: most severe unacknowledged alerts first, then by order."""

    def calm(one: Json) -> tuple[int, int]:
        return _MOST_SEVERE.index(one.get("worst_alert")), -(one.get("open_alerts") or 0)

    return min(in_order(workspaces), key=calm)


def workspace() -> Json:
    """The selected workspace; ends the page if there is none."""
    name = st.session_state.get(WORKSPACE)
    if name is None:
        empty("No workspace is configured yet. Upload a table on the page Data to create one.")
        st.stop()
    with loading("Reading the workspace"):
        details = api.workspace(client(), name)
    if details.get("reason"):
        st.error("**This workspace is damaged.** Other workspaces are not affected.", icon=":material/error:")
        st.code(details["reason"], language=None, wrap_lines=True)  # verbatim: it quotes file contents
        if details["forecast_id"]:
            return {**details, "status": "ready"}  # its settings are unreadable, but its published forecasts are not
    return details


def look_at(workspace: str) -> None:
    """Selects this workspace from the next run on."""
    st.session_state[_WANTED] = workspace


def tab(*parts: str) -> None:
    """Sets the browser tab's title: the page and its subject, as plain text on one line."""
    named = (" ".join(part.split()) for part in parts if part)
    shown = [part if len(part) <= _TAB else f"{part[: _TAB - 1]}…" for part in named]
    st.set_page_config(page_title=" · ".join([*shown, PRODUCT]))


def title(heading: words.Markdown, caption: words.Markdown) -> None:
    """Page heading, and below it the place for notices about missing link targets."""
    st.title(heading)
    st.caption(caption)
    link.notices()


def tiles(count: int) -> list[DeltaGenerator]:
    """Side-by-side containers, as many per row as fit: two on a phone, where columns would fill two screens."""
    row = st.container(horizontal=True, gap="small")
    return [row.container(width="stretch", height="stretch") for _ in range(count)]


def _freshness(workspace: Json) -> None:
    with st.container(horizontal=True, gap="small"):
        if workspace["status"] in _NOT_READY:
            st.badge(_NOT_READY[workspace["status"]], icon=":material/hourglass_empty:", color="orange")
        if count := workspace["open_alerts"]:
            st.badge(
                f"{count:,} open alert{'s' if count > 1 else ''}", icon=":material/notifications:",
                color=words.COLOURS[workspace["worst_alert"]], help="Unacknowledged; the page Monitoring lists them.",
            )  # fmt: skip
        if workspace["synthetic"]:
            st.badge("synthetic data", icon=":material/science:", color="violet")
        if workspace["stale"]:
            st.badge(f"data {words.age(workspace['age_days'])}", icon=":material/history:", color="orange")
    if workspace["last_ds"]:
        st.caption(f"Data up to {words.day(workspace['last_ds'])}")
    if workspace["n_series"] is not None:
        st.caption(
            f"{workspace['n_series']:,} series · {words.steps(workspace['horizon'], workspace['frequency'])} ahead"
        )
