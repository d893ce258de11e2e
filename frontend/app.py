"""Entry point of the web app: its pages and the shell around them."""

from pathlib import Path

import streamlit as st

from frontend.core import link, pages, shell, words

STYLE = Path(__file__).with_name("app.css")
ICON = Path(__file__).with_name("icon.png")


def main() -> None:
    """One run of the app: the page that the URL names, inside the shell."""
    st.set_page_config(page_title=shell.PRODUCT, page_icon=str(ICON), layout="wide")
    st.html(STYLE)
    page = st.navigation(_menu())
    link.enter(page.url_path)
    with st.sidebar:
        link.one_entry_per_act()
    shell.sidebar(words.literal(page.title))
    link.follow()
    shell.tab(page.title, st.session_state.get(link.WORKSPACE) or "")
    page.run()


def _menu() -> dict[str, list[st.Page]]:
    """The pages by section. A page keeps its URL path regardless of its file name."""
    menu: dict[str, list[st.Page]] = {}
    for place, (name, page) in enumerate(pages.pages().items()):
        shown = st.Page(pages.script(name), title=page.title, icon=page.icon, url_path=name, default=place == 0)
        menu.setdefault(page.section, []).append(shown)
    return menu


main()
