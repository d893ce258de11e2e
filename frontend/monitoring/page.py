"""Monitoring page: live error and coverage, drift, alerts and rollback."""

from html import escape

import pandas as pd
import streamlit as st

from frontend.copilot import chat
from frontend.core import api, exports, figures, link, roles, shell, states, tables, words
from frontend.core.client import ApiDown, ApiError, Json
from frontend.core.frames import frame
from frontend.monitoring import alerts, calls, charts
from frontend.runs import aliases

VIEWS = ("Over time", "Series", "Drift", "Alerts", "Data health", "Report")
WORST = 200  # series in a table
METRIC = "mase"
_OF_FEATURES = {
    "n_series": "series", "insufficient": "too few values", "ok": "ok", "warn": "warn", "alert": "alert",
    "psi_median": "PSI, median", "psi_largest": "PSI, largest",
}  # fmt: skip
_OF_SERIES = {
    "psi": "PSI", "n_reference": "values in the reference", "n_current": "values now", "p_value": "p-value",
}  # fmt: skip
WATCHED = "watched"  # the selected series, in the URL


def page() -> None:
    workspace = shell.workspace()
    shell.title("Monitoring", f"{words.literal(workspace['title'])} · forecasts against actuals")
    states.require(workspace, "ready", "no forecasts")
    name, client = workspace["name"], shell.client()
    try:
        summary = calls.summary(client, name)
    except (ApiDown, ApiError) as error:
        if isinstance(error, ApiDown) or error.status != 404:
            states.failed(error)
        states.empty("It was not monitored yet.", f"python scripts/monitor.py --workspace {name}")
        return
    _status(summary)
    _rivals(summary, name)
    chat.box(name, "monitoring")
    with link.to("view", VIEWS):
        tabs = st.tabs(VIEWS, key="view", on_change="rerun")
    for tab, shown in zip(tabs, (_time, _series, _drift, _alerts, _health, _report), strict=True):
        if tab.open:
            with tab:
                shown(summary, workspace)


def _status(summary: Json) -> None:
    """Current statuses, and the live error against the backtest."""
    with st.container(horizontal=True, vertical_alignment="center"):
        _badge(summary["status"], ":material/monitor_heart:")
        st.caption(f"Based on actuals up to {words.day(summary['as_of'][:10])}, run {words.literal(summary['run_id'])}")
    kinds = list(summary["counts"])
    columns = shell.tiles(len(kinds) + 1)
    whole = [row for row in summary["accuracy"] if row["by"] == "all" and row["metric"] == METRIC]
    newest = max(whole, key=lambda row: row["window"], default=None)
    columns[0].metric(
        "MASE",
        words.literal(words.number(newest and newest["value"])),
        f"backtest {words.literal(words.number(newest and newest['baseline']))}",
        border=True,
        height="stretch",
        delta_color="off",
        delta_arrow="off",
    )
    for column, kind in zip(columns[1:], kinds, strict=True):
        counts = summary["counts"][kind]
        column.metric(
            words.label(kind).capitalize(),
            f"{counts['alert']:,} in alert",
            f"{counts['warn']:,} warn",
            border=True,
            height="stretch",
            delta_color="off",
            delta_arrow="off",
            help=f"{counts['insufficient']:,} of the series have too few values to tell.",
        )


def _badge(status: str, icon: str = "") -> None:
    st.markdown(words.badge(status, words.COLOURS[status], icon), width="content")


def _rivals(summary: Json, name: str) -> None:
    """Runs that perform worse than the previous one, and their rollback."""
    for one in summary["comparisons"]:
        if not one["worse"]:
            continue
        st.warning(
            f"**{words.literal(one['run_id'])}** ({words.literal(one['alias'])}) is worse than "
            f"{words.literal(one['other_run_id'])} on the same values: MASE {words.literal(words.number(one['error']))} "
            f"against {words.literal(words.number(one['other_error']))}. {words.literal(one['why'])}",
            icon=":material/trending_down:",
        )
        refused = roles.missing("admin")
        if one["alias"] == aliases.PRODUCTION and st.button(
            f"Roll back to {words.literal(one['other_run_id'])}", icon=":material/undo:", key=f"back-{one['run_id']}",
            disabled=bool(refused), help=refused,
        ):  # fmt: skip
            with states.loading("Reading the aliases"):
                version = api.aliases(shell.client(), name)["version"]
            aliases.confirm(name, one["other_run_id"], version, "Roll back")


def _time(summary: Json, workspace: Json) -> None:
    timeline = frame(summary["timeline"])
    if timeline.empty:
        st.caption("No forecast has met its actuals yet.")
        return
    left, right = st.columns(2)
    left.header("Live error")
    figures.show(charts.errors(timeline, METRIC), "errors", "Live error", workspace, into=left)
    right.header("Live coverage")
    figures.show(charts.coverage(timeline), "covered", "Live coverage", workspace, into=right)
    exports.buttons(timeline, "timeline", workspace["name"])
    history = pd.DataFrame(
        {
            "as_of": pd.Timestamp(one["as_of"][:19]),
            "status": one["status"],
            "warn": one["counts"]["overall"]["warn"],  # each series once, by its most severe status
            "alert": one["counts"]["overall"]["alert"],
        }
        for one in {one["as_of"]: one for one in summary["history"]}.values()  # the latest for each date
    )
    if len(history) > 1:
        st.header("Series in warning and alert")
        figures.show(charts.statuses(history), "statuses", "Series in warning and alert", workspace)


def _series(_: Json, workspace: Json) -> None:
    st.header("Series by severity")
    _list(workspace["name"])
    _one(workspace)


