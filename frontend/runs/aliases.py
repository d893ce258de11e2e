"""Moving the production alias: requires a reason, and fails if somebody else has moved it in the meantime."""

import streamlit as st

from frontend.core import shell, words
from frontend.core.client import ApiDown, ApiError
from frontend.runs import calls

PRODUCTION = "production"

_MOVED = "moved"


def moved() -> None:
    """Confirms a move that was made in the previous script run."""
    if done := st.session_state.pop(_MOVED, None):
        st.toast(words.literal(done), icon=":material/check_circle:")


@st.dialog("Change what is in production")
def confirm(workspace: str, run_id: str, version: int, what: words.Markdown) -> None:
    """Asks for a reason, and moves the alias if nobody has moved it since `version`."""
    st.markdown(
        f"**{what}** to **{words.literal(run_id)}**? Its newest forecasts are served at once, and the audit file keeps who did it and why."
    )
    reason = st.text_input(
        "Reason", key="reason", max_chars=500, placeholder="such as: the last one missed the promotion"
    )
    if not st.button(what, type="primary", key="confirm", disabled=not reason.strip()):
        return
    try:
        calls.move_alias(shell.client(), workspace, PRODUCTION, run_id, reason.strip(), version)
    except ApiError as error:
        again = " Close this and look at what it is now." if error.status == 412 else ""
        st.error(f"{words.lines(error.detail)}{again}", icon=":material/error:")
        return
    except ApiDown:
        st.error(
            "The service cannot be reached. Nothing was changed, as far as one can tell from here.",
            icon=":material/cloud_off:",
        )
        return
    st.session_state[_MOVED] = f"{run_id} is in production."
    st.rerun()
