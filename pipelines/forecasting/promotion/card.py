"""A run as a one-page report, for people and for the copilot's knowledge base."""

from typing import Any

import pandas as pd

from pipelines.core.figures import number, percent
from pipelines.tables.schema import BASELINE, MODEL, UNIQUE_ID

_SHOWN = 10


def card(info: dict[str, Any], champions: pd.DataFrame, leaderboard: pd.DataFrame, calibration: pd.DataFrame) -> str:
    """Markdown. `champions` and `calibration` as stored; `leaderboard`: `model` + one column a metric, the mean over
    series.
    """
    summary, config = info["summary"], info["config"]
    counts = champions[MODEL].value_counts()
    weakest = champions.sort_values("skill_vs_seasonal_naive").head(_SHOWN)
    lines = [
        f"# Run {info['run_id']}",
        "",
        f"{config['title'] or info['workspace']}: {summary['n_series']:,} series, a horizon of {config['horizon']} steps "
        f"({config['frequency']}), data version {info['data']['version']}.",
        "",
        "## Result",
        "",
        f"- {config['metric'].upper()} of the champions: {number(summary['champion'], precise=True)} "
        f"(seasonal naive: {number(summary['baseline'], precise=True)}; skill {percent(summary['skill'])}).",
        *[f"- Coverage of the {level} % intervals: {percent(found)}." for level, found in summary["coverage"].items()],
        f"- Windows: {summary['windows']} with cutoffs {', '.join(summary['cutoffs'])}.",
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
        _table(leaderboard),
        "",
        f"## Series that gain least over {BASELINE}",
        "",
        _table(weakest[[UNIQUE_ID, MODEL, "metric", "value", "skill_vs_seasonal_naive"]]),
        "",
        "## Notes",
        "",
        *([f"- {note}" for note in summary["notes"]] or ["- none"]),
        "",
        "## Made with",
        "",
        f"Code {info['code_version']}, Python {info['python']}, "
        + ", ".join(f"{name} {version}" for name, version in info["libraries"].items())
        + ".",
        *[f"- {stage['name']}: {stage['seconds']:.1f} s, peak {stage['peak_mb']:,.0f} MiB" for stage in info["stages"]],
    ]
    return "\n".join(lines) + "\n"


def _calibrated(calibration: pd.DataFrame) -> pd.DataFrame:
    """A row a level: what it covers overall, and at the step and in the segment that it covers least."""
    rows = []
    for level, of_level in calibration[calibration["by"] != "curve"].groupby("level"):
        overall = of_level[of_level["by"] == "all"].iloc[0]
        steps, whole = of_level["by"] == "step", of_level["by"] == "all"
        rows.append(
            {
                "level": f"{level} %",
                "points": f"{overall['n']:,}",
                "covers": percent(float(overall["coverage"]) / 100),
                "MSIS": overall["msis"],
                "worst step": _worst(of_level[steps], "{group}"),
                "worst segment": _worst(of_level[~steps & ~whole], "{by} {group}"),
            }
        )
    return pd.DataFrame(rows)


def _worst(groups: pd.DataFrame, name: str) -> str:
    """The group that is covered least, and how much of how many points."""
    known = groups.dropna(subset=["coverage"])
    if known.empty:
        return "not known"
    worst = known.loc[known["coverage"].idxmin()]
    return f"{name.format(**worst)}: {percent(float(worst['coverage']) / 100)} of {worst['n']:,}"


def _table(frame: pd.DataFrame) -> str:
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    cells = [[_cell(name) for name in frame.columns], ["---"] * len(frame.columns), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def _cell(value: Any) -> str:
    """A value as one line that no bar ends too early."""
    text = (
        number(None if pd.isna(value) else value, precise=True)
        if isinstance(value, float) or pd.isna(value)
        else str(value)
    )
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
