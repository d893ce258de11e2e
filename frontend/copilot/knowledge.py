"""The copilot's sources: listing them, adding notes and deleting notes."""

from pathlib import PurePath

import pandas as pd
import streamlit as st

from frontend.copilot import calls
from frontend.core import exports, roles, shell, states, words
from frontend.core.client import ApiDown, ApiError, Json

# Plain text is sent as markdown, which it is: without keys the service refuses types that any site's form can send.
KINDS = {".md": "text/markdown", ".txt": "text/markdown", ".pdf": "application/pdf"}
_LARGEST = 5  # MB per note
_DONE = "knowledge_done"  # the action completed in the previous script run


def knowledge(workspace: str) -> None:
    """The list of sources, a form for a new note, and a way to delete a note."""
    if done := st.session_state.pop(_DONE, None):
        st.toast(words.literal(done), icon=":material/check_circle:")
    with states.loading("Reading the sources"):
        sources = calls.sources(shell.client(), workspace)
    st.caption("Besides the data, answers may quote these. Notes are yours; the others follow from the project.")
    table = pd.DataFrame(
        {
            "source": one["name"],
            "kind": words.model(one["kind"]),
            "characters": one["characters"],
            "pieces": one["chunks"],
            "added": words.moment(one["added_at"]),
            "by": one["by"],
        }
        for one in sources
    )
    st.dataframe(table, hide_index=True, placeholder=words.NOTHING, height=min(420, 38 + 35 * max(1, len(table))))
    exports.buttons(table, "knowledge", workspace)
    if refused := roles.missing("analyst"):
        st.info(f"Adding and deleting notes: {refused}", icon=":material/lock:")
        return
    left, right = st.columns(2)
    with left:
        _add(workspace)
    with right:
        _remove(workspace, [one for one in sources if one["kind"] == "note"])


def _add(workspace: str) -> None:
    st.header("Add a note")
    with st.form("note", clear_on_submit=True, border=False):
        file = st.file_uploader(
            f"Markdown, plain text or PDF of at most {_LARGEST} MB",
            type=[kind.removeprefix(".") for kind in KINDS],
            max_upload_size=_LARGEST,
            key="note_file",
        )
        pressed = st.form_submit_button("Add", icon=":material/note_add:", type="primary")
    if not pressed:
        return
    if file is None:
        st.warning("Choose a file first.", icon=":material/upload_file:")
        return
    kind = KINDS[PurePath(file.name).suffix.lower()]
    try:
        added = calls.add_note(shell.client(), workspace, file.name, kind, file.getvalue())
    except (ApiDown, ApiError) as error:
        states.told(error, "choose the file again when it is back")
        return
    st.session_state[_DONE] = f"{added['name']} can be quoted now."
    st.rerun()


def _remove(workspace: str, notes: list[Json]) -> None:
    st.header("Delete a note")
    if not notes:
        st.caption("There are no notes yet.")
        return
    names = {one["source_id"]: one["name"] for one in notes}
    chosen = st.selectbox("Note", list(names), format_func=names.__getitem__, key="note")
    with st.popover("Delete", icon=":material/delete:"):
        st.text(names[chosen])
        st.caption("Answers cannot quote it any more. It can be added again from its file.")
        if not st.button("Delete it", type="primary", key="delete_note"):
            return
        try:
            calls.remove_note(shell.client(), workspace, chosen)
        except (ApiDown, ApiError) as error:
            states.told(error, "the note is still there")
            return
    st.session_state[_DONE] = f"{names[chosen]} is deleted."
    st.rerun()
