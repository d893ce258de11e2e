"""What all pictures share: a palette that colour-blind people can read, no ink without a meaning, and one layout."""

import html
from typing import Any

import plotly.graph_objects as go

from frontend.tables import filename

Drawn = str  # as an annotation: what a figure shows, in which all that is data has gone through `drawn`

# Okabe & Ito 2008, the blue and the grey between what a light and a dark page need.
BLUE, ORANGE, GREEN, PURPLE, RED, SKY, GREY = (
    "#2E86C1",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#D55E00",
    "#56B4E9",
    "#8A8F98",
)
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, RED, SKY, GREY)
BANDS = (0.14, 0.22)  # opacity of an interval, the widest first
_GRID = "rgba(138,143,152,0.22)"


def rgba(colour: str, opacity: float) -> str:
    """`#2E86C1` as `rgba(46,134,193,0.2)`."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def drawn(text: object) -> Drawn:
    """Text that a figure shows exactly: Plotly reads tags, entities, places of its templates and formulas in texts."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    return line.replace("{", "&#123;").replace("$", "&#36;")


def config(name: str) -> dict[str, Any]:
    """The tools of a picture: a PNG under a telling name, and zoom; nothing that draws."""
    return {
        "displaylogo": False,
        "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
        "toImageButtonOptions": {"format": "png", "filename": filename(name), "scale": 2},
    }


def laid_out(
    figure: go.Figure, *, height: int = 340, unit: Drawn = "", hover: str = "closest", legend: bool = True
) -> go.Figure:
    """The figure with our layout; `unit` names the vertical axis."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 34 if legend else 12, "b": 8},
        hovermode=hover,
        hoverlabel={"align": "left"},
        showlegend=legend,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "title": None},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        barmode="overlay",
        separators=".,",
        uirevision="kept",  # a zoom survives a rerun
    )
    figure.update_xaxes(showgrid=False, zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor=_GRID, zeroline=False, title_text=unit or None, tickformat="~s" if unit else None)
    figure.update_yaxes(automargin=True)
    return figure
