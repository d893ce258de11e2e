"""Copilot page: questions in plain language. Every number in an answer is a fact that opens to show its source."""

import streamlit as st

from frontend.copilot import chat, knowledge
from frontend.core import api, link, shell, states, words
from frontend.core.client import ApiDown, ApiError

VIEWS = ("Chat", "Knowledge")
PAGES = ("portfolio", "forecast", "accuracy", "monitoring", "data", "runs")  # pages that a visitor may come from
HERE = "copilot_workspace"  # the workspace shown last


def page() -> None:
    workspace = shell.workspace()
    name = workspace["name"]
    shell.title(
        "Copilot",
        f"{words.literal(workspace['title'])} · every number in an answer opens, and says where it comes from",
    )
    with link.to("view", VIEWS):
        tabs = st.tabs(VIEWS, key="view", on_change="rerun")
    if tabs[0].open:
        with tabs[0]:
            states.require(workspace, "ready")
            where, unique_id = _from(name)
            _chat(name, where, unique_id)
        # Outside the tab, so that it stays at the bottom of the window.
        chat.entry(name, where, unique_id, "entry", "Ask about your forecasts")
    if tabs[1].open:
        with tabs[1]:
            states.require(workspace, "ready", "no forecasts", "no run")
            knowledge.knowledge(name)


def _from(workspace: str) -> tuple[str, str | None]:
    """The page the visitor comes from and its series: from the URL, else from the previous page."""
    state = st.session_state
    changed = not link.entered() and state.get(HERE) != workspace
    state[HERE] = workspace
    came = link.entered() and chat.FROM not in st.query_params
    with link.to(chat.FROM, PAGES):
        if came and link.before() in PAGES:
            state[chat.FROM] = link.before()
    with link.to(chat.SERIES):
        if link.entered() and (named := state[chat.SERIES]) and not _exists(workspace, named):
            link.missing(chat.SERIES, named)
            state[chat.SERIES] = ""
        if came and state[chat.FROM] == "forecast" and not state[chat.SERIES]:
            state[chat.SERIES] = state.get(shell.LAST, {}).get(workspace, "")
        if changed:
            state[chat.SERIES] = state[chat.QUESTION] = ""
    return state[chat.FROM], state[chat.SERIES] or None


def _exists(workspace: str, unique_id: str) -> bool:
    """Whether the series exists; true if that cannot be determined, because the answer will report it."""
    try:
        return api.profile(shell.client(), workspace, unique_id) is not None
    except (ApiDown, ApiError):
        return True


def _chat(workspace: str, where: str, unique_id: str | None) -> None:
    state, turns = st.session_state, chat.conversation(workspace)
    with link.to(chat.QUESTION):
        asked = state[chat.QUESTION]
        if asked and all(turn.question != asked for turn in turns):
            chat.ask(workspace, asked, where, unique_id)  # asked by a link
        elif turns and not asked:
            state[chat.QUESTION] = turns[-1].question
    with st.container(horizontal=True, vertical_alignment="center"):
        if unique_id:
            st.text(f"About {unique_id}", width="content")
            st.button("Ask about all series", icon=":material/close:", key="all", type="tertiary", on_click=_widen)
        if turns:
            st.button(
                "Clear the conversation", icon=":material/delete_sweep:", key="clear", type="tertiary",
                on_click=_clear, args=(workspace,),
            )  # fmt: skip
    if not turns:
        st.header("Ask in your own words, or begin with one of these")
        chat.suggested(workspace, chat.beginnings(workspace, where, unique_id), where, unique_id, "first")
    chat.show(workspace, turns, "chat")


def _widen() -> None:
    """Widens the scope to the whole workspace."""
    st.session_state[chat.FROM], st.session_state[chat.SERIES] = PAGES[0], ""


def _clear(workspace: str) -> None:
    chat.conversation(workspace).clear()
    st.session_state[chat.QUESTION] = ""


page()
