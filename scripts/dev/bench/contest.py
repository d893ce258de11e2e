"""Comparison of this project's flows with other libraries: same series, same run, same two processes."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from pipelines.tables.schema import UNIQUE_ID, is_share
from scripts.dev.bench import rivals, site
from scripts.dev.bench.process import Cost, TooLong
from scripts.dev.bench.site import Ran

OURS = "Forecast Copilot"
SLOW = ("AutoARIMA", "pmdarima auto_arima")  # minutes per series with long seasons


class Panel(Protocol):
    """Competition data: what may be known, and how forecasts are scored."""

    @property
    def name(self) -> str:
        """Name of the workspace."""
        ...

    @property
    def workspace(self) -> str:
        """Content of the workspace file."""
        ...

    @property
    def task(self) -> rivals.Task:
        """The forecasting task."""
        ...

    @property
    def train(self) -> pd.DataFrame:
        """`unique_id, ds, y`: the known part of the target."""
        ...

    def write(self, path: Path) -> None:
        """Writes the file that the workspace reads."""
        ...

    def judge(self, forecasts: pd.DataFrame, ids: Sequence[str] | None = None) -> dict[str, float]:
        """Errors of the forecasts, over all series or some."""
        ...


@dataclass(frozen=True)
class Entry:
    """Result of one method: number of series, cost and errors; no errors if it did not finish."""

    name: str
    series: int
    cost: Cost | None
    errors: Mapping[str, float] = field(default_factory=dict)
    kept: bool = False
    note: str = ""


@dataclass(frozen=True)
class Results:
    """All methods on all series, and the slow ones on a sample, starting with this project's flows on that sample."""

    ran: Ran
    entries: list[Entry]
    sampled: list[Entry]
    n_series: int


def run(
    panel: Panel,
    names: Sequence[str],
    *,
    slow: int,
    cache: Path | None,
    timeout: float,
    say: Callable[..., None],
    alone: Sequence[str] = (),
) -> Results:
    """Forecasts the panel with this project's flows and with the named rivals.

    The slow rivals forecast a sample of `slow` series, or all if it is 0. Each model in `alone` also goes through the
    flows alone, with the same windows, processes and intervals, so that its seconds are comparable with the
    rivals'.
    """
    ids = sorted(panel.train[UNIQUE_ID].unique())
    few = sorted(np.random.default_rng(panel.task.seed).choice(ids, min(slow, len(ids)), replace=False))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        ran = ours(panel, folder / "site")
        entries, sampled = [_entry(panel, OURS, ran, None)], []
        say("measured", method=OURS, **_shown(entries[0].errors), **ran.seconds)
        if few and set(names) & set(SLOW):
            sampled = [_entry(panel, OURS, ran, few)]
        for name in names:
            chosen = few if few and name in SLOW else None
            entry = _ask(panel, name, chosen, folder / name, cache, timeout)
            say("measured", method=name, series=entry.series, **_shown(entry.errors))
            (sampled if chosen else entries).append(entry)
        for name in alone:
            by_itself = ours(panel, folder / f"only-{name}", FORECAST_MODELS=f"[{name}]")
            entries.append(_entry(panel, f"only `{name}` in our flows", by_itself, None))
            say("measured", method=entries[-1].name, **_shown(entries[-1].errors), **by_itself.seconds)
    return Results(ran, entries, sampled, len(ids))


def _shown(errors: Mapping[str, float]) -> dict[str, float]:
    return {name: errors[name] for name in ("owa", "wrmsse", "smape", "mase", "coverage_95") if name in errors}


def ours(panel: Panel, folder: Path, **variables: str) -> Ran:
    """Runs the flows on the panel's file in an empty project; `variables` override shipped settings."""
    return site.from_file(folder, panel.name, panel.workspace, panel.write, variables)


def _entry(panel: Panel, name: str, ran: Ran, ids: list[str] | None) -> Entry:
    series = len(ids) if ids else panel.train[UNIQUE_ID].nunique()
    return Entry(name, series, ran.total, panel.judge(ran.forecasts, ids))


def _ask(panel: Panel, name: str, ids: list[str] | None, folder: Path, cache: Path | None, timeout: float) -> Entry:
    train = panel.train if ids is None else panel.train[panel.train[UNIQUE_ID].isin(ids)]
    series = train[UNIQUE_ID].nunique()
    try:
        answer = rivals.ask(name, train, panel.task, folder, cache, timeout)
    except TooLong as over:
        return Entry(name, series, None, note=str(over))
    return Entry(name, series, answer.cost, panel.judge(answer.forecasts, ids), answer.kept)


def rows(entries: Sequence[Entry], columns: Sequence[str], of: int | None = None) -> list[list[str]]:
    """Table cells: name, errors by `columns`, seconds, peak MiB; with `of`, also the seconds for that many series."""
    return [
        [
            f"**{entry.name}**" if entry.name == OURS else entry.name,
            *(_cell(column, entry.errors) for column in columns),
            entry.note or _seconds(entry),
            f"{entry.cost.peak_mb:,.0f}" if entry.cost else "",
            *([_extrapolated(entry, of)] if of else []),
        ]
        for entry in entries
    ]


def _cell(column: str, errors: Mapping[str, float]) -> str:
    value = errors.get(column, np.nan)
    if np.isnan(value):
        return "–"
    if column.startswith("coverage"):
        return f"{100 * value:.1f} %"
    return f"{100 * value:.3f}" if is_share(column) else f"{value:.3f}"  # competitions publish sMAPE in percent


def _seconds(entry: Entry) -> str:
    return f"{entry.cost.seconds:,.0f}{' *' if entry.kept else ''}" if entry.cost else ""


def _extrapolated(entry: Entry, of: int) -> str:
    if entry.name == OURS or entry.cost is None:
        return ""
    return f"about {entry.cost.seconds * of / entry.series:,.0f}"
