"""How right the forecasts were in the backtest, and whether the intervals keep what they promise."""

import pandas as pd
import streamlit as st

from frontend import chat, link, shell, states, tables, words
from frontend.api_client import Json
from frontend.charts import accuracy, theme
from frontend.frames import frame

ORDERS = ("worst", "best")
VIEWS = ("Models", "Over the horizon", "Over time", "Intervals", "Series", "Segments")
METRICS = ("mase", "rmsse", "mae", "rmse", "smape", "mape", "wape", "bias")
BY_STEP = ("mae", "rmse", "bias", "smape", "mape")
SHOWN = 6  # models in a picture of lines
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
        board = frame(client.metrics(name, "model", metric=metric)["rows"]).dropna(subset="value")
    board = board.sort_values("value", ascending=True, ignore_index=True) if metric != "bias" else board
    _tiles(workspace)
    chat.box(name, "accuracy")
    models = board["model"].tolist()
    with link.to("view", VIEWS):
        tabs = st.tabs(VIEWS, key="view", on_change="rerun")
    if tabs[0].open:
        with tabs[0]:
            _models(board, metric, name)
    if tabs[1].open:
        with tabs[1]:
            _horizon(name, metric, models)
    if tabs[2].open:
        with tabs[2]:
            _time(name, metric, models)
    if tabs[3].open:
        with tabs[3]:
            _intervals(name, workspace["production_run"])
    if tabs[4].open:
        with tabs[4]:
            _series(name, usual)
    if tabs[5].open:
        with tabs[5]:
            _segments(name, usual)


def _tiles(workspace: Json) -> None:
    found = workspace["accuracy"]
    metric = words.literal(words.metric(found["metric"]))
    columns = shell.tiles(2 + 1 + len(found["coverage"]))
    columns[0].metric(f"{metric} of the champions", words.literal(words.number(found["champion"])), border=True)
    columns[1].metric(f"{metric} of the seasonal naive", words.literal(words.number(found["baseline"])), border=True)
    columns[2].metric(
        "Skill",
        words.percent(found["skill"]),
        border=True,
        help="How much smaller the mean error of the champions is than that of the seasonal naive.",
    )
    for column, (level, share) in zip(columns[3:], found["coverage"].items(), strict=True):
        column.metric(f"{words.literal(level)} % intervals cover", words.percent(share, digits=1), border=True)


def _models(board: pd.DataFrame, metric: str, name: str) -> None:
    figure = accuracy.leaderboard(board, words.metric(metric))
    st.plotly_chart(figure, key="leaderboard", config=theme.config(f"leaderboard-{name}"))
    st.caption("Means over series and windows. Green is the seasonal naive: what beats it has learnt something.")
    tables.exports(board, f"leaderboard-{name}")


def _horizon(name: str, metric: str, models: list[str]) -> None:
    by = metric if metric in BY_STEP else "mae"
    if by != metric:
        st.caption(
            f"{words.literal(words.metric(metric))} is of whole windows; by step it is told by {words.literal(words.metric(by))}."
        )
    with states.loading("Reading the errors by step"):
        rows = frame(shell.client().metrics(name, "horizon", metric=by)["rows"])
    st.plotly_chart(
        accuracy.horizons(rows, words.metric(by), _shown(models)), key="horizon", config=theme.config(f"horizon-{name}")
    )
    tables.exports(rows, f"horizon-{name}")


def _time(name: str, metric: str, models: list[str]) -> None:
    with states.loading("Reading the windows"):
        rows = frame(shell.client().metrics(name, "cutoff", metric=metric)["rows"])
    cutoffs = sorted(rows["cutoff"].unique())
    if len(cutoffs) > 1:
        labels = [f"{cutoff:%Y-%m-%d %H:%M}".removesuffix(" 00:00") for cutoff in cutoffs]
        link.check("cutoffs", labels)
        first, last = st.select_slider("Cutoffs", labels, (labels[0], labels[-1]), key="cutoffs", bind="query-params")
        rows = rows[rows["cutoff"].between(pd.Timestamp(first), pd.Timestamp(last))]
    st.plotly_chart(
        accuracy.cutoffs(rows, words.metric(metric), _shown(models)),
        key="cutoff_lines",
        config=theme.config(f"cutoffs-{name}"),
    )
    tables.exports(rows, f"cutoffs-{name}")


