"""Charts of one series: forecast with intervals, backtest, and components."""

from collections.abc import Mapping
from itertools import cycle

import pandas as pd
import plotly.graph_objects as go

from frontend.core.frames import levels
from frontend.core.theme import BANDS, BLUE, GREEN, GREY, ORANGE, PALETTE, PURPLE, RED, Drawn, drawn, laid_out, rgba

_VIEW = 3  # horizons of actuals in the initial view
_RANGES = (  # range buttons: days, label, count and step
    (7, "1 w", 7, "day"),
    (30, "1 m", 1, "month"),
    (91, "3 m", 3, "month"),
    (365, "1 y", 1, "year"),
    (1826, "5 y", 5, "year"),
)
_WIDER = 1.5  # times the view: a range that is hardly wider gets no button


def fan(
    history: pd.DataFrame,
    forecast: pd.DataFrame,
    unit: str,
    *,
    previous: pd.DataFrame | None = None,
    baseline: pd.DataFrame | None = None,
    other: tuple[str, pd.DataFrame] | None = None,
) -> go.Figure:
    """Actuals, the forecast with its intervals, the previous forecast, the baseline and another forecast.

    `history`: `ds, y`. The others: `ds, y_hat`; `forecast` also has `lo_*, hi_*`. The initial view shows the last three
    horizons of actuals and the forecast; buttons show more history.
    """
    figure, unit = go.Figure(), drawn(unit)
    stamp = _stamp(forecast["ds"])
    for level, opacity in zip(levels(list(forecast.columns)), BANDS, strict=False):
        _band(figure, forecast, level, opacity)
    figure.add_scatter(
        mode="lines", x=history["ds"], y=history["y"], name="actual", line={"color": GREY, "width": 1.4},
        hovertemplate=f"{stamp}: <b>%{{y:,.4~g}} {unit}</b> came<extra></extra>",
    )  # fmt: skip
    sides = (
        ("previous forecast", previous, ORANGE, "dash", "was forecast before"),
        ("seasonal naive", baseline, GREEN, "dot", "says the seasonal naive"),
        *(((other[0], other[1], PURPLE, "solid", f"says {other[0]}"),) if other else ()),
    )
    for name, rows, colour, dash, says in sides:
        if rows is not None and len(rows):
            figure.add_scatter(
                mode="lines",
                x=rows["ds"],
                y=rows["y_hat"],
                name=drawn(name),
                line={"color": colour, "width": 1.8, "dash": dash},
                hovertemplate=f"{stamp}: <b>%{{y:,.4~g}} {unit}</b> {drawn(says)}<extra></extra>",
            )
    figure.add_scatter(
        mode="lines", x=forecast["ds"], y=forecast["y_hat"], name="forecast", line={"color": BLUE, "width": 2.4},
        customdata=_sentences(forecast, unit),
        hovertemplate=f"{stamp}: <b>%{{y:,.4~g}} {unit}</b> expected%{{customdata}}<extra></extra>",
    )  # fmt: skip
    if len(history):
        figure.add_vline(x=history["ds"].iloc[-1], line={"color": GREY, "width": 1, "dash": "dot"})
    laid_out(figure, height=420, unit=unit)
    return _ranged(figure, history["ds"], forecast["ds"])


