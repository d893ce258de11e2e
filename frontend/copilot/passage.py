"""Text of an answer in which every fact is a button that opens its card; the browser draws it from plain text only."""

from pathlib import Path

import streamlit as st

from frontend.copilot import answers
from frontend.core.client import Json

_HERE = Path(__file__)
# Code and style are constants of this project; the answer is passed as data and becomes text, never markup.
_component = st.components.v2.component(
    "answer",
    css=_HERE.with_name("passage.css").read_text(encoding="utf-8"),
    js=_HERE.with_name("passage.js").read_text(encoding="utf-8"),
)


def passage(answer: Json, key: str) -> Json | None:
    """Shows the answer; returns the fact whose page was requested by a click, or None."""
    shown = _component(key=key, data=answers.passage(answer), on_open_change=lambda: None)
    return next((one for one in answer["facts"] if one["id"] == shown.get("open")), None)
