"""Chart of the portfolio total, in Vega-Lite like the tiles above it, so that the first page need not load Plotly."""

from typing import Any

import pandas as pd

from frontend.core.theme import BLUE, GREY, ORANGE, PURPLE

_LINES = (  # name, column, colour, dashes, width, and wording of a value; the last is drawn on top
    ("last year", "last_year", PURPLE, [2, 3], 1.4, "a year before"),
    ("actual", "y", GREY, [1, 0], 1.6, "came"),
    ("previous forecast", "previous", ORANGE, [6, 4], 1.8, "was forecast before"),
    ("forecast", "y_hat", BLUE, [1, 0], 2.4, "expected"),
)


def rows(points: pd.DataFrame) -> pd.DataFrame:
    """`ds, line, value, told`: one row per value of `points` (`ds, y, y_hat, last_year, previous`)."""
    times = "%a %-d %b %Y" if points["ds"].eq(points["ds"].dt.normalize()).all() else "%a %-d %b %Y, %H:%M"
    stamps = points["ds"].dt.strftime(times)
    parts = []
    for name, column, *_, says in _LINES:
        part = pd.DataFrame({"ds": points["ds"], "line": name, "value": points[column].astype(float)})
        parts.append(part.assign(told=stamps + ", " + says).dropna())
    return pd.concat(parts, ignore_index=True)


def spec(shown: pd.DataFrame, unit: str) -> dict[str, Any]:
    """Vega-Lite specification of the chart of these `rows`."""
    lines = [line for line in _LINES if line[0] in set(shown["line"])]
    names, _, colours, dashes, widths, _ = zip(*lines, strict=True)
    value = {"field": "value", "type": "quantitative", "title": unit or None, "scale": {"zero": False}}
    near = {"name": "near", "select": {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout"}}

    def of_line(values: tuple[Any, ...], **more: Any) -> dict[str, Any]:
        return {"field": "line", "type": "nominal", "scale": {"domain": names, "range": values}, **more}

    legend = {"orient": "top", "title": None, "symbolType": "stroke"}
    return {
        "height": 320,
        "encoding": {
            "x": {"field": "ds", "type": "temporal", "title": None, "axis": {"grid": False}},
            "y": {**value, "axis": {"format": "~s"}},
            "color": of_line(colours, legend=legend),
        },
        "layer": [
            {
                "mark": "line",
                "encoding": {
                    "strokeDash": of_line(dashes, legend=None),
                    "strokeWidth": of_line(widths, legend=None),
                },
            },
            {
                "params": [near],
                "mark": {"type": "point", "filled": True, "size": 60},
                "encoding": {
                    "opacity": {"condition": {"param": "near", "empty": False, "value": 1}, "value": 0},
                    "tooltip": [
                        {
                            "field": "value",
                            "type": "quantitative",
                            "format": ",.4~s",
                            "title": f"value ({unit})" if unit else "value",
                        },
                        {"field": "told", "type": "nominal", "title": "when"},
                    ],
                },
            },
        ],
    }
