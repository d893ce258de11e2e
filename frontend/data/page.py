"""Data page: quality checks, rejected rows with their reasons, and the series."""

from typing import Literal

import pandas as pd
import streamlit as st

from frontend.core import api, exports, link, shell, states, words
from frontend.core.client import Json
from frontend.data import calls, jobs, uploads

SIGNS = {"pass": "✓ pass", "warn": "! look", "fail": "✗ fail"}
COLOURS: dict[str, Literal["green", "orange", "red"]] = {"pass": "green", "warn": "orange", "fail": "red"}
VIEWS = ("Checks", "Rejected rows", "Series", "Upload", jobs.VIEW)
PAGE = 100  # rows of a table


def page() -> None:
    shell.title("Data", "Data quality, rejected rows and uploads")
    with link.to("view", VIEWS):
        tabs = st.tabs(VIEWS, key="view", on_change="rerun")
    for tab, shown in zip(tabs, (_checks, _rejected, _series), strict=False):
        if tab.open:
            with tab:
                workspace = shell.workspace()
                states.require(workspace, "ready", "no forecasts", "no run")
                shown(workspace["name"])
    if tabs[3].open:
        with tabs[3]:
            uploads.upload()
    if tabs[4].open:
        with tabs[4]:
            jobs.jobs(shell.workspace()["name"])


def _checks(name: str) -> None:
    with states.loading("Reading the checks"):
        quality = calls.quality(shell.client(), name)
    counts = quality["counts"]
    columns = shell.tiles(4)
    columns[0].metric("Rows read", f"{counts['rows_in']:,}", border=True)
    columns[1].metric("Kept", f"{counts['rows_kept']:,}", border=True)
    columns[2].metric("Steps filled", f"{counts['rows_filled']:,}", border=True)
    columns[3].metric("Rejected", f"{counts['rows_rejected']:,}", border=True)
    with st.container(horizontal=True):
        st.markdown(
            words.badge(f"data {quality['status']}", COLOURS[quality["status"]], ":material/fact_check:"),
            width="content",
        )
        st.caption(f"Brought in {words.moment(quality['as_of'])} · version {words.literal(quality['data_version'])}")
    checks = pd.DataFrame(quality["checks"])
    checks = checks.sort_values("status", key=lambda status: status.eq("pass"), kind="stable", ignore_index=True)
    checks["status"] = checks["status"].map(SIGNS)
    checks["examples"] = [", ".join(map(str, examples)) for examples in checks["examples"]]
    st.dataframe(
        checks[["name", "status", "message", "count", "total", "examples"]], hide_index=True,
        column_config={
            "name": st.column_config.TextColumn("check"),
            "status": st.column_config.TextColumn(width="small"),
            "message": st.column_config.TextColumn("found", width="large"),
            "count": st.column_config.NumberColumn(format="localized"),
            "total": st.column_config.NumberColumn("of", format="localized"),
        },
    )  # fmt: skip
    exports.buttons(checks, "checks", name)
    with st.expander("Detected automatically", icon=":material/search_insights:"):
        for what, how in quality["inferred"].items():
            st.markdown(f"- **{words.literal(what)}**: {words.literal(how)}")


def _rejected(name: str) -> None:
    with states.loading("Reading the rejected rows"):
        rejected = calls.rejected(shell.client(), name, limit=1000)
    if not rejected["total"]:
        st.success("Every row could be read.", icon=":material/check_circle:")
        return
    rows = pd.DataFrame(rejected["items"])
    st.caption(
        f"{len(rows):,} of {rejected['total']:,} rows, as they came. Correct them at their source and run the ETL again."
    )
    st.dataframe(rows, hide_index=True, placeholder="")
    exports.buttons(rows, "rejected", name)


def _series(name: str) -> None:
    client = shell.client()
    with link.to("find"):
        search = st.text_input("Find", key="find", type="search", live=True, placeholder="part of a name", width=260)
    with states.loading("Searching"):
        total = api.series(client, name, search or "", limit=1)["total"]
    pages = max(1, -(-total // PAGE))
    if pages > 1:
        link.check("page", [str(one) for one in range(1, pages + 1)])
    number = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    with states.loading("Reading the series"):
        series = api.series(client, name, search or "", limit=PAGE, offset=(number - 1) * PAGE)["items"]
    table = pd.DataFrame([_profile(one) for one in series])
    st.dataframe(
        table,
        hide_index=True,
        height=420,
        placeholder=words.NOTHING,
        column_config={
            column: st.column_config.NumberColumn(format="percent") for column in ("zeros", "season", "trend")
        },
    )
    st.caption(f"{total:,} series")
    exports.buttons(table, "series", name)


def _profile(one: Json) -> Json:
    return {
        "series": one["unique_id"],
        **one["attributes"],
        "status": one["status"],
        "from": one["first_ds"],
        "to": one["last_ds"],
        "values": one["n"],
        "missing": one["n_missing"],
        "zeros": one["share_zero"],
        "demand": one["demand_class"],
        "season": one["seasonal_strength"],
        "trend": one["trend_strength"],
    }


page()
