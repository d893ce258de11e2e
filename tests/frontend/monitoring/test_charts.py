"""The pictures of the page Monitoring."""

import numpy as np
import pandas as pd
import pytest

from frontend.core import theme
from frontend.monitoring import charts


def test_the_heat_map_steps_at_the_threshold() -> None:
    """Just below and just above it are two colours, far below is none of its own; each cell has its number."""
    times = {
        "a": (0.1, "ok"),
        "b": (0.99, "ok"),
        "c": (1.01, "warn"),
        "d": (3.0, "alert"),
        "e": (np.nan, "insufficient"),
    }
    rows = pd.DataFrame(
        {"unique_id": name, "feature": "units", "psi": 0.2 * value, "threshold": 0.2, "status": status}
        for name, (value, status) in times.items()
    )
    rows = pd.concat([rows, rows.assign(feature="price", psi=0.02, status="ok")])
    figure = charts.drift(rows, theme.LIGHT)
    cells = figure.data[0]
    colour = {figure.layout.yaxis.ticktext[place]: _colour(cells, cells.z[place][1]) for place in range(len(cells.z))}
    fills = theme.LIGHT.fills
    assert colour == {
        "a": fills["ok"], "b": fills["ok"], "c": fills["warn"], "d": fills["alert"], "e": fills["insufficient"]
    }  # fmt: skip
    assert list(figure.layout.xaxis.ticktext) == ["price", "units"]
    texts = {name: cells.text[place][1] for place, name in enumerate(figure.layout.yaxis.ticktext)}
    assert texts == {"a": "0.10", "b": "0.99", "c": "1.01", "d": "3.00", "e": "–"}
    assert {trace.name for trace in figure.data[1:]} == {
        "below its threshold",
        "warn: above it, or not cleared yet",
        "alert: above it and significant",
        "too few values",
    }


def _colour(cells: object, value: float) -> str:
    """What a scale without slopes makes of a value."""
    low, high = cells.zmin, cells.zmax  # type: ignore[attr-defined]
    share = (value - low) / (high - low)
    (found,) = {
        fill
        for (start, fill), (end, other) in zip(cells.colorscale, cells.colorscale[1:], strict=False)  # type: ignore[attr-defined]
        if start < share < end and fill == other
    }
    return str(found)


def test_live_coverage_is_drawn_in_percent() -> None:
    """The service has fractions; an interval that nothing is known of is a gap."""
    timeline = pd.DataFrame({"cutoff": pd.to_datetime(["2024-06-01"]), "coverage_80": [0.006], "coverage_95": [None]})
    assert [trace.y[0] for trace in charts.coverage(timeline).data] == pytest.approx([0.6, np.nan], nan_ok=True)
