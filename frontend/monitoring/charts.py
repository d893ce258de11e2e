"""How forecasts stand now: errors and coverage forecast set by forecast set, and which features have moved."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from frontend.core.theme import BLUE, GREY, ORANGE, RED, Scheme, drawn, laid_out

_MOST = 40  # series in the heat map
_LABEL = 32  # letters of a series in it
_MEANING = {  # of its colours, by status
    "insufficient": "too few values",
    "ok": "below its threshold",
    "warn": "warn: above it, or not cleared yet",
    "alert": "alert: above it and significant",
}


def errors(timeline: pd.DataFrame, metric: str) -> go.Figure:
    """The live error of each forecast set and that of the backtest: `cutoff`, `<metric>`, `<metric>_baseline`."""
    figure, label = go.Figure(), drawn(metric.upper())
    figure.add_scatter(
        mode="lines",
        x=timeline["cutoff"],
        y=timeline[f"{metric}_baseline"],
        name="backtest",
        line={"color": GREY, "dash": "dot", "width": 1.4},
        hovertemplate=f"the backtest: {label} <b>%{{y:.3~g}}</b><extra></extra>",
    )
    figure.add_scatter(
        x=timeline["cutoff"], y=timeline[metric], name="live", mode="lines+markers", line={"color": BLUE, "width": 2},
        hovertemplate=f"forecast on %{{x|%-d %b %Y}}: {label} <b>%{{y:.3~g}}</b><extra></extra>",
    )  # fmt: skip
    return laid_out(figure, height=300).update_yaxes(title_text=label, rangemode="tozero")


def coverage(timeline: pd.DataFrame) -> go.Figure:
    """What the intervals covered, forecast set by forecast set, beside what they promise: `cutoff`, `coverage_<level>`."""
    figure = go.Figure()
    named = [name for name in timeline.columns if name.startswith("coverage_") and not name.endswith("baseline")]
    for name, colour in zip(sorted(named), (BLUE, ORANGE, RED), strict=False):
        level = int(name.removeprefix("coverage_"))
        figure.add_scatter(
            x=timeline["cutoff"],
            y=100 * timeline[name].astype(float),
            name=f"{level:,} %",
            mode="lines+markers",
            line={"color": colour, "width": 2},
            hovertemplate=f"<b>%{{y:.1f}} %</b> of the actuals after %{{x|%-d %b %Y}} lay in the {level:,} % interval<extra></extra>",
        )
        figure.add_hline(y=level, line={"color": colour, "width": 1, "dash": "dot"})
    return laid_out(figure, height=300).update_yaxes(title_text="covered, %")


def drift(rows: pd.DataFrame, colours: Scheme) -> go.Figure:
    """PSI of each feature and series in units of its threshold: `unique_id, feature, psi, threshold, status`, the worst on top.

    A cell has the colour of its status, which steps where the PSI exceeds its threshold, and its number.
    """
    rows = rows.assign(times=rows["psi"] / rows["threshold"].where(rows["threshold"] > 0))
    worst = rows.groupby("unique_id")["times"].max().dropna().nlargest(_MOST).index[::-1]
    rows = rows.assign(rank=rows["status"].map(list(_MEANING).index))
    features = sorted(rows["feature"].unique())
    cells = {
        name: rows.pivot(index="unique_id", columns="feature", values=name).reindex(worst)[features]
        for name in ("rank", "times", "psi", "threshold", "status")
    }
    columns, names = [drawn(name) for name in features], [drawn(name) for name in worst]
    figure = go.Figure(
        go.Heatmap(
            z=cells["rank"].to_numpy(dtype=float),
            x=columns,
            y=names,
            zmin=-0.5,
            zmax=len(_MEANING) - 0.5,
            xgap=2,
            ygap=2,
            showscale=False,
            colorscale=_steps([colours.fills[name] for name in _MEANING]),
            text=[
                [drawn("–" if pd.isna(value) else f"{value:.2f}") for value in row] for row in cells["times"].to_numpy()
            ],
            texttemplate="%{text}",
            textfont={"color": colours.text, "size": 12},
            customdata=np.dstack([cells[name].to_numpy() for name in ("psi", "threshold", "status")]),
            hovertemplate="%{x} of %{y}: PSI <b>%{customdata[0]:.2f}</b>, threshold %{customdata[1]:.2f}, %{customdata[2]}<extra></extra>",
        )
    )
    for name, meaning in _MEANING.items():
        if (rows["status"] == name).any():
            square = {"symbol": "square", "size": 13, "color": colours.fills[name], "line": {"color": GREY, "width": 1}}
            figure.add_scatter(x=[None], y=[None], mode="markers", name=drawn(meaning), marker=square)
    laid_out(figure, height=110 + 24 * len(worst))
    figure.update_layout(legend_itemclick=False, legend_itemdoubleclick=False)
    figure.update_xaxes(type="category", tickvals=columns, ticktext=[_short(name) for name in features])
    figure.update_yaxes(type="category", tickvals=names, ticktext=[_short(name) for name in worst])
    return figure.update_yaxes(tickformat=None, showgrid=False, range=[-0.5, len(worst) - 0.5])


def _steps(fills: Sequence[str]) -> list[list[float | str]]:
    """A scale of colours without anything in between."""
    n = len(fills)
    return [[place / n, fill] for at, fill in enumerate(fills) for place in (at, at + 1)]


def _short(name: str) -> str:
    """A name as the label of a row."""
    return drawn(name if len(name) <= _LABEL else f"{name[: _LABEL - 1]}…")


def statuses(history: pd.DataFrame) -> go.Figure:
    """How many series were in alert and in warning at each monitoring: `as_of, warn, alert`."""
    figure = go.Figure()
    for name, colour in (("alert", RED), ("warn", ORANGE)):
        figure.add_bar(
            x=history["as_of"], y=history[name], name=name, marker={"color": colour},
            hovertemplate=f"up to %{{x|%-d %b %Y}}: <b>%{{y:,}} series</b> in {name}<extra></extra>",
        )  # fmt: skip
    return laid_out(figure, height=260).update_layout(barmode="stack").update_yaxes(title_text="series")
