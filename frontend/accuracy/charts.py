"""Charts of forecast accuracy by model, step, series and segment, and of interval coverage."""

from collections.abc import Mapping, Sequence
from itertools import cycle, pairwise
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from frontend.core import words
from frontend.core.theme import BLUE, GREEN, GREY, PALETTE, RED, drawn, laid_out

BASELINE = "seasonal_naive"


def as_drawn(rows: pd.DataFrame, metric: str, column: str = "value") -> tuple[pd.DataFrame, str]:
    """Rows of a metric scaled for display, and the axis title; shares are in percent, titled like `sMAPE, %`."""
    if not words.is_share(metric):
        return rows, words.metric(metric)
    return rows.assign(**{column: 100 * rows[column].astype(float)}), f"{words.metric(metric)}, %"


def leaderboard(rows: pd.DataFrame, metric: str) -> go.Figure:
    """Bar chart with one bar per model: `model, value, n`, best on top, the baseline in its own colour.

    A model tried on only some of the series is labelled with its share: its mean is over different series than the
    others'.
    """
    rows, metric = rows.sort_values("value", ascending=False), drawn(metric)
    colours = [GREEN if name == BASELINE else BLUE for name in rows["model"]]
    most = rows["n"].max()
    names = [
        drawn(words.model(name)) + ("" if n == most else f" ({words.percent(n / most)} of the windows)")
        for name, n in zip(rows["model"], rows["n"], strict=True)
    ]
    figure = go.Figure(
        go.Bar(
            y=names, x=rows["value"], orientation="h", marker={"color": colours},
            text=[drawn(words.number(value)) for value in rows["value"]], textposition="outside", cliponaxis=False,
            hovertemplate=f"%{{y}}: {metric} <b>%{{x:.3g}}</b><extra></extra>",
        )
    )  # fmt: skip
    laid_out(figure, height=90 + 26 * len(rows), legend=False)
    return figure.update_xaxes(title_text=metric, rangemode="tozero").update_yaxes(tickformat=None)


def horizons(rows: pd.DataFrame, metric: str, shown: Sequence[str]) -> go.Figure:
    """One line per model over the steps ahead: `model, horizon, value`."""
    figure, metric = go.Figure(), drawn(metric)
    for name, colour in zip(shown, cycle(PALETTE)):
        part = rows[rows["model"] == name]
        dash, tint = ("dot", GREEN) if name == BASELINE else ("solid", colour)
        figure.add_scatter(
            mode="lines",
            x=part["horizon"],
            y=part["value"],
            name=drawn(words.model(name)),
            line={"color": tint, "width": 2, "dash": dash},
            hovertemplate=f"{drawn(words.model(name))}, %{{x}} steps ahead: {metric} <b>%{{y:.4~g}}</b><extra></extra>",
        )
    return laid_out(figure, height=320).update_xaxes(title_text="steps ahead").update_yaxes(title_text=metric)


def cutoffs(rows: pd.DataFrame, metric: str, shown: Sequence[str]) -> go.Figure:
    """One line per model over the backtest windows: `model, cutoff, value`."""
    figure, metric = go.Figure(), drawn(metric)
    for name, colour in zip(shown, cycle(PALETTE)):
        part = rows[rows["model"] == name].sort_values("cutoff")
        dash, tint = ("dot", GREEN) if name == BASELINE else ("solid", colour)
        figure.add_scatter(
            x=part["cutoff"],
            y=part["value"],
            name=drawn(words.model(name)),
            mode="lines+markers",
            line={"color": tint, "width": 2, "dash": dash},
            hovertemplate=f"{drawn(words.model(name))} from %{{x|%-d %b %Y}}: {metric} <b>%{{y:.4~g}}</b><extra></extra>",
        )
    return laid_out(figure, height=320).update_yaxes(title_text=metric)


def calibration(rows: pd.DataFrame) -> go.Figure:
    """Nominal level against actual coverage, with the diagonal: `level, coverage` over all points."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 100], y=[0, 100], name="as promised", mode="lines", line={"color": GREY, "dash": "dot", "width": 1}
    )
    figure.add_scatter(
        x=rows["level"],
        y=100 * rows["coverage"].astype(float),
        name="covered",
        mode="lines+markers",
        line={"color": BLUE, "width": 2},
        hovertemplate="of all actuals <b>%{y:.1f} %</b> lay in the %{x} % interval<extra></extra>",
    )
    laid_out(figure, height=340)
    return figure.update_xaxes(title_text="promised, %", range=[0, 101]).update_yaxes(
        title_text="covered, %", range=[0, 101]
    )


def coverage(rows: pd.DataFrame) -> go.Figure:
    """Coverage by step ahead, one line per level, with the nominal level: `level, step, coverage`."""
    figure = go.Figure()
    for (level, part), colour in zip(rows.groupby("level", sort=True), cycle(PALETTE)):
        figure.add_scatter(
            mode="lines",
            x=part["step"],
            y=100 * part["coverage"].astype(float),
            name=f"{drawn(level)} %",
            line={"color": colour, "width": 2},
            hovertemplate=f"%{{x}} steps ahead <b>%{{y:.1f}} %</b> lay in the {drawn(level)} % interval<extra></extra>",
        )
        figure.add_hline(y=level, line={"color": colour, "width": 1, "dash": "dot"})
    return laid_out(figure, height=340).update_xaxes(title_text="steps ahead").update_yaxes(title_text="covered, %")


def in_percent(counted: Mapping[str, Any]) -> dict[str, Any]:
    """The histogram with its edges and median in percent."""
    median = None if counted["median"] is None else 100 * counted["median"]
    return {**counted, "edges": [100 * edge for edge in counted["edges"]], "median": median}


def distribution(counted: Mapping[str, Any], what: str) -> go.Figure:
    """Histogram of a value over the series: `edges, counts, median`."""
    edges, counts, what = counted["edges"], counted["counts"], drawn(what)
    middles = [(a + b) / 2 for a, b in pairwise(edges)]
    figure = go.Figure(
        go.Bar(
            x=middles,
            y=counts,
            marker={"color": BLUE},
            width=[b - a for a, b in pairwise(edges)],
            customdata=list(pairwise(edges)),
            hovertemplate=f"<b>%{{y:,}} series</b> have a {what} between %{{customdata[0]:.3g}} and %{{customdata[1]:.3g}}<extra></extra>",
        )
    )
    if counted["median"] is not None:
        figure.add_vline(x=counted["median"], line={"color": RED, "width": 1.5}, annotation_text="median")
    return laid_out(figure, height=300, legend=False).update_xaxes(title_text=what).update_yaxes(title_text="series")


def segments(rows: pd.DataFrame, metric: str) -> go.Figure:
    """Mean error per group of series: `group, error, n_series`, worst on top."""
    rows, metric = rows.dropna(subset="error").sort_values("error").tail(30), drawn(metric)
    figure = go.Figure(
        go.Bar(
            y=rows["group"].map(drawn),
            x=rows["error"],
            orientation="h",
            marker={"color": BLUE},
            customdata=rows["n_series"],
            hovertemplate=f"%{{y}}, %{{customdata:,}} series: {metric} <b>%{{x:.3g}}</b><extra></extra>",
        )
    )
    laid_out(figure, height=80 + 24 * len(rows), legend=False)
    return figure.update_xaxes(title_text=metric, rangemode="tozero").update_yaxes(type="category", tickformat=None)
