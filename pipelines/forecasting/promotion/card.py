"""One-page report on a run, for people and for the copilot's knowledge base."""

from typing import Any

import pandas as pd

from pipelines.core.figures import number, percent
from pipelines.forecasting.records import ForecastRun
from pipelines.tables.schema import BASELINE, MODEL, UNIQUE_ID, is_share

_SHOWN = 10


def card(run: ForecastRun, champions: pd.DataFrame, leaderboard: pd.DataFrame, calibration: pd.DataFrame) -> str:
    """The report as Markdown. `champions` and `calibration` as stored; `leaderboard`: `model` and one column per
    metric, the mean over series.
    """
    figures, settings = run.figures, run.settings
    counts = champions[MODEL].value_counts()
    weakest = champions.sort_values("skill_vs_seasonal_naive").head(_SHOWN)
    weakest = weakest.assign(value=[figure(*one) for one in zip(weakest["value"], weakest["metric"], strict=True)])
    lines = [
        f"# Run {run.run_id}",
        "",
        f"{settings.title or run.workspace}: {figures.n_series:,} series, a horizon of {settings.horizon} steps "
        f"({settings.frequency}), data version {run.data.version}.",
        "",
        "## Result",
        "",
        f"- {settings.metric.upper()} of the champions: {figure(figures.champion, settings.metric)} "
        f"(seasonal naive: {figure(figures.baseline, settings.metric)}; skill {percent(figures.skill)}).",
        *[f"- Coverage of the {level} % intervals: {percent(share)}." for level, share in figures.coverage.items()],
        f"- Windows: {figures.windows} with cutoffs {', '.join(figures.cutoffs)}.",
        "",
        "## Calibration (of windows that the intervals have not seen)",
        "",
        _table(_calibrated(calibration)),
        "",
        "## Champions",
        "",
        *[f"- {model}: {count:,} series" for model, count in counts.items()],
        "",
        "## Leaderboard (mean over series and windows)",
        "",
        _table(leaderboard.apply(lambda column: column.map(percent) if is_share(str(column.name)) else column)),
        "",
        f"## Series that gain least over {BASELINE}",
        "",
        _table(weakest[[UNIQUE_ID, MODEL, "metric", "value", "skill_vs_seasonal_naive"]]),
        "",
        "## Notes",
        "",
        *([f"- {note}" for note in figures.notes] or ["- none"]),
        "",
        "## Made with",
        "",
        f"Code {run.code_version}, Python {run.python}, "
        + ", ".join(f"{name} {version}" for name, version in run.libraries.items())
        + ".",
        *[f"- {stage.name}: {stage.seconds:.1f} s, peak {stage.peak_mb:,.0f} MiB" for stage in run.stages],
    ]
    return "\n".join(lines) + "\n"


def figure(value: float | None, metric: str) -> str:
    """The value of a metric: a share in percent, everything else as a number."""
    if pd.isna(value):
        value = None
    return percent(value) if is_share(metric) else number(value, precise=True)


def _calibrated(calibration: pd.DataFrame) -> pd.DataFrame:
    """One row per level: coverage overall, and of the worst covered step and segment."""
    rows = []
    for level, of_level in calibration[calibration["by"] != "curve"].groupby("level"):
        overall = of_level[of_level["by"] == "all"].iloc[0]
        steps, whole = of_level["by"] == "step", of_level["by"] == "all"
        rows.append(
            {
                "level": f"{level} %",
                "points": f"{overall['n']:,}",
                "covers": percent(float(overall["coverage"])),
                "MSIS": overall["msis"],
                "worst step": _worst(of_level[steps], "{group}"),
                "worst segment": _worst(of_level[~steps & ~whole], "{by} {group}"),
            }
        )
    return pd.DataFrame(rows)


def _worst(groups: pd.DataFrame, name: str) -> str:
    """The group with the lowest coverage, with its coverage and number of points."""
    known = groups.dropna(subset=["coverage"])
    if known.empty:
        return "not known"
    worst = known.loc[known["coverage"].idxmin()]
    return f"{name.format(**worst)}: {percent(float(worst['coverage']))} of {worst['n']:,}"


def _table(frame: pd.DataFrame) -> str:
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    cells = [[_cell(name) for name in frame.columns], ["---"] * len(frame.columns), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def _cell(value: Any) -> str:
    """A value as a table cell: one line, with bars escaped."""
    text = (
        number(None if pd.isna(value) else value, precise=True)
        if isinstance(value, float) or pd.isna(value)
        else str(value)
    )
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
