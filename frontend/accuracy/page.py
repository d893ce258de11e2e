"""Accuracy page: backtest errors, and whether the intervals reach their nominal coverage."""

import pandas as pd
import streamlit as st

from frontend.accuracy import calls, charts
from frontend.copilot import chat
from frontend.core import api, exports, figures, link, shell, states, tables, words
from frontend.core.client import Json
from frontend.core.frames import frame

ORDERS = ("worst", "best")
VIEWS = ("Models", "Over the horizon", "Over time", "Intervals", "Series", "Segments")
METRICS = ("mase", "rmsse", "mae", "rmse", "smape", "mape", "wape", "bias")
BY_STEP = ("mae", "rmse", "bias", "smape", "mape")
SHOWN = 6  # models in a line chart
WORST = 200  # series in the table


def page() -> None:
    workspace = shell.workspace()
    shell.title(
        "Accuracy", f"{words.literal(workspace['title'])} · measured on windows of the past that no model had seen"
    )
    states.require(workspace, "ready", "no forecasts")
    name, client = workspace["name"], shell.client()
    usual = workspace["accuracy"]["metric"]
    metrics = [usual, *(name for name in METRICS if name != usual)]
    with link.to("metric", metrics):
        metric = st.selectbox(
            "Metric", metrics, format_func=words.metric, key="metric", width=160,
            help="MASE and RMSSE are free of units: below 1 is better than the seasonal naive on the training part.",
        )  # fmt: skip
    with states.loading("Reading the leaderboard"):
        board = frame(calls.metrics(client, name, "model", metric=metric)).dropna(subset="value")
    board = board.sort_values("value", ascending=True, ignore_index=True) if metric != "bias" else board
    _tiles(workspace)
    chat.box(name, "accuracy")
    models = board["model"].tolist()
    with link.to("view", VIEWS):
        tabs = st.tabs(VIEWS, key="view", on_change="rerun")
    if tabs[0].open:
        with tabs[0]:
            _models(board, metric, workspace)
    if tabs[1].open:
        with tabs[1]:
            _horizon(workspace, metric, models)
    if tabs[2].open:
        with tabs[2]:
            _time(workspace, metric, models)
    if tabs[3].open:
        with tabs[3]:
            _intervals(workspace)
    if tabs[4].open:
        with tabs[4]:
            _series(workspace, usual)
    if tabs[5].open:
        with tabs[5]:
            _segments(workspace, usual)


def _tiles(workspace: Json) -> None:
    measured = workspace["accuracy"]
    metric = words.literal(words.metric(measured["metric"]))
    columns = shell.tiles(2 + 1 + len(measured["coverage"]))
    champion, baseline = (words.figure(measured[name], measured["metric"]) for name in ("champion", "baseline"))
    columns[0].metric(f"{metric} of the champions", champion, border=True)
    columns[1].metric(f"{metric} of the seasonal naive", baseline, border=True)
    columns[2].metric(
        "Skill",
        words.percent(measured["skill"]),
        border=True,
        help="How much smaller the mean error of the champions is than that of the seasonal naive.",
    )
    for column, (level, share) in zip(columns[3:], measured["coverage"].items(), strict=True):
        column.metric(f"{words.literal(level)} % intervals cover", words.percent(share, digits=1), border=True)


def _models(board: pd.DataFrame, metric: str, workspace: Json) -> None:
    figure = charts.leaderboard(*charts.as_drawn(board, metric))
    figures.show(figure, "leaderboard", f"{words.metric(metric)} by model", workspace)
    st.caption("Means over series and windows. Green is the seasonal naive: what beats it has learnt something.")
    exports.buttons(board, "leaderboard", workspace["name"])


def _horizon(workspace: Json, metric: str, models: list[str]) -> None:
    name, by = workspace["name"], metric if metric in BY_STEP else "mae"
    if by != metric:
        st.caption(
            f"{words.literal(words.metric(metric))} is computed over whole windows; per step the page shows {words.literal(words.metric(by))}."
        )
    with states.loading("Reading the errors by step"):
        rows = frame(calls.metrics(shell.client(), name, "horizon", metric=by))
    figure = charts.horizons(*charts.as_drawn(rows, by), _shown(models))
    figures.show(figure, "horizon", f"{words.metric(by)} over the horizon", workspace)
    exports.buttons(rows, "horizon", name)


