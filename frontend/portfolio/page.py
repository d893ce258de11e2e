"""Portfolio page: series that need attention today, and totals over all series."""

from typing import Any

import pandas as pd
import streamlit as st

from frontend.core import exports, link, shell, states, tables, words
from frontend.core.client import Json
from frontend.core.frames import frame
from frontend.portfolio import attention, calls, charts

ANY = "any"
ROWS = 100  # rows of the triage list
REASONS = 400  # width of the reasons column, in pixels
LIVE = "150ms"  # pause in typing after which a search starts


def page() -> None:
    workspace = shell.workspace()
    shell.title(
        "What needs you today",
        f"{words.literal(workspace['title'])} · the next {words.steps(workspace['horizon'] or 0, workspace['frequency'])}",
    )
    states.require(workspace, "ready")
    client, name = shell.client(), workspace["name"]
    with states.loading("Reading the forecasts"):
        choices = calls.portfolio(client, name, {}, limit=ROWS, needs_attention=True)["filters"]
    filters, search = _filters(choices)
    with states.loading("Summing up"):
        portfolio = calls.portfolio(client, name, filters, search, ROWS)
        needing = calls.portfolio(client, name, filters, search, ROWS, needs_attention=True)
    if not portfolio["total"]:
        states.empty("No series is like that. Take a filter away.")
        return
    attention.attention(needing)
    _tiles(portfolio, workspace)
    _triage(portfolio, needing["items"], workspace)
    _totals(portfolio, workspace)


def _filters(choices: dict[str, list[str]]) -> tuple[dict[str, str], str]:
    """Row filters and search text, kept in the URL."""
    chosen = {}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        with link.to("find"):
            search = st.text_input(
                "Find", key="find", type="search", live=LIVE, placeholder="part of a name", width=200
            )
        for name, values in choices.items():
            with link.to(key := f"by_{name}", [ANY, *values]):
                chosen[name] = st.selectbox(words.label(name), [ANY, *values], key=key, width=135)
    return {name: value for name, value in chosen.items() if value not in (None, ANY)}, search or ""


def _tiles(portfolio: Json, workspace: Json) -> None:
    summary, unit = portfolio["summary"], portfolio["unit"]
    points = frame(portfolio["totals"])
    line = points["y"].fillna(points["y_hat"]).dropna().tail(4 * portfolio["horizon"]).tolist()
    others = {status: count for status, count in summary["statuses"].items() if status != "forecast"}
    (level, share), *_ = _covered(workspace["accuracy"])
    columns = shell.tiles(6)
    quiet: Any = {"border": True, "height": "stretch", "delta_color": "off"}
    columns[0].metric(
        "Forecast" if portfolio["aggregate"] == "sum" else "Forecast, on average",
        words.literal(words.number(summary["forecast"], unit)),
        **words.delta(summary["change"]),
        delta_description="on the last period",
        chart_data=line,
        chart_type="area",
        **quiet,
    )
    columns[1].metric(
        "Last year",
        words.literal(words.number(summary["last_year"])),
        **words.delta(summary["change_on_year"]),
        **quiet,
        help="The same steps 52 weeks before, and how the forecast of the series that existed then compares.",
    )
    columns[2].metric(
        "Revision", words.change(summary["change_on_previous"]), **quiet,
        help="How the forecast changed since the one before, over the steps that both have.",
    )  # fmt: skip
    columns[3].metric(
        "Skill",
        words.percent(summary["skill"]),
        f"by {words.literal(words.metric(portfolio['metric']))}",
        delta_arrow="off",
        **quiet,
        help="How much smaller the mean error of these series is than that of the seasonal naive, in the backtest.",
    )
    columns[4].metric(
        f"{level:,} % covers" if level else "Coverage",
        words.percent(share),
        "of the backtest",
        delta_arrow="off",
        **quiet,
        help="The share of the actuals in the backtest that lay within the widest intervals, over all series.",
    )
    columns[5].metric(
        "Series", f"{summary['n_series']:,}", delta_arrow="off", **quiet,
        delta=", ".join(f"{count:,} {words.literal(status)}" for status, count in others.items()) or "all forecast",
    )  # fmt: skip