def _intervals(name: str, run_id: str) -> None:
    with states.loading("Reading the calibration"):
        rows = pd.DataFrame(shell.client().calibration(name, run_id))
    left, right = st.columns(2)
    left.plotly_chart(
        accuracy.calibration(rows[rows["by"] == ("curve" if "curve" in set(rows["by"]) else "all")]),
        key="calibration",
        config=theme.config(f"calibration-{name}"),
    )
    steps = rows[rows["by"] == "step"].assign(step=lambda table: table["group"].astype(int))
    right.plotly_chart(accuracy.coverage(steps), key="coverage", config=theme.config(f"coverage-{name}"))
    st.caption("Measured on windows whose errors the intervals had not seen.")
    groups = rows[~rows["by"].isin(["all", "step", "curve"])]
    if len(groups):
        st.markdown("**By segment**")
        st.dataframe(
            groups,
            hide_index=True,
            height=260,
            placeholder=words.NOTHING,
            column_config={"coverage": st.column_config.NumberColumn(format="%.1f %%")},
        )
    tables.exports(rows, f"calibration-{name}")


def _series(name: str, metric: str) -> None:
    client = shell.client()
    left, right = st.columns(2)
    for column, of, label in ((left, "error", words.metric(metric)), (right, "skill", "skill")):
        with states.loading("Counting series"):
            found = client.distribution(name, of, {})
        column.plotly_chart(
            accuracy.distribution(found, label), key=f"distribution_{of}", config=theme.config(f"{of}-{name}")
        )
    with link.to("order", ORDERS):
        order = st.segmented_control("Show", ORDERS, key="order", required=True)
    with states.loading("Reading the series"):
        rows = client.series(name, sort="-error" if order == "worst" else "error", limit=WORST)["series"]
    shown = ["unique_id", "model", "runner_up", "error", "skill", "demand_class", "n"]
    table = pd.DataFrame(rows, columns=shown).rename(columns={"unique_id": "series", "error": words.metric(metric)})
    picked = st.dataframe(
        table, key="series_table", hide_index=True, height=320, on_select="rerun", selection_mode="single-row", placeholder=words.NOTHING,
        column_config={"skill": st.column_config.NumberColumn(format="percent"), words.metric(metric): st.column_config.NumberColumn(format="%.3g")},
    )  # fmt: skip
    st.caption("Select a series to open its forecast.")
    tables.exports(table, f"series-{name}")
    if picked.selection.rows:
        series = rows[picked.selection.rows[0]]["unique_id"]
        link.go("forecast", series=series)


def _segments(name: str, metric: str) -> None:
    client = shell.client()
    with states.loading("Reading the attributes"):
        choices = list(client.series(name, limit=1)["filters"])
    with link.to("by", choices):
        by = st.segmented_control("By", choices, format_func=words.label, key="by", required=True) or choices[0]
    with states.loading("Reading the segments"):
        rows = pd.DataFrame(client.segments(name, by)).drop(columns="statuses")
    st.plotly_chart(
        accuracy.segments(rows, words.metric(metric)), key="segments", config=theme.config(f"segments-{name}")
    )
    st.dataframe(
        rows, hide_index=True, height=260, placeholder=words.NOTHING,
        column_config={
            **{column: st.column_config.NumberColumn(format="percent") for column in ("change", "change_on_year", "change_on_previous", "skill")},
            **{column: st.column_config.NumberColumn(format="compact") for column in ("forecast", "last_period", "last_year")},
        },
    )  # fmt: skip
    tables.exports(rows, f"segments-{name}-{by}")


def _shown(models: list[str]) -> list[str]:
    """The best few, and the baseline."""
    best = models[:SHOWN]
    return best if accuracy.BASELINE in best or accuracy.BASELINE not in models else [*best[:-1], accuracy.BASELINE]


page()
