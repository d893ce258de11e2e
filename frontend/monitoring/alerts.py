"""Alerts: the finding, the date of the data since which it holds, and links to the affected series and groups."""

import streamlit as st

from frontend.core import link, roles, shell, states, words
from frontend.core.client import Json
from frontend.monitoring import calls

_SHOWN = 6  # series or groups shown per alert


def listed(workspace: Json) -> None:
    """The alerts of a workspace, newest first."""
    client, name = shell.client(), workspace["name"]
    with states.loading("Reading the alerts"):
        page = calls.alerts(client, name)
    st.header("Alerts")
    if not page["total"]:
        st.success("No alerts.", icon=":material/check_circle:")
        return
    st.caption(f"{page['open']:,} unacknowledged of {page['total']:,}")
    refused = roles.missing("analyst")
    for one in page["items"]:
        with st.container(border=True):
            _one(one, name, refused)


def _one(one: Json, name: str, refused: words.Markdown | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(words.badge(one["severity"], words.COLOURS[one["severity"]]), width="content")
        # The date of the data, not of the monitoring run: a replay raises years of alerts within a minute.
        st.markdown(f"**{words.literal(one['kind'])}** · since {words.day(one['as_of'][:10])}")
        if one["acknowledged"] is None and st.button(
            "Seen", icon=":material/done:", key=f"seen-{one['id']}", disabled=bool(refused), help=refused
        ):
            with states.loading("Noting it"):
                calls.acknowledge(shell.client(), name, one["id"])
            st.rerun()
    st.text(one["message"])  # it contains names of series: untrusted text, never markup
    with st.container(horizontal=True, gap="small"):
        for figure in one["figures"][:_SHOWN]:
            _links(figure)
    if seen := one["acknowledged"]:
        st.caption(f"Seen by {words.literal(seen['by'])}, {words.moment(seen['at'])}")


def _links(figure: Json) -> None:
    """Links to the monitoring and forecast of a series, or to the series of a group."""
    if series := figure.get("unique_id"):
        named = words.literal(series)
        with st.container(horizontal=True, gap="xsmall", width="content"):
            link.offer("monitoring", named, icon=":material/monitor_heart:", view="Series", watched=series)
            link.offer("forecast", "Forecast", icon=":material/show_chart:", series=series)
    elif figure.get("by") not in (None, "all"):
        by, group = figure["by"], str(figure["group"])
        link.offer("portfolio", words.literal(f"{by} {group}"), icon=":material/dashboard:", **{f"by_{by}": group})
