"""How forecasts stand now: errors and coverage forecast set by forecast set, and which features have moved."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from frontend.charts.theme import BLUE, GREY, ORANGE, RED, drawn, laid_out

_MOST = 40  # series in the heat map


def errors(timeline: pd.DataFrame, metric: str) -> go.Figure:
    """The error of each forecast set by what came, beside that of the backtest: `cutoff`, `<metric>`, `<metric>_baseline`."""
    figure, label = go.Figure(), drawn(metric.upper())
    figure.add_scatter(
        mode="lines", x=timeline["cutoff"], y=timeline[f"{metric}_baseline"], name="backtest", line={"color": GREY, "dash": "dot", "width": 1.4},
        hovertemplate=f"the backtest: {label} <b>%{{y:.3~g}}</b><extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=timeline["cutoff"], y=timeline[metric], name="by what came", mode="lines+markers", line={"color": BLUE, "width": 2},
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
            x=timeline["cutoff"], y=timeline[name], name=f"{level:,} %", mode="lines+markers", line={"color": colour, "width": 2},
            hovertemplate=f"of what came after %{{x|%-d %b %Y}} <b>%{{y:.1f}} %</b> lay in the {level:,} % interval<extra></extra>",
        )  # fmt: skip
        figure.add_hline(y=level, line={"color": colour, "width": 1, "dash": "dot"})
    return laid_out(figure, height=300).update_yaxes(title_text="covered, %")


def drift(rows: pd.DataFrame) -> go.Figure:
    """PSI of each feature and series in units of its threshold: `unique_id, feature, psi, threshold`, the worst on top.

    From 1 on it is more than chance gives at the sizes of both samples.
    """
    rows = rows.assign(times=rows["psi"] / rows["threshold"].where(rows["threshold"] > 0))
    worst = rows.groupby("unique_id")["times"].max().dropna().nlargest(_MOST).index[::-1]
    wide = rows.pivot_table(index="unique_id", columns="feature", values="times").reindex(worst)
    psi = rows.pivot_table(index="unique_id", columns="feature", values="psi").reindex(worst)
    limit = rows.pivot_table(index="unique_id", columns="feature", values="threshold").reindex(worst)
    figure = go.Figure(
        go.Heatmap(
            z=wide.to_numpy(), x=[drawn(name) for name in wide.columns], y=[drawn(name) for name in wide.index], zmin=0, zmax=2, xgap=2, ygap=2,
            colorscale=[[0, "rgba(138,143,152,0.15)"], [0.5, ORANGE], [1, RED]],
            colorbar={"title": "× threshold", "thickness": 12},
            customdata=np.dstack([psi.to_numpy(), limit.to_numpy()]),
            hovertemplate="%{x} of %{y}: PSI <b>%{customdata[0]:.2f}</b>, threshold %{customdata[1]:.2f}<extra></extra>",
        )
    )  # fmt: skip
    laid_out(figure, height=110 + 20 * len(wide), legend=False)
    return figure.update_yaxes(type="category", tickformat=None, showgrid=False)


def statuses(history: pd.DataFrame) -> go.Figure:
    """How many series were in alert and in warning at each monitoring: `as_of, warn, alert`."""
    figure = go.Figure()
    for name, colour in (("alert", RED), ("warn", ORANGE)):
        figure.add_bar(
            x=history["as_of"], y=history[name], name=name, marker={"color": colour},
            hovertemplate=f"up to %{{x|%-d %b %Y}}: <b>%{{y:,}} series</b> in {name}<extra></extra>",
        )  # fmt: skip
    return laid_out(figure, height=260).update_layout(barmode="stack").update_yaxes(title_text="series")
