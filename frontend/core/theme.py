"""Shared look of all charts: a colour-blind-safe palette, colours for light and dark pages, and one layout."""

import html
import textwrap
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

Drawn = str  # as an annotation: text for a figure in which all data has gone through `drawn`

# After Okabe & Ito 2008; each has a contrast of at least 3:1 (WCAG 1.4.11) on both white and dark pages.
BLUE, ORANGE, GREEN, PURPLE, RED, VIOLET, GREY = (
    "#2E86C1",
    "#C27C00",
    "#009E73",
    "#C2669A",
    "#D55E00",
    "#7A5FD0",
    "#8A8F98",
)
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, RED, VIOLET, GREY)
BANDS = (0.14, 0.22)  # opacity of intervals, widest first
_GRID = "rgba(138,143,152,0.22)"
_LETTERS = 44  # characters per line of a title: what fits on a phone
_LINES = 2
_LINE = 19  # pixels
_TOOLS = 26  # pixels of the chart's toolbar, which appears above its title
_QUIET = '<span style="font-weight:normal">{}</span>'  # Streamlit makes titles bold
_FONT = "Arial, Helvetica, Liberation Sans, DejaVu Sans, sans-serif"  # system fonts: an exported picture has no others
_FOOT = 64  # pixels below the chart, for the axis and the legend


@dataclass(frozen=True)
class Scheme:
    """Colours of a light or a dark page, as in `.streamlit/config.toml`, and fills on which text stays readable."""

    text: str
    paper: str
    fills: dict[str, str]  # by monitoring status
    button: str
    pressed: str


LIGHT = Scheme(
    text="#0B1620",
    paper="#FFFFFF",
    fills={"insufficient": "#FFFFFF", "ok": "#E6EAEE", "warn": "#F7C873", "alert": "#F09A72"},
    button="#E6EAEE",
    pressed="#A9CDE6",
)
DARK = Scheme(
    text="#E4EAF0",
    paper="#10161D",
    fills={"insufficient": "#10161D", "ok": "#26323E", "warn": "#7A5200", "alert": "#9A3A10"},
    button="#26323E",
    pressed="#1F5F8B",
)


def scheme(kind: str | None) -> Scheme:
    """The scheme with Streamlit's name `kind`."""
    return DARK if kind == "dark" else LIGHT


def rgba(colour: str, opacity: float) -> str:
    """`#2E86C1` as `rgba(46,134,193,0.2)`."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def drawn(text: object) -> Drawn:
    """Text that a figure shows verbatim: Plotly would read tags, entities, template placeholders and formulas in it."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    return line.replace("{", "&#123;").replace("$", "&#36;")


def config(file: str) -> dict[str, Any]:
    """Toolbar of a chart: PNG export as `file`, and zoom; no drawing tools."""
    return {
        "displaylogo": False,
        "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
        "toImageButtonOptions": {"format": "png", "filename": file, "scale": 2},
    }


def titled(figure: go.Figure, title: str, about: str) -> go.Figure:
    """The figure with a title, which is also in its export: what it shows, and below, the workspace or series."""
    lines = [*map(drawn, _wrapped(title)), *(_QUIET.format(drawn(line)) for line in _wrapped(about))]
    above = _TOOLS + _LINE * len(lines) + 10
    margin, layout = figure.layout.margin, figure.layout
    buttons = layout.xaxis.rangeselector.buttons
    top = above + (30 if buttons else 0)
    figure.update_layout(
        title={
            "text": "<br>".join(lines), "font": {"size": 14}, "x": 0, "xref": "container", "xanchor": "left",
            "y": 1, "yref": "container", "yanchor": "top", "pad": {"t": _TOOLS + 14, "l": 8},
        },
        margin={"l": margin.l, "r": margin.r, "t": top, "b": margin.b},
        height=layout.height + top,
        uirevision=drawn(f"{title} {about}"),  # zoom survives a rerun, but not a change of series
    )  # fmt: skip
    return figure


def dressed(figure: go.Figure, colours: Scheme) -> go.Figure:
    """The figure in the colours of a page, also in the export, which has no page around it."""
    font = {"color": colours.text, "family": _FONT}
    figure.update_layout(
        font=font,
        title_font=font,
        legend_font=font,
        hoverlabel={"bgcolor": colours.paper, "bordercolor": GREY, "font": font},
        paper_bgcolor=colours.paper,
        plot_bgcolor=colours.paper,
        modebar={"bgcolor": colours.paper, "color": colours.text, "activecolor": BLUE},
    )
    axes = {"tickfont": font, "title_font": font}
    figure.update_yaxes(**axes)
    figure.update_xaxes(
        **axes,
        rangeselector={
            "font": font,
            "bgcolor": colours.button,
            "activecolor": colours.pressed,
            "bordercolor": GREY,
            "borderwidth": 1,
        },
    )
    return figure


def laid_out(
    figure: go.Figure, *, height: int = 340, unit: Drawn = "", hover: str = "closest", legend: bool = True
) -> go.Figure:
    """The figure with the shared layout; `unit` is the title of the vertical axis."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 12, "b": _FOOT if legend else 8},
        hovermode=hover,
        hoverlabel={"align": "left"},
        showlegend=legend,
        legend={"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom", "title": None},
        barmode="overlay",
        separators=".,",
    )
    figure.update_xaxes(showgrid=False, zeroline=False, automargin=True)
    figure.update_yaxes(gridcolor=_GRID, zeroline=False, title_text=unit or None, tickformat="~s" if unit else None)
    figure.update_yaxes(automargin=True)
    return figure


def _wrapped(text: str) -> list[str]:
    """The text on at most two lines; the overflow is replaced by an ellipsis."""
    return textwrap.wrap(text, _LETTERS, max_lines=_LINES, placeholder=" …", break_on_hyphens=False)
