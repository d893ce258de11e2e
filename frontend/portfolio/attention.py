"""Series that need attention, with their reasons, as links that work by keyboard and touch."""

import streamlit as st

from frontend.core import link, words
from frontend.core.client import Json

SHOWN = 8  # series; the table below lists the others

_NOTHING = "No series needs attention: no alert and no warning, and no error or change that is unusual for the series and the panel."


def attention(needing: Json) -> None:
    """List of the series that need attention. `needing`: that part of the portfolio, most urgent first."""
    count = needing["n_attention"]
    st.header("Needs attention")
    if not count:
        st.markdown(f":material/check_circle: {_NOTHING}")
        return
    with st.container(border=True, gap="xsmall"):
        for one in needing["items"][:SHOWN]:
            left, right = st.columns([1, 3], gap="small")
            with left:
                link.offer("forecast", words.literal(one["unique_id"]), icon=_icon(one), series=one["unique_id"])
            right.markdown(f":small[{words.literal(words.why(one['attention'], one['status']))}]")
    left = count - min(count, SHOWN)
    more = f" The other {left:,} are marked in the table below." if left else ""
    st.caption(f"{count:,} of {needing['summary']['n_series']:,} series, most urgent first.{more}")


def _icon(one: Json) -> str:
    """Severity as an icon, so that it does not depend on colour alone."""
    return {"alert": ":material/error:", "warn": ":material/warning:"}.get(
        one["monitored"], ":material/search_insights:"
    )
