"""Runs page: compare, verify, promote and roll back training runs."""

import pandas as pd
import streamlit as st

from frontend.core import api, exports, link, roles, shell, states, tables, words
from frontend.core.client import Json
from frontend.runs import aliases, calls, cards

_OF_TWO = {"a": "before", "b": "after", "delta": "change"}  # labels of the compared runs


def page() -> None:
    workspace = shell.workspace()
    shell.title("Runs", f"{words.literal(workspace['title'])} · each training is kept as it was")
    name, client = workspace["name"], shell.client()
    with states.loading("Reading the runs"):
        runs = calls.runs(client, name)
        named = api.aliases(client, name)
    if not runs["items"]:
        states.empty("Nothing was trained yet.", f"python scripts/train.py --workspace {name}")
        return
    aliases.moved()
    _production(named)
    picked = _list(runs["items"], name)
    if len(picked) == 1:
        _one(name, picked[0], named)
    elif len(picked) == 2:
        _two(name, *sorted(picked))
    else:
        st.caption("Select a run to see its card, to verify or promote it; select two to compare them.")


def _production(named: Json) -> None:
    alias = next((one for one in named["aliases"] if one["name"] == aliases.PRODUCTION), None)
    if alias is None:
        st.info("No run is in production yet.", icon=":material/info:")
        return
    with st.container(border=True):
        st.markdown(f":material/verified: **In production: {words.literal(alias['run_id'])}**")
        st.caption(
            f"Since {words.moment(alias['at'])}, by {words.literal(alias['by'])}: {words.literal(alias['reason'])}"
        )
        previous = alias["previous"]
        refused = roles.missing("admin")
        if previous and st.button(
            f"Roll back to {words.literal(previous)}",
            icon=":material/undo:",
            key="rollback",
            disabled=bool(refused),
            help=refused,
        ):
            aliases.confirm(st.session_state[link.WORKSPACE], previous, named["version"], "Roll back")


def _list(runs: list[Json], name: str) -> list[str]:
    table = pd.DataFrame(
        {
            "run": one["run_id"],
            "status": one["status"],
            "aliases": one["aliases"],
            "started": words.moment(one["started_at"]),
            "metric": words.metric(one["metric"]) if one["metric"] else words.NOTHING,
            "champions": one["champion"],
            "seasonal naive": one["baseline"],
            "skill": one["skill"],
            "series": one["n_series"],
            "data": one["data_version"],
            "what went wrong": one["error"],
        }
        for one in runs
    )
    number = st.column_config.NumberColumn
    picked = st.dataframe(
        table, key="runs", hide_index=True, on_select="rerun", selection_mode="multi-row", placeholder=words.NOTHING,
        column_config={
            "aliases": st.column_config.ListColumn(width="small"),
            "champions": number(format="%.4g"),
            "seasonal naive": number(format="%.4g"),
            "skill": number(format="percent"),
        },
    )  # fmt: skip
    exports.buttons(table.assign(aliases=table["aliases"].str.join(", ")), "runs", name)
    return [runs[row]["run_id"] for row in picked.selection.rows][-2:]


def _one(workspace: str, run_id: str, named: Json) -> None:
    with states.loading("Reading the run"):
        run = calls.run(shell.client(), workspace, run_id)
    st.header(words.literal(run_id))
    with st.container(horizontal=True):
        if st.button(
            "Verify",
            icon=":material/verified_user:",
            key="verify",
            help="Reads every file again and compares it with what was written.",
        ):
            _verify(workspace, run_id)
        promotable = run["status"] == "success" and aliases.PRODUCTION not in run["aliases"]
        refused = roles.missing("admin")
        if promotable and st.button(
            "Promote to production",
            icon=":material/publish:",
            key="promote",
            type="primary",
            disabled=bool(refused),
            help=refused,
        ):
            aliases.confirm(workspace, run_id, named["version"], "Promote")
        if run["card"]:
            st.download_button(
                "Card",
                cards.neutral(run["card"]),
                words.file_name("card", run_id, ending="md"),
                "text/markdown",
                icon=":material/download:",
                on_click="ignore",
                key="card",
            )
    if run["error"]:
        st.error(words.lines(run["error"]), icon=":material/error:")
    if run["card"]:
        with st.container(border=True):
            st.markdown(cards.neutral(run["card"], smaller=2))
    left, right = st.columns(2)
    with left.expander("Stages", icon=":material/timer:"):
        tables.show(pd.DataFrame(run["stages"]))
    with right.expander("Settings", icon=":material/settings:"):
        st.json(run["config"], expanded=1)


def _verify(workspace: str, run_id: str) -> None:
    with states.loading("Reading every file again"):
        verified = calls.verify(shell.client(), workspace, run_id)
    if verified["intact"]:
        signed = "signed" if verified["signed"] else "not signed"
        st.success(
            f"All {verified['files']:,} files are what was written; the run is {signed}.",
            icon=":material/verified_user:",
        )
    else:
        st.error(
            f"Not what was written: {words.literal(', '.join(verified['wrong']))}. Do not promote it.",
            icon=":material/gpp_bad:",
        )


def _two(workspace: str, a: str, b: str) -> None:
    with states.loading("Comparing"):
        comparison = calls.compare(shell.client(), workspace, a, b)
    st.header(words.literal(f"From {a} to {b}"))
    if comparison["comparable"]:
        _counted(comparison)
    else:
        st.warning(f"Their errors cannot be compared: {words.literal(comparison['reason'])}.", icon=":material/info:")
    st.subheader("Metrics")
    metrics = comparison["metrics"]
    figures = {name: [words.figure(one[name], _metric_of(one, comparison)) for one in metrics] for name in _OF_TWO}
    tables.show(pd.DataFrame({"metric": [one["metric"] for one in metrics], **figures}), labels=_OF_TWO)
    st.subheader("Settings")
    if comparison["config"]:
        changes = pd.DataFrame(
            {"setting": one["key"], "before": str(one["a"]), "after": str(one["b"])} for one in comparison["config"]
        )
        st.dataframe(changes, hide_index=True)
    else:
        st.caption("They have the same settings.")


def _metric_of(one: Json, comparison: Json) -> str:
    """Metric of a compared figure: `skill`, `coverage_80`, `smape` for `gbm.smape`; that of the runs for champions."""
    of_champions = one["metric"] in ("champion", "baseline")
    return str(comparison["metric"] if of_champions else one["metric"].rpartition(".")[2])


def _counted(comparison: Json) -> None:
    """How many series got better and worse over the same windows, and which changed most."""
    metric = words.literal(words.metric(comparison["metric"]))
    tiles = shell.tiles(3)
    tiles[0].metric("Series that got better", f"{comparison['n_better']:,}", border=True)
    tiles[1].metric("worse", f"{comparison['n_worse']:,}", border=True)
    tiles[2].metric("the same", f"{comparison['n_equal']:,}", border=True)
    columns = {name: tables.number_of(comparison["metric"], label) for name, label in _OF_TWO.items()}
    left, right = st.columns(2)
    for column, name, rows in ((left, "Better", comparison["better"]), (right, "Worse", comparison["worse"])):
        column.subheader(f"{words.literal(name)}, by {words.literal(metric)}")
        with column:
            tables.show(pd.DataFrame(rows), columns=columns, height=220)


page()