def _time(workspace: Json, metric: str, models: list[str]) -> None:
    name = workspace["name"]
    with states.loading("Reading the windows"):
        rows = frame(calls.metrics(shell.client(), name, "cutoff", metric=metric))
    cutoffs = sorted(rows["cutoff"].unique())
    if len(cutoffs) > 1:
        labels = [f"{cutoff:%Y-%m-%d %H:%M}".removesuffix(" 00:00") for cutoff in cutoffs]
        link.check("cutoffs", labels)
        first, last = st.select_slider("Cutoffs", labels, (labels[0], labels[-1]), key="cutoffs", bind="query-params")
        rows = rows[rows["cutoff"].between(pd.Timestamp(first), pd.Timestamp(last))]
    figure = charts.cutoffs(*charts.as_drawn(rows, metric), _shown(models))
    figures.show(figure, "cutoff_lines", f"{words.metric(metric)} over time", workspace)
    exports.buttons(rows, "cutoffs", name)


def _intervals(workspace: Json) -> None:
    name = workspace["name"]
    with states.loading("Reading the calibration"):
        rows = pd.DataFrame(calls.calibration(shell.client(), name, workspace["production_run"]))
    left, right = st.columns(2)
    curve = rows[rows["by"] == ("curve" if "curve" in set(rows["by"]) else "all")]
    figures.show(charts.calibration(curve), "calibration", "Calibration of the intervals", workspace, into=left)
    steps = rows[rows["by"] == "step"].assign(step=lambda table: table["group"].astype(int))
    figures.show(charts.coverage(steps), "coverage", "Coverage over the horizon", workspace, into=right)
    st.caption("Measured on windows whose errors the intervals had not seen.")
    groups = rows[~rows["by"].isin(["all", "step", "curve"])]
    if len(groups):
        st.header("By segment")
        tables.show(
            groups,
            labels={"by": "segment", "group": "value", "level": "level, %"},
            columns={"coverage": tables.number_of("coverage", "covered")},
            height=260,
        )
    exports.buttons(rows, "calibration", name)


def _series(workspace: Json, metric: str) -> None:
    client, name = shell.client(), workspace["name"]
    left, right = st.columns(2)
    for column, of, label in ((left, "error", words.metric(metric)), (right, "skill", "skill")):
        with states.loading("Counting series"):
            counted = calls.distribution(client, name, of)
        if of == "error" and words.is_share(metric):
            counted, label = charts.in_percent(counted), f"{label}, %"
        figure = charts.distribution(counted, label)
        figures.show(figure, f"distribution_{of}", f"Series by {label}", workspace, into=column)
    with link.to("order", ORDERS):
        order = st.segmented_control("Show", ORDERS, key="order", required=True)
    with states.loading("Reading the series"):
        series = api.series(client, name, sort="-error" if order == "worst" else "error", limit=WORST)["items"]
    shown = {
        "unique_id": "series", "model": "champion", "runner_up": "runner-up", "error": words.metric(metric),
        "skill": "skill", "demand_class": "demand", "n": "values",
    }  # fmt: skip
    rows = ({**one, "error": one["error"] if one["metric"] == metric else None} for one in series)
    table = pd.DataFrame(rows, columns=list(shown)).rename(columns=shown)
    st.caption("Click a row to open its forecast.")
    picked = tables.clicked(
        table, "series_table", height=320,
        column_config={"skill": tables.number_of("skill"), words.metric(metric): tables.number_of(metric)},
    )  # fmt: skip
    exports.buttons(table, "series", name)
    if picked is not None:
        link.go("forecast", series=series[picked]["unique_id"])


def _segments(workspace: Json, metric: str) -> None:
    client, name = shell.client(), workspace["name"]
    with states.loading("Reading the attributes"):
        choices = list(api.series(client, name, limit=1)["filters"])
    with link.to("by", choices):
        by = st.segmented_control("By", choices, format_func=words.label, key="by", required=True) or choices[0]
    with states.loading("Reading the segments"):
        rows = pd.DataFrame(calls.segments(client, name, by)).drop(columns="statuses")
    figure = charts.segments(*charts.as_drawn(rows, metric, "error"))
    figures.show(figure, "segments", f"{words.metric(metric)} by {words.model(by)}", workspace)
    number = st.column_config.NumberColumn
    tables.show(
        rows,
        workspace,
        height=260,
        columns={
            "error": tables.number_of(metric, words.metric(metric)),
            **{
                column: number(tables.label(column), format="percent")
                for column in ("change", "change_on_year", "change_on_previous", "skill")
            },
            **{
                column: number(tables.label(column), format="compact")
                for column in ("forecast", "last_period", "last_year")
            },
        },
    )
    exports.buttons(rows, "segments", name, by)


def _shown(models: list[str]) -> list[str]:
    """The best few models, and the baseline."""
    best = models[:SHOWN]
    return best if charts.BASELINE in best or charts.BASELINE not in models else [*best[:-1], charts.BASELINE]


page()
