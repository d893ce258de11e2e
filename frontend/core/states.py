"""Empty, loading and error states of a page: always with the next step, never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import streamlit as st

from frontend.core import words
from frontend.core.client import ApiDown, ApiError

_NEXT = {
    "no data": ("There is no data yet.", "run_all"),
    "no run": ("There is data, but nothing is trained yet.", "train"),
    "no forecasts": ("There is a trained run, but no forecast is published yet.", "inference"),
    "unreadable": ("What is stored of this workspace is damaged and is not shown.", "run_all"),
}
_PAUSE = 4.0  # seconds between two checks whether the service is back


@contextmanager
def loading(doing: words.Markdown) -> Iterator[None]:
    """Spinner with this text while something is read; on failure shows a panel and ends the page."""
    try:
        with st.spinner(doing):
            yield
    except (ApiDown, ApiError) as error:
        failed(error)


def failed(error: ApiDown | ApiError) -> NoReturn:
    """Ends the page with one panel that says what happened and offers to try again."""
    told(error, "this page comes back with it")
    st.button("Try again", icon=":material/refresh:", key="retry")
    if isinstance(error, ApiDown):
        _look_again()
    st.stop()


def told(error: ApiDown | ApiError, solace: words.Markdown) -> None:
    """Error panel: what happened, in the service's words if it sent any. `solace`: what is not lost if it is down."""
    if isinstance(error, ApiDown):
        st.error(
            f"**The service cannot be reached.** Nothing is lost: {solace}.",
            icon=":material/cloud_off:",
        )
    elif error.status in (401, 403):
        st.warning(f"**Not allowed.** {words.lines(error.detail)}", icon=":material/lock:")
    elif error.status == 404:
        st.info(f"**Not found.** {words.lines(error.detail)}", icon=":material/search_off:")
    else:
        st.error(f"**Something went wrong.** {words.lines(error.detail)}", icon=":material/error:")
        for field in error.fields:
            st.caption(f"{words.literal(field['field'])}: {words.literal(field['message'])}")
    if isinstance(error, ApiError) and error.request_id:
        st.caption(f"Request {words.literal(error.request_id)}")


@st.fragment(run_every=_PAUSE)
def _look_again() -> None:
    """Reruns the page after a pause, so that people need not press a button once the service is back."""
    if st.session_state.pop("waited", False):
        st.rerun()
    st.session_state["waited"] = True


def require(workspace: dict[str, str], *statuses: str) -> None:
    """Ends the page with the next command to run if the workspace is in none of `statuses`."""
    if workspace["status"] in statuses:
        return
    said, script = _NEXT[workspace["status"]]
    empty(said, f"python scripts/{script}.py --workspace {workspace['name']}")
    st.stop()


def empty(said: words.Markdown, command: str = "") -> None:
    """Message for an empty state, and how to get content."""
    with st.container(border=True):
        st.markdown(f":material/inbox: **{said}**")
        if command:
            st.caption("Start it on the page Data, or on the command line:")
            st.code(command, language="shell")