def windows(history: pd.DataFrame, backtest: pd.DataFrame, unit: str) -> go.Figure:
    """Actuals, and one model's forecasts from one or several cutoffs: `cutoff, ds, y_hat, lo_*, hi_*`."""
    figure, stamp, unit = go.Figure(), _stamp(backtest["ds"]), drawn(unit)
    shown = history[history["ds"] >= backtest["ds"].min() - 2 * (backtest["ds"].max() - backtest["ds"].min())]
    for number, (cutoff, rows) in enumerate(backtest.groupby("cutoff", sort=True)):
        if backtest["cutoff"].nunique() == 1:
            for level, opacity in zip(levels(list(rows.columns)), BANDS, strict=False):
                _band(figure, rows, level, opacity)
        figure.add_vline(x=cutoff, line={"color": GREY, "width": 1, "dash": "dot"})
        figure.add_scatter(
            mode="lines",
            x=rows["ds"],
            y=rows["y_hat"],
            name="forecast then",
            legendgroup="then",
            showlegend=number == 0,
            line={"color": BLUE, "width": 2.2},
            hovertemplate=f"{stamp}: <b>%{{y:,.4~g}} {unit}</b> was forecast on {cutoff:%-d %b %Y}<extra></extra>",
        )
    figure.add_scatter(
        mode="lines", x=shown["ds"], y=shown["y"], name="actual", line={"color": GREY, "width": 1.6},
        hovertemplate=f"{stamp}: <b>%{{y:,.4~g}} {unit}</b> came<extra></extra>",
    )  # fmt: skip
    return laid_out(figure, height=360, unit=unit)


def residuals(rows: pd.DataFrame, unit: str) -> go.Figure:
    """Actual minus forecast at each step of the windows: `ds, error`; above zero the forecast was too low."""
    unit = drawn(unit)
    figure = go.Figure(
        go.Bar(
            x=rows["ds"],
            y=rows["error"],
            marker={"color": [BLUE if value >= 0 else RED for value in rows["error"].fillna(0)]},
            hovertemplate=f"%{{x|%a %-d %b %Y, %H:%M}}: <b>%{{y:+,.4~g}} {unit}</b> beside the forecast<extra></extra>",
        )
    )
    return laid_out(figure, height=260, unit=unit, legend=False)


def components(parts: pd.DataFrame, unit: str) -> go.Figure:
    """One line per component over the steps: `ds` and one column per component, which sum to the forecast."""
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
    """Bridge from the previous forecast to the current one: the contribution of each reason over their common steps."""
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


def _band(figure: go.Figure, rows: pd.DataFrame, level: int, opacity: float) -> None:
    known = rows[rows[f"lo_{level}"].notna()]
    if known.empty:
        return
    figure.add_scatter(
        mode="lines", x=[*known["ds"], *known["ds"][::-1]], y=[*known[f"hi_{level}"], *known[f"lo_{level}"][::-1]],
        fill="toself", fillcolor=rgba(BLUE, opacity), line={"width": 0}, name=f"{level:,} % interval", hoverinfo="skip",
    )  # fmt: skip


def _sentences(rows: pd.DataFrame, unit: Drawn) -> list[str]:
    """`, with 80 % between 10 and 14 pieces` for each step that has an interval."""
    known = levels(list(rows.columns))
    if not known:
        return [""] * len(rows)
    level = known[-1]
    return [
        "" if pd.isna(low) else f",<br>with {level} % between {low:,.4g} and {high:,.4g} {unit}"
        for low, high in zip(rows[f"lo_{level}"], rows[f"hi_{level}"], strict=True)
    ]


def _stamp(ds: pd.Series) -> Drawn:
    """Plotly template for a timestamp in hover text."""
    whole_days = (ds.dt.normalize() == ds).all()
    return "%{x|%a %-d %b %Y}" if whole_days else "%{x|%a %-d %b %Y, %H:%M}"


def _ranged(figure: go.Figure, past: pd.Series, ahead: pd.Series) -> go.Figure:
    """The figure with the newest past steps and all future ones in view, and buttons for longer ranges."""
    if len(past) <= _VIEW * len(ahead) or not len(ahead):
        return figure
    start, end = past.iloc[-_VIEW * len(ahead)], ahead.iloc[-1]
    view, whole = (end - start) / pd.Timedelta(days=1), (end - past.iloc[0]) / pd.Timedelta(days=1)
    buttons = [
        {"count": count, "label": label, "step": step, "stepmode": "backward"}
        for days, label, count, step in _RANGES
        if _WIDER * view <= days < whole
    ]
    # On the left: the chart's toolbar appears on the right.
    place = {"x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom"}
    figure.update_xaxes(
        range=[start, end], rangeselector={"buttons": [*buttons, {"label": "all", "step": "all"}], **place}
    )
    return figure
