"""The web app: its pages, and what stands beside all of them."""

from pathlib import Path

import streamlit as st

from frontend import link, shell, words

STYLE = Path(__file__).with_name("app.css")
ICON = Path(__file__).with_name("icon.png")
PAGES = {
    "Today": [
        ("portfolio", "Portfolio", ":material/dashboard:"),
        ("forecast", "Forecast", ":material/show_chart:"),
        ("copilot", "Copilot", ":material/forum:"),
    ],
    "Trust": [
        ("accuracy", "Accuracy", ":material/target:"),
        ("monitoring", "Monitoring", ":material/monitor_heart:"),
    ],
    "Manage": [("data", "Data", ":material/database:"), ("runs", "Runs", ":material/history:")],
}


def main() -> None:
    """One run of the app: the page that the URL names, in its shell."""
    st.set_page_config(page_title=shell.PRODUCT, page_icon=str(ICON), layout="wide")
    st.html(STYLE)
    page = st.navigation(
        {
            section: [
                st.Page(f"app_pages/{name}.py", title=title, icon=icon, default=name == "portfolio")
                for name, title, icon in pages
            ]
            for section, pages in PAGES.items()
        }
    )
    link.enter(page.url_path)
    with st.sidebar:
        link.one_entry_per_act()
    shell.sidebar(words.literal(page.title))
    link.follow()
    shell.tab(page.title, st.session_state.get(link.WORKSPACE) or "")
    page.run()


main()
