"""Which series need somebody today, and what all of them come to."""

from typing import Any

import pandas as pd
import streamlit as st

from frontend import link, shell, states, tables, words
from frontend.api_client import Json
from frontend.charts import totals
from frontend.frames import frame

ANY = "any"
ROWS = 100  # of the triage list
LIVE = "150ms"  # without a key pressed: then a search begins


def page() -> None:
    workspace = shell.workspace()
    shell.title(
        "What needs you today",
        f"{words.literal(workspace['title'])} · the next {words.steps(workspace['horizon'] or 0, workspace['frequency'])}",
    )
    states.require(workspace, "ready")
    client, name = shell.client(), workspace["name"]
    with states.loading("Reading the forecasts"):
        choices = client.portfolio(name, {}, limit=1)["filters"]
    filters, search = _filters(choices)
    with states.loading("Summing up"):
        found = client.portfolio(name, filters, search, ROWS)
    if not found["total"]:
        states.empty("No series is like that. Take a filter away.")
        return
    _tiles(found, workspace)
    _triage(found, workspace)
    _totals(found, workspace)


def _filters(choices: dict[str, list[str]]) -> tuple[dict[str, str], str]:
    """What the rows are narrowed by, kept in the URL."""
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


def _tiles(found: Json, workspace: Json) -> None:
    summary, unit = found["summary"], found["unit"]
    points = frame(found["totals"])
    line = points["y"].fillna(points["y_hat"]).dropna().tail(4 * found["horizon"]).tolist()
    others = {status: count for status, count in summary["statuses"].items() if status != "forecast"}
    (level, share), *_ = _covered(workspace["accuracy"])
    columns = shell.tiles(6)
    quiet: Any = {"border": True, "height": "stretch", "delta_color": "off"}
    columns[0].metric(
        "Forecast" if found["aggregate"] == "sum" else "Forecast, on average", words.literal(words.number(summary["forecast"], unit)),
        **words.delta(summary["change"]), delta_description="on the last period", chart_data=line, chart_type="area", **quiet,
    )  # fmt: skip
    columns[1].metric(
        "Last year", words.literal(words.number(summary["last_year"])), **words.delta(summary["change_on_year"]), **quiet,
        help="The same steps 52 weeks before, and how the forecast of the series that existed then compares.",
    )  # fmt: skip
    columns[2].metric(
        "Revision", words.change(summary["change_on_previous"]), **quiet,
        help="How the forecast changed since the one before, over the steps that both have.",
    )  # fmt: skip
    columns[3].metric(
        "Skill", words.percent(summary["skill"]), f"by {words.literal(words.metric(found['metric']))}", delta_arrow="off", **quiet,
        help="How much smaller the mean error of these series is than that of the seasonal naive, in the backtest.",
    )  # fmt: skip
    columns[4].metric(
        f"{level:,} % covers" if level else "Coverage", words.percent(share), "of the backtest", delta_arrow="off", **quiet,
        help="The share of the actuals in the backtest that lay within the widest intervals, over all series.",
    )  # fmt: skip
    columns[5].metric(
        "Series", f"{summary['n_series']:,}", delta_arrow="off", **quiet,
        delta=", ".join(f"{count:,} {words.literal(status)}" for status, count in others.items()) or "all forecast",
    )  # fmt: skip


def _covered(accuracy: Json | None) -> list[tuple[int, float | None]]:
    """The levels of the intervals and what they cover, the widest first."""
    levels = (accuracy or {}).get("coverage") or {}
    return sorted(((int(level), share) for level, share in levels.items()), reverse=True) or [(0, None)]


def _triage(found: Json, workspace: Json) -> None:
    st.subheader("Look at these first")
    rows = pd.DataFrame(
        {
            "series": one["unique_id"],
            "why": words.why(one["reasons"], one["status"]),
            "monitored": one["monitored"],
            "urgency": one["score"],
            "lately and ahead": [value for value in (*one["history"], *one["ahead"]) if value is not None],
            "forecast": one["forecast"],
            "last period": one["last_period"],
            "last year": one["last_year"],
            words.metric(found["metric"]): one["error"],
            "skill": one["skill"],
            "champion": words.model(one["model"]),
        }
        for one in found["triage"]
    )
    if rows["monitored"].isna().all():
        rows = rows.drop(columns="monitored")
    unit = found["unit"]
    config = st.column_config
    picked = st.dataframe(
        rows,
        key="triage",
        hide_index=True,
        height=min(388, 38 + 35 * len(rows)),
        on_select="rerun",
        selection_mode="single-row",
        placeholder=words.NOTHING,
        column_config={
            "series": config.TextColumn(width="medium", pinned=True),
            "why": config.TextColumn(width="large", help="What is unusual about it among all series, most telling first."),
            "monitored": config.TextColumn(width="small", help="How its forecasts and inputs stand by what came."),
            "urgency": config.ProgressColumn(
                min_value=0, max_value=1, format=" ", width="small",
                help="High only where a series is large, hard to forecast and changing: the product of its percentiles. "
                "One that monitoring has in alert counts by its size alone, a warning half way.",
            ),
            "lately and ahead": config.AreaChartColumn(help="The newest actuals, then the forecast."),
            "forecast": config.NumberColumn(f"forecast, {unit}" if unit else "forecast", format="compact"),
            "last period": config.NumberColumn(format="compact"),
            "last year": config.NumberColumn(format="compact"),
            words.metric(found["metric"]): config.NumberColumn(format="%.3g"),
            "skill": config.NumberColumn(format="percent", help="Against the seasonal naive; below zero it is worse."),
        },
    )  # fmt: skip
    st.caption(f"{len(rows):,} of {found['total']:,} series, the most urgent first. Select one to open its forecast.")
    tables.exports(rows.drop(columns="lately and ahead"), f"triage-{workspace['name']}")
    if picked.selection.rows:
        series = found["triage"][picked.selection.rows[0]]["unique_id"]
        link.go("forecast", series=series)


def _totals(found: Json, workspace: Json) -> None:
    st.subheader("All together")
    points = frame(found["totals"])
    rows = totals.rows(points)
    if rows.empty:
        st.caption("None of these series has a value in the newest steps, nor a forecast.")
        return
    st.vega_lite_chart(rows, totals.spec(rows, found["unit"]), key="totals")
    with st.expander("As a table", icon=":material/table:"):
        st.dataframe(points, hide_index=True, placeholder=words.NOTHING)
        tables.exports(points, f"totals-{workspace['name']}")


page()
