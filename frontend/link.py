"""What is looked at stands in the URL, so that a copied link and the back button return to it.

Streamlit's own binding takes a page's values out of the history when the page is left; these stay.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import streamlit as st

_ENTERED, _SHOWN, _WRITTEN, _BEFORE, _GOING = "entered", "shown", "written", "before", "going"


def enter(page: str) -> None:
    """Notes which page this run shows: on one that is come to, the URL says how it is."""
    shown = st.session_state.get(_SHOWN)
    st.session_state[_ENTERED] = shown != page
    if shown != page:
        st.session_state[_BEFORE] = shown
    st.session_state[_SHOWN] = page


def entered() -> bool:
    """Whether this page is come to in this run."""
    return bool(st.session_state.get(_ENTERED, True))


def before() -> str | None:
    """The page that one comes from, as the URL names it; None where this one was opened first."""
    found: str | None = st.session_state.get(_BEFORE)
    return found


def go(page: str, **query: str) -> NoReturn:
    """Goes to a page, with what its URL shall say; from a fragment, too, which has no part in the URL's other values."""
    st.session_state[_GOING] = (page, query)
    st.rerun()


def follow() -> None:
    """Goes where `go` was told to, if it was."""
    if going := st.session_state.pop(_GOING, None):
        page, query = going
        st.switch_page(f"app_pages/{page}.py", query_params=query)


@contextmanager
def to(key: str, options: Sequence[str] | None = None) -> Iterator[None]:
    """The widget of this key, made within, has the value that the URL has, and the URL the widget's.

    `options`: what it can be, the first unless told otherwise; None: any text. What it cannot be is left out.
    """
    state, usual = st.session_state, options[0] if options else ""
    written = state.setdefault(_WRITTEN, {})
    named = st.query_params.get(key, usual)
    if entered() or key not in state or named != written.get(key, usual):
        state[key] = named if options is None or named in options else usual
    yield
    value = state.get(key) or usual
    if value != usual:
        st.query_params[key] = value
    elif key in st.query_params:
        del st.query_params[key]
    written[key] = value
