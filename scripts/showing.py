"""Summary of published results: a table on the terminal, and a picture of history, forecast and intervals as HTML."""

from collections.abc import Iterable, Sequence
from itertools import cycle
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import plotly.io
from plotly.subplots import make_subplots
from rich.console import Console
from rich.table import Table

from pipelines.core.figures import percent, short
from pipelines.forecasting import settings
from pipelines.forecasting.etl.dates import to_local
from pipelines.forecasting.flows import Context
from pipelines.forecasting.frequency import is_subdaily
from pipelines.forecasting.monitoring import alerts
from pipelines.forecasting.monitoring.alerts import AlertOut
from pipelines.forecasting.records import ForecastRun, Monitoring
from pipelines.forecasting.settings import Workspace
from pipelines.storage.catalog import Reader
from pipelines.storage.disk import replace_file
from pipelines.tables.schema import DS, MODEL, UNIQUE_ID, Y_HAT, Y, hi, is_share, lo

_ROWS = 8  # series per workspace in the table
_PICTURES = 4  # series per workspace in the picture
_WIDTH = 120  # of the table in a file or a log
_MONITORINGS = 12  # per workspace in the table
_STEPS = 3  # forecast steps in the table
_HISTORY = 4  # horizons of history in the picture
_BLUE, _GREY = "#0072B2", "#555555"  # from the Okabe–Ito palette, legible to colour-blind people
_LEVELS = (_BLUE, "#D55E00", "#009E73", _GREY)  # from the same palette, one colour per level


def show(names: Sequence[str], context: Context) -> None:
    """Prints each workspace's table, and writes one picture of all workspaces to the artifacts folder."""
    console, figures = Console(), []
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    for name in names:
        workspace = settings.load_workspace(name)
        console.print(table(workspace, context.stores))
        figures += [picture(workspace, context.stores), calibration(workspace, context.stores)]
    path = Path(context.project.artifacts_dir) / f"{'-'.join(names)}.html"
    replace_file(str(path), page(figures).encode())
    console.print(f"\nPicture:   {path}")
    for name in names:
        console.print(f"Forecasts: {context.stores.published(name).where}/forecasts.parquet", soft_wrap=True)
        console.print(f"Report:    {context.stores.production(name).where}/card.md", soft_wrap=True)


def show_monitoring(names: Sequence[str], context: Context) -> None:
    """Prints each workspace's monitoring status, its history, and the alerts raised."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    for name in names:
        folder = context.stores.monitoring(name)
        console.print(standing(Monitoring.of(folder), alerts.all_of(context.stores, name)))
        console.print(f"Monitoring: {folder.where}", soft_wrap=True)


def standing(summary: Monitoring, raised: Sequence[AlertOut]) -> Table:
    """One row per monitoring: status, series in alert by kind, error against the backtest, and alerts."""
    shown = Table(
        title=f"Monitoring of {summary.workspace}: {summary.status} as of {summary.as_of[:10]}",
        title_justify="left",
    )
    shown.add_column("as of", no_wrap=True)
    for column in ("status", "in alert", "MASE (backtest)"):
        shown.add_column(column, justify="right", no_wrap=True)
    shown.add_column("what was raised", overflow="fold")
    judged = {one.until[:10]: one.metrics for one in summary.timeline}
    for past in summary.history[-_MONITORINGS:]:
        errors = judged.get(past.as_of[:10])
        mase = f"{short(errors['mase'])} ({short(errors['mase_baseline'])})" if errors else "–"
        news = [one["message"] for one in reversed(raised) if one["as_of"] == past.as_of]
        count = past.counts["overall"].alert
        shown.add_row(past.as_of[:10], past.status, f"{count:,} of {summary.n_series:,}", mase, "\n".join(news))
    return shown


def heading(workspace: Workspace, reader: Reader) -> str:
    """The workspace's title; synthetic data are always marked as such."""
    title = workspace.title or workspace.name
    synthetic = reader.dataset(workspace.name).info.synthetic and "synthetic" not in title
    return f"{title} (synthetic data)" if synthetic else title


def biggest(reader: Reader, workspace: Workspace, count: int) -> list[str]:
    """Series with the largest forecast total, where errors cost most."""
    forecasts = reader.published(workspace.name).read_parquet("forecasts.parquet", [UNIQUE_ID, Y_HAT])
    return forecasts.groupby(UNIQUE_ID)[Y_HAT].sum().nlargest(count).index.tolist()


