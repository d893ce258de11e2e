"""What a forecast is made of, and why it is not the one before."""

from collections.abc import Mapping
from itertools import cycle

import pandas as pd
import plotly.graph_objects as go

from frontend.core.theme import BLUE, GREY, PALETTE, RED, drawn, laid_out


def components(parts: pd.DataFrame, unit: str) -> go.Figure:
    """A line a component over the steps: `ds` and a column each, which sum to the forecast."""
    figure, unit = go.Figure(), drawn(unit)
    names = [name for name in parts.columns if name != "ds"]
    for name, colour in zip(names, cycle(PALETTE)):
        figure.add_scatter(
            mode="lines", x=parts["ds"], y=parts[name], name=drawn(name), line={"color": colour, "width": 2},
            hovertemplate=f"%{{x|%a %-d %b %Y, %H:%M}}: <b>{drawn(name)} %{{y:+,.4~g}} {unit}</b><extra></extra>",
        )  # fmt: skip
    total = parts[names].sum(axis=1, min_count=1)
    figure.add_scatter(
        mode="lines", x=parts["ds"], y=total, name="forecast", line={"color": GREY, "width": 1.4, "dash": "dot"},
        hovertemplate=f"%{{x|%a %-d %b %Y, %H:%M}}: together <b>%{{y:,.4~g}} {unit}</b><extra></extra>",
    )  # fmt: skip
    return laid_out(figure, height=340, unit=unit)


def waterfall(parts: Mapping[str, float], unit: str) -> go.Figure:
    """From the forecast before to the one now: what each reason adds over the steps that both have."""
    unit = drawn(unit)
    figure = go.Figure(
        go.Waterfall(
            x=[*map(drawn, parts), "all together"],
            y=[*parts.values(), 0],
            measure=["relative"] * len(parts) + ["total"],
            increasing={"marker": {"color": BLUE}},
            decreasing={"marker": {"color": RED}},
            totals={"marker": {"color": GREY}},
            connector={"line": {"color": GREY, "width": 1}},
            hovertemplate=f"%{{x}}: <b>%{{delta:+,.4~g}} {unit}</b><extra></extra>",
        )
    )
    return laid_out(figure, height=300, unit=unit, legend=False)