def _covered(accuracy: Json | None) -> list[tuple[int, float | None]]:
    """Interval levels with their coverage, widest first."""
    levels = (accuracy or {}).get("coverage") or {}
    return sorted(((int(level), share) for level, share in levels.items()), reverse=True) or [(0, None)]


def _triage(portfolio: Json, needing: list[Json], workspace: Json) -> None:
    """Table of all series, those of `needing` first."""
    named = {one["unique_id"] for one in needing}
    triage = [*needing, *(one for one in portfolio["items"] if one["unique_id"] not in named)][:ROWS]
    st.header("All series")
    st.caption(
        f"{len(triage):,} of {portfolio['total']:,} series, those that need attention first. "
        "Click a row to open its forecast."
    )
    table = pd.DataFrame(
        {
            "series": one["unique_id"],
            "why": words.why(one["attention"], one["status"]),
            "monitored": one["monitored"],
            "urgency": one["score"],
            "trend": [value for value in (*one["history"], *one["ahead"]) if value is not None],
            "forecast": one["forecast"],
            "share": next((reason["value"] for reason in one["reasons"] if reason["kind"] == "share"), None),
            "last period": one["last_period"],
            "last year": one["last_year"],
            words.metric(portfolio["metric"]): one["error"],
            "skill": one["skill"],
            "champion": words.model(one["model"]),
        }
        for one in triage
    )
    if table["monitored"].isna().all():
        table = table.drop(columns="monitored")
    tall = tables.height_of(table["why"], REASONS)
    picked = tables.clicked(
        table, "triage", height=min(460, 40 + tall * len(table)), row_height=tall, column_config=_columns(portfolio)
    )
    exports.buttons(table.drop(columns="trend"), "triage", workspace["name"])
    if picked is not None:
        link.go("forecast", series=triage[picked]["unique_id"])


def _columns(portfolio: Json) -> dict[str, Any]:
    """Column formats of the triage table."""
    config, unit = st.column_config, portfolio["unit"]
    return {
        "series": config.TextColumn(width="medium", pinned=True),
        "why": config.TextColumn(
            "needs attention because", width=REASONS,
            help="What monitoring has found, and what is unusual for the panel and for the series itself.",
        ),
        "monitored": config.TextColumn(width="small", help="How its forecasts and inputs compare with actuals."),
        "urgency": config.ProgressColumn(
            min_value=0, max_value=1, format=" ", width="small",
            help="High only where a series is large, hard to forecast and changing: the product of its percentiles. "
            "One that monitoring has in alert counts by its size alone, a warning half way.",
        ),
        "trend": config.AreaChartColumn(help="The newest actuals, then the forecast."),
        "forecast": config.NumberColumn(f"forecast, {unit}" if unit else "forecast", format="compact"),
        "share": config.NumberColumn("share of the total", format="percent"),
        "last period": config.NumberColumn(format="compact"),
        "last year": config.NumberColumn(format="compact"),
        words.metric(portfolio["metric"]): tables.number_of(portfolio["metric"]),
        "skill": config.NumberColumn(format="percent", help="Against the seasonal naive; below zero it is worse."),
    }  # fmt: skip


def _totals(portfolio: Json, workspace: Json) -> None:
    st.header("All together")
    points = frame(portfolio["totals"])
    values = charts.rows(points)
    if values.empty:
        st.caption("None of these series has a value in the newest steps, nor a forecast.")
        return
    st.vega_lite_chart(values, charts.spec(values, portfolio["unit"]), key="totals")
    with st.expander("As a table", icon=":material/table:"):
        tables.show(points, workspace)
        exports.buttons(points, "totals", workspace["name"])


page()
