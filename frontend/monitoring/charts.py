"""Monitoring charts: live error and coverage per forecast set, and drift by feature."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from frontend.core.theme import BLUE, GREY, ORANGE, RED, Scheme, drawn, laid_out

_MOST = 40  # series in the heat map
_LABEL = 32  # characters of a series name in the heat map
_MEANING = {  # meaning of its colours, by status
    "insufficient": "too few values",
    "ok": "below its threshold",
    "warn": "warn: above it, or not cleared yet",
    "alert": "alert: above it and significant",
}


def errors(timeline: pd.DataFrame, metric: str) -> go.Figure:
    """Live error of each forecast set against the backtest: `cutoff`, `<metric>`, `<metric>_baseline`."""
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
    """Interval coverage per forecast set against the nominal level: `cutoff`, `coverage_<level>`."""
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
    """Heat map of PSI per series and feature, in units of the threshold.

    Columns: `unique_id, feature, psi, threshold, status`, worst on top. A cell shows its number in the colour of its
    status, which changes where the PSI exceeds its threshold.
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
    """Discrete colour scale, without interpolation."""
    n = len(fills)
    return [[place / n, fill] for at, fill in enumerate(fills) for place in (at, at + 1)]


def _short(name: str) -> str:
    """A name shortened to a row label."""
    return drawn(name if len(name) <= _LABEL else f"{name[: _LABEL - 1]}…")


def statuses(history: pd.DataFrame) -> go.Figure:
    """Number of series in alert and in warning per monitoring: `as_of, warn, alert`."""
    figure = go.Figure()
    for name, colour in (("alert", RED), ("warn", ORANGE)):
        figure.add_bar(
            x=history["as_of"], y=history[name], name=name, marker={"color": colour},
            hovertemplate=f"up to %{{x|%-d %b %Y}}: <b>%{{y:,}} series</b> in {name}<extra></extra>",
        )  # fmt: skip
    return laid_out(figure, height=260).update_layout(barmode="stack").update_yaxes(title_text="series")
