"""View state in the URL, so that a copied link and the back button return to the same view.

Streamlit's own binding removes a page's values from the history when the page is left; these stay. Pages are changed
only here, so that no link loses the workspace.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from frontend.core import pages, words

WORKSPACE = "workspace"  # the widget's key, and its name in the URL

_SHOWN, _ENTERED, _BEFORE, _WRITTEN, _GOING, _NOTICES = "shown", "entered", "before", "written", "going", "notices"
_EVERYWHERE = ("view", "metric", "order", "from")  # kept when the workspace changes; the rest is per workspace
_CALLED = {"tested": "model", "watched": "series", "by": "attribute"}

_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")  # constant: it contains no data


def enter(page: str) -> None:
    """Records which page this run shows. On a page that has just been opened, the URL decides the view."""
    shown = st.session_state.get(_SHOWN)
    st.session_state[_ENTERED] = shown != page
    if shown != page:
        st.session_state[_BEFORE] = shown
        st.session_state[_WRITTEN] = {}
    st.session_state[_SHOWN] = page
    st.session_state[_NOTICES] = []


def one_entry_per_act() -> None:
    """Keeps the browser's history free of addresses that were only passed through."""
    st.html(f"<script>{_SCRIPT}</script>", unsafe_allow_javascript=True)


def entered() -> bool:
    """Whether this run opens the page."""
    return bool(st.session_state.get(_ENTERED, True))


def before() -> str | None:
    """URL name of the page that was open before; None if this one was opened first."""
    page: str | None = st.session_state.get(_BEFORE)
    return page


def go(page: str, **query: str) -> NoReturn:
    """Goes to a page of this workspace. Also works in a fragment, which cannot change the URL's other values."""
    st.session_state[_GOING] = (page, query)
    st.rerun()


def follow() -> None:
    """Opens the page that `go` requested, if any."""
    if going := st.session_state.pop(_GOING, None):
        page, query = going
        st.switch_page(pages.script(page), query_params=_whole(query))


def offer(page: str, label: words.Markdown, *, icon: str = ":material/arrow_forward:", **query: str) -> None:
    """Shows a link to a page of this workspace."""
    st.page_link(pages.script(page), label=label, icon=icon, query_params=_whole(query))


def forget() -> None:
    """Removes the values of one workspace from the URL: another one has different series, attributes and cutoffs."""
    kept = {key: st.query_params[key] for key in _EVERYWHERE if key in st.query_params}
    st.query_params.from_dict(kept)


def notices() -> None:
    """The place below the page title where `missing` reports."""
    place = st.container()
    waiting: list[words.Markdown] = st.session_state[_NOTICES]
    st.session_state[_NOTICES] = place
    for text in waiting:
        _notice(place, text)


def missing(key: str, named: str, shown: str = "") -> None:
    """Reports that the link names something that does not exist, and what is shown instead, if it is one item."""
    what = _CALLED.get(key, key.removeprefix("by_").replace("_", " "))
    text = f"**{words.literal(what.capitalize())} not found:** {words.literal(named)}."
    text += f" Showing {words.literal(shown)} instead." if shown else ""
    place = st.session_state[_NOTICES]
    if isinstance(place, list):
        place.append(text)  # the page has not started yet: the sidebar is run first
    else:
        _notice(place, text)


def check(key: str, options: Collection[str]) -> None:
    """Reports values in the URL that are not among the options of a widget that Streamlit binds to the URL."""
    for named in st.query_params.get_all(key):
        if named not in options:
            missing(key, named)


@contextmanager
def to(key: str, options: Sequence[str] | None = None, *, usual: str | None = None) -> Iterator[None]:
    """Synchronises the widget with this key, created inside the context, with the URL.

    `options`: allowed values; the first is the default and is omitted from the URL. None allows any text. Values in the
    URL that are not allowed are reported. `usual`: default instead of the first option; it still appears in the URL.
    """
    state, always = st.session_state, usual is not None
    usual = usual if usual is not None else options[0] if options else ""
    written = state.setdefault(_WRITTEN, {})
    named = st.query_params.get(key, usual)
    if options is not None and named not in options:
        missing(key, named, usual)
        named = usual
        state[key] = usual
    if key not in written or key not in state or named != written[key]:
        state[key] = named
    yield
    value = state.get(key) or usual
    if value != usual or always:
        if st.query_params.get(key) != value:
            st.query_params[key] = value
    elif key in st.query_params:
        del st.query_params[key]
    written[key] = value


def _whole(query: dict[str, str]) -> dict[str, str]:
    workspace = st.session_state.get(WORKSPACE)
    return {WORKSPACE: workspace, **query} if workspace else query


def _notice(place: DeltaGenerator, text: words.Markdown) -> None:
    place.warning(text, icon=":material/link_off:")
