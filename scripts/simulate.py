"""Replays a source step by step, as if its newest values arrived today, with monitoring and an optional shift."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from pipelines.core import plugins
from pipelines.core.errors import ConfigError, DataError
from pipelines.forecasting import flows, frequency, settings
from pipelines.forecasting.flows import Context
from pipelines.forecasting.settings import SourceSpec, Workspace
from pipelines.storage.disk import replace_file
from scripts import _cli, showing

Of = Annotated[str, typer.Option("--of", help="The workspace whose source is replayed.")]
Into = Annotated[str, typer.Option("--into", help="The workspace it becomes; its source is a file inbox/….parquet.")]
Steps = Annotated[int, typer.Option(min=1, help="How often new data come.")]
Every = Annotated[int, typer.Option(min=1, help="Steps of the grid that come each time.")]
Series = Annotated[str, typer.Option("--shift-series", help="Shift the series whose key begins so; nothing: no shift.")]
Factor = Annotated[float, typer.Option("--shift-factor", help="What their target is multiplied by.")]
From = Annotated[int, typer.Option("--shift-from", min=1, help="The first time at which it is.")]


@dataclass(frozen=True)
class Shift:
    """Change of the series whose key begins with `series`, from the `at`-th step of the replay on."""

    series: str
    factor: float
    at: int


def simulate(
    of: Of = "retail",
    into: Into = "replay",
    steps: Steps = 10,
    every: Every = 7,
    shift_series: Series = "",
    shift_factor: Factor = 1.6,
    shift_from: From = 6,
    json_log: _cli.JsonLog = False,
) -> None:
    """Replay a workspace's source into another workspace, and show the results of monitoring."""
    context = _cli.context(json_log)
    shift = Shift(shift_series, shift_factor, shift_from) if shift_series else None
    into_ = settings.load_workspace(into)
    replay(settings.load_workspace(of).source, into_, context, steps, every, shift)
    showing.show_monitoring([into], context)


def replay(
    source: SourceSpec, into: Workspace, context: Context, steps: int, every: int, shift: Shift | None = None
) -> None:
    """Trains `into` on `source` without its last `steps` · `every` steps, then adds these in `steps` batches.

    Results of an earlier replay into the same workspace stay; its newest forecasts and statuses are replaced by this
    one's.
    """
    rows, ds, y, keys = _rows(source, into, Path(context.project.data_dir))
    known = rows.loc[rows[y].notna(), ds]
    grid = pd.DatetimeIndex(np.sort(known.unique()))
    if len(grid) <= steps * every:
        raise DataError(
            f"the source has {len(grid):,} steps, too few to replay {steps} times {every} of them",
            code="history_too_short",
            found=len(grid),
            remedy="Replay fewer or smaller steps.",
        )
    names = rows[keys].astype(str).agg("/".join, axis=1) if keys else pd.Series("", index=rows.index)
    for time in range(steps + 1):
        now = grid[-1 - (steps - time) * every]
        if shift is not None and time == shift.at:
            shifted = names.str.startswith(shift.series) & (rows[ds] > grid[-1 - (steps - time + 1) * every])
            rows[y] = rows[y].where(~shifted, rows[y] * shift.factor)
        ahead = frequency.future(now, into.frequency, into.horizon or 1)[-1]
        seen = rows[rows[ds] <= ahead]
        told = [y, *(name for name in into.covariates.past if name in seen)]  # known only up to now
        seen = seen.assign(**{name: seen[name].where(seen[ds] <= now) for name in told})
        buffer = BytesIO()
        seen.to_parquet(buffer, index=False)
        replace_file(str(Path(context.project.data_dir) / into.source.options.path), buffer.getvalue())
        flows.etl(into, context)
        if time == 0:
            flows.train(into, context, force=True)
        flows.inference(into, context)
        flows.monitor(into, context, with_report=time == steps)


def _rows(source: SourceSpec, into: Workspace, data_dir: Path) -> tuple[pd.DataFrame, str, str, list[str]]:
    """Rows of the source, and the names of its timestamp, target and key columns."""
    if into.source.kind != "file":
        raise ConfigError(
            f"source.kind is {into.source.kind}; a replay needs a file to write",
            where=f"workspace {into.name}",
            code="no_file_to_write",
            found=into.source.kind,
            remedy="Set source.kind to file.",
        )
    rows = plugins.load("pipelines.sources", source.kind).build(source.options, data_dir).read().rows
    ds, y = (
        _one_of(rows, into.source.columns.ds, "ds", "date"),
        _one_of(rows, into.source.columns.y, "y", into.target.name),
    )
    keys = [name for name in into.source.columns.keys or ("unique_id",) if name in rows]
    return rows.assign(**{ds: pd.to_datetime(rows[ds]), y: pd.to_numeric(rows[y]).astype(float)}), ds, y, keys


def _one_of(rows: pd.DataFrame, *names: str | None) -> str:
    """The first of the names that is a column."""
    for name in names:
        if name is not None and name in rows:
            return name
    raise DataError(
        f"the source has none of the columns {', '.join(filter(None, names))} (found: {', '.join(map(str, rows))})",
        code="missing_column",
        field="source.columns.ds",
        found=list(map(str, rows)),
        remedy="Set source.columns.ds in the workspace that is replayed into.",
    )


main = _cli.command(simulate)

if __name__ == "__main__":
    main()