def _list(name: str) -> None:
    with link.to("find"):
        search = st.text_input("Find", key="find", type="search", live=True, placeholder="part of a name", width=260)
    with states.loading("Reading the series"):
        page = calls.series(shell.client(), name, search or "", WORST)
    rows = page["items"]
    table = pd.DataFrame(
        {
            "series": one["unique_id"],
            "status": one["status"],
            "since": one["since"],
            "MASE": one["mase"],
            "in the backtest": one["mase_baseline"],
            "skill": one["skill"],
            "bias": one["bias"],
            "lean": one["lean"],
            "drifted": one["feature"] if one["statuses"]["drift"] in ("warn", "alert") else None,
            "PSI": one["psi"],
            "threshold": one["threshold"],
        }
        for one in rows
    )
    if table.empty:
        st.caption("No series is like that.")
        return
    number = st.column_config.NumberColumn
    st.caption(f"{len(rows):,} of {page['total']:,} series, most severe first. Click a row to see more of it.")
    picked = tables.clicked(
        table, "monitored", height=min(420, 40 + 35 * len(table)),
        column_config={
            "skill": number(format="percent"),
            "lean": number(format="%.2g", help="The CUSUM of its bias; positive: the forecasts are too low."),
            **{column: number(format="%.3g") for column in ("MASE", "in the backtest", "bias", "PSI", "threshold")},
        },
    )  # fmt: skip
    exports.buttons(table, "monitored", name)
    if picked is not None:
        st.session_state[WATCHED] = rows[picked]["unique_id"]


def _one(workspace: Json) -> None:
    """Details of the series that the URL names: its forecast sets and its drift."""
    with link.to(WATCHED):
        watched = st.session_state.get(WATCHED)
    if not watched:
        return
    with states.loading("Reading the series"):
        try:
            one = api.monitored(shell.client(), workspace["name"], watched)
        except ApiError as error:
            if error.status not in (404, 422):
                raise
            link.missing(WATCHED, watched)
            return
    shell.tab("Monitoring", watched)
    st.divider()
    st.subheader(words.literal(watched))
    with st.container(horizontal=True, vertical_alignment="center"):
        _badge(one["status"], ":material/monitor_heart:")
        st.caption(words.literal(words.standing(one)))
        link.offer("forecast", "Its forecast", series=watched)
    origins = frame(one["detail"]["origins"])
    if not origins.empty:
        left, right = st.columns(2)
        figures.show(charts.errors(origins, METRIC), "its-errors", "Live error", workspace, watched, into=left)
        figures.show(charts.coverage(origins), "its-cover", "Live coverage", workspace, watched, into=right)
    drift = pd.DataFrame(one["drift"])
    drift["feature"] = [words.feature(name, workspace["target"]) for name in drift["feature"]]
    tables.show(drift, labels=_OF_SERIES)


def _drift(summary: Json, workspace: Json) -> None:
    with states.loading("Reading the drift"):
        rows = calls.series(shell.client(), workspace["name"], "", WORST, "drift")["items"]
    table = pd.DataFrame({"unique_id": one["unique_id"], **row} for one in rows for row in one["drift"])
    judged = table[table["status"] != "insufficient"].copy() if len(table) else table
    if judged.empty:
        st.caption("There are too few values for a comparison yet.")
        return
    judged["feature"] = [words.feature(name, workspace["target"]) for name in judged["feature"]]
    st.header("Drift by series and feature")
    figures.show(charts.drift(judged, figures.colours()), "drift", "PSI compared with its threshold", workspace)
    counts = summary["counts"]["drift"]
    st.caption(
        f"{counts['alert'] + counts['warn']:,} of {summary['n_series']:,} series have drifted: {counts['alert']:,} in alert, {counts['warn']:,} "
        "in warning. PSI in units of its threshold, which allows for the number of values in both samples: above 1, chance alone "
        "rarely explains it. A status lasts until several monitorings in a row have found less, so a series may have drifted "
        "that is below 1 now."
    )
    st.header("Drift by feature")
    features = pd.DataFrame(summary["drift"])
    features["feature"] = [words.feature(name, workspace["target"]) for name in features["feature"]]
    tables.show(features, labels=_OF_FEATURES)
    exports.buttons(table, "drift", workspace["name"])


def _alerts(_: Json, workspace: Json) -> None:
    alerts.listed(workspace)


def _health(summary: Json, workspace: Json) -> None:
    checks = pd.DataFrame(summary["health"])
    if checks.empty:
        st.caption("Nothing was checked yet.")
        return
    checks["examples"] = [", ".join(map(str, examples)) for examples in checks["examples"]]
    st.header("Checks of the data")
    shown = checks[["name", "status", "message", "value", "limit", "count", "examples"]]
    tables.show(
        shown,
        labels={"name": "check", "message": "found"},
        columns={"message": st.column_config.TextColumn("found", width="large")},
    )
    exports.buttons(checks, "health", workspace["name"])


def _report(summary: Json, workspace: Json) -> None:
    name = workspace["name"]
    if not summary["report"]:
        states.empty("The newest monitoring has no report.", f"python scripts/monitor.py --workspace {name}")
        return
    with states.loading("Reading the report"):
        html = calls.report(shell.client(), name)
    st.download_button(
        "Report",
        html,
        words.file_name("report", name, ending="html"),
        "text/html",
        icon=":material/download:",
        on_click="ignore",
        key="report",
    )
    st.iframe(_framed(html), height=900)


def _framed(html: str) -> str:
    """The page in a frame with an origin of its own: content of Streamlit's own frame could reach into the app."""
    style = "position: absolute; inset: 0; width: 100%; height: 100%; border: 0"
    return f'<iframe title="Report" sandbox="allow-scripts" style="{style}" srcdoc="{escape(html)}"></iframe>'


page()
