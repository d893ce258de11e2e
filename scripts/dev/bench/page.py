"""Page of a benchmark: Markdown with a table, a picture, and the machine it was measured on."""

import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pipelines.core import code
from pipelines.runs.recording import libraries
from scripts.dev.bench.process import PROCESSES

_BLUE, _GREY, _RED = "#0072B2", "#BBBBBB", "#D55E00"  # from the Okabe–Ito palette, legible to colour-blind people


@dataclass(frozen=True)
class Bars:
    """One panel of a picture: one bar per name, ours first; `lines` are reference values."""

    title: str
    values: Mapping[str, float]
    lines: Mapping[str, float] = field(default_factory=dict)
    log: bool = False


def write(path: Path, title: str, paragraphs: Sequence[str], panels: Sequence[Bars]) -> None:
    """Writes `path` in Markdown, and the picture of `panels` next to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = path.with_suffix(".png")
    draw(picture, panels)
    text = "\n\n".join([f"# {title}", paragraphs[0], f"![{title}]({picture.name})", *paragraphs[1:]])
    path.write_text(text + "\n", encoding="utf-8")


def machine(seed: int | None = None) -> str:
    """Machine, versions and seed that the figures depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    versions = ", ".join(f"{name} {version}" for name, version in libraries().items())
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with {PROCESSES} processes on {os.cpu_count()} cores and {memory:.0f} GiB, "
        f"code {code.version()}, Python {platform.python_version()}, {versions}{f'; seed {seed}' if seed is not None else ''}. "
        "Seconds are of the whole program, its imports (about 6 s) included; memory is the peak of what the program "
        "and its workers held at one time, added up."
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown table; the first column is left-aligned, the others right-aligned."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def draw(path: Path, panels: Sequence[Bars]) -> None:
    """Draws the bars side by side as a PNG."""
    from matplotlib.figure import Figure

    rows = max(len(panel.values) for panel in panels)
    figure = Figure(figsize=(5.5 * len(panels), 1.7 + 0.34 * rows), dpi=110, layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        shown = {name: value for name, value in panel.values.items() if not math.isnan(value)}
        names, values = list(shown), list(shown.values())
        bars = axes.barh(names, values, color=[_BLUE, *[_GREY] * (len(names) - 1)], log=panel.log)
        axes.bar_label(
            bars, labels=[f"{value:.3g}" if value < 1000 else f"{value:,.0f}" for value in values], padding=3
        )
        axes.invert_yaxis()
        for name, value in panel.lines.items():
            axes.axvline(value, color=_RED, linewidth=1, linestyle=":")
            place = axes.get_xaxis_transform()
            axes.text(value, 1.01, name, transform=place, color=_RED, fontsize=8, rotation=55, ha="left", va="bottom")
        axes.set_title(panel.title, fontsize=10, pad=46 if panel.lines else 8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.15)
    figure.savefig(path, metadata={"Software": None})