def table(workspace: Workspace, reader: Reader) -> Table:
    """The biggest series with champion, error against the baseline, and the next values with their interval."""
    run = reader.production(workspace.name)
    info = ForecastRun.of(run)
    champions = run.read_parquet("champions.parquet").set_index(UNIQUE_ID)
    forecasts = reader.published(workspace.name).read_parquet("forecasts.parquet")
    level, metric, figures = workspace.levels[-1], info.settings.metric, info.figures
    title = (
        f"{heading(workspace, reader)}: {figures.n_series:,} series, "
        f"{metric.upper()} {_figure(figures.champion, metric)} (seasonal naive {_figure(figures.baseline, metric)})"
    )
    shown = Table(title=title, title_justify="left")
    shown.add_column("series", overflow="fold")
    shown.add_column("champion", no_wrap=True)
    for column in (metric.upper(), "skill", *(f"step {step} [{level} %]" for step in range(1, _STEPS + 1))):
        shown.add_column(column, justify="right", no_wrap=True)
    for name in biggest(reader, workspace, _ROWS):
        row, ahead = champions.loc[name], forecasts[forecasts[UNIQUE_ID] == name].head(_STEPS)
        values = [f"{short(p[Y_HAT])} [{short(p[lo(level)])}, {short(p[hi(level)])}]" for _, p in ahead.iterrows()]
        shown.add_row(
            name,
            ahead[MODEL].iloc[0],
            _figure(float(row["value"]), str(row["metric"])),
            percent(float(row["skill_vs_seasonal_naive"])),
            *values,
        )
    if (rest := figures.n_series - shown.row_count) > 0:
        shown.caption = f"and {rest:,} more series; skill is against the seasonal naive"
    return shown


def picture(workspace: Workspace, reader: Reader) -> go.Figure:
    """History, forecast and intervals of the biggest series, stacked vertically."""
    names, dataset = biggest(reader, workspace, _PICTURES), reader.dataset(workspace.name)
    forecasts = reader.published(workspace.name).read_parquet("forecasts.parquet")
    observations, frequency = dataset.observations, dataset.info.frequency
    figure = make_subplots(rows=len(names), cols=1, subplot_titles=names, vertical_spacing=0.3 / max(len(names), 2))
    for place, name in enumerate(names, start=1):
        ahead = _in_zone(forecasts[forecasts[UNIQUE_ID] == name], workspace, frequency)
        past = observations[(observations[UNIQUE_ID] == name) & observations[Y].notna()]
        past = _in_zone(past.tail(_HISTORY * len(ahead)), workspace, frequency)
        for trace in _traces(past, ahead, workspace.levels, legend=place == 1):
            figure.add_trace(trace, row=place, col=1)
    figure.update_yaxes(
        title_text=workspace.target.unit or workspace.target.name, rangemode="tozero" if len(names) > 1 else None
    )
    return figure.update_layout(
        title=heading(workspace, reader),
        height=140 + 260 * len(names),
        template="plotly_white",
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 1.0, "xanchor": "right"},
    )


def calibration(workspace: Workspace, reader: Reader) -> go.Figure:
    """Interval coverage at each step of the backtest, against the nominal level."""
    measured = reader.calibration(workspace.name, reader.production(workspace.name).name)
    figure = go.Figure()
    for (level, rows), colour in zip(measured[measured["by"] == "step"].groupby("level"), cycle(_LEVELS)):
        line = {"color": colour, "width": 2}
        figure.add_trace(
            go.Scatter(x=rows["group"].astype(int), y=100 * rows["coverage"], name=f"{level} %", line=line)
        )
        figure.add_hline(y=level, line={"color": colour, "width": 1, "dash": "dash"})
    figure.update_xaxes(title_text="step ahead").update_yaxes(title_text="% of the actuals inside")
    return figure.update_layout(
        title=f"{heading(workspace, reader)}: what the intervals covered in the backtest (dashed: what they promise)",
        height=320,
        template="plotly_white",
        hovermode="x unified",
    )


def page(figures: Iterable[go.Figure]) -> str:
    """One self-contained HTML page that works offline."""
    parts = [
        plotly.io.to_html(figure, full_html=False, include_plotlyjs=number == 0, config={"displaylogo": False})
        for number, figure in enumerate(figures)
    ]
    style = "body{font-family:system-ui,sans-serif;max-width:1200px;margin:1rem auto;padding:0 1rem}"
    head = f"<meta charset='utf-8'><title>Forecast Copilot</title><style>{style}</style>"
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{''.join(parts)}</body></html>"


def _traces(past: pd.DataFrame, ahead: pd.DataFrame, levels: Sequence[int], legend: bool) -> Iterable[go.Scatter]:
    for level in sorted(levels, reverse=True):
        if ahead[lo(level)].notna().any():
            yield go.Scatter(
                x=[*ahead[DS], *ahead[DS][::-1]],
                y=[*ahead[hi(level)], *ahead[lo(level)][::-1]],
                fill="toself",
                fillcolor=f"rgba(0,114,178,{0.12 if level > min(levels) else 0.22})",
                line={"width": 0},
                name=f"{level} % interval",
                hoverinfo="skip",
                showlegend=legend,
            )
    yield go.Scatter(x=past[DS], y=past[Y], name="actual", line={"color": _GREY, "width": 1.3}, showlegend=legend)
    yield go.Scatter(x=ahead[DS], y=ahead[Y_HAT], name="forecast", line={"color": _BLUE, "width": 2}, showlegend=legend)


def _in_zone(rows: pd.DataFrame, workspace: Workspace, frequency: str) -> pd.DataFrame:
    return rows.assign(**{DS: to_local(rows[DS], workspace.timezone)}) if is_subdaily(frequency) else rows


def _figure(value: float | None, metric: str) -> str:
    """Value of a metric: percent for a share, a plain number for anything else."""
    return percent(value) if is_share(metric) else short(value)
