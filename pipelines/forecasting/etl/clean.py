"""Cleaning of typed rows into a regular panel: one row per step, gaps filled by policy, every loss counted."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.core.errors import DataError
from pipelines.forecasting import frequency
from pipelines.forecasting.etl import size
from pipelines.forecasting.etl.load import Loaded
from pipelines.forecasting.etl.rejected import ROW
from pipelines.forecasting.settings import Aggregate, GapPolicy, Workspace
from pipelines.tables.schema import DS, KEY, UNIQUE_ID, Y

MODAL = "inferred from the most common step"


@dataclass(frozen=True)
class Cleaned:
    """`observations`: `unique_id, ds, y` + covariates on the grid; `spans`: `unique_id, first_ds, last_ds, …`.

    `spans` is the period that models may learn from, from the launch to the last complete step. `counts` add up:
    rows_in = rows_kept + rows_merged + rows_rejected, and observations = rows_kept + rows_filled.
    """

    observations: pd.DataFrame
    spans: pd.DataFrame
    counts: dict[str, int]
    frequency: str
    notes: dict[str, str]
    odd_series: tuple[str, ...] = ()  # series with a longer step than the panel


def clean(loaded: Loaded, workspace: Workspace, as_of: pd.Timestamp) -> Cleaned:
    """The panel of `loaded` rows. `as_of`: when they were read, in UTC; periods that end later are incomplete.

    Raises DataError if no series has two observations, or if `frequency: auto` finds several frequencies.
    """
    rows = loaded.rows
    if rows.loc[rows[Y].notna(), KEY].drop_duplicates()[UNIQUE_ID].value_counts().max() < 2:
        n_series = rows[UNIQUE_ID].nunique()
        raise DataError(
            f"no series has more than one observation ({n_series:,} series, {len(rows):,} rows)",
            code="one_observation_per_series",
            field="source.columns.keys",
            found={"series": n_series, "rows": len(rows)},
            where=f"workspace {workspace.name}",
            remedy="If the key is too fine, set source.columns.keys to fewer columns.",
        )
    alias, how, odd = find_frequency(rows, workspace)
    snapped, moved = onto_grid(rows, alias)
    now = as_of if frequency.is_subdaily(alias) else _local(as_of, workspace.timezone)
    observed = rows[Y].notna()
    incomplete = incomplete_period(rows.loc[observed, KEY], snapped.loc[observed, KEY], alias, now)
    duplicates = int(rows.duplicated(KEY).sum())
    merged, n_merged = merge_duplicates(snapped, workspace.target.aggregate)
    spans = find_spans(merged, workspace.target.non_negative, incomplete)
    filled, n_filled = fill(merged, spans, alias, workspace)
    spans = replace_ends(spans, filled, workspace.missing.edges)
    counts = {
        "rows_in": loaded.rows_in,
        "rows_kept": len(merged),
        "rows_merged": n_merged,
        "rows_rejected": len(loaded.rejected),
        "rows_filled": n_filled,
        "rows_moved_onto_grid": moved,
        "duplicate_keys": duplicates,
        "incomplete_rows": int((merged[DS] == incomplete).sum()) if incomplete is not None else 0,
    }
    notes = {**loaded.notes, "frequency": how}
    if incomplete is not None:
        notes["incomplete_period"] = f"{incomplete:%Y-%m-%d %H:%M}"
    return Cleaned(filled, spans, counts, alias, notes, odd)


def _local(as_of: pd.Timestamp, timezone: str) -> pd.Timestamp:
    """The moment in local time, which decides when a day, week or month is over."""
    return as_of.tz_localize("UTC").tz_convert(timezone).tz_localize(None)


def find_frequency(rows: pd.DataFrame, workspace: Workspace) -> tuple[str, str, tuple[str, ...]]:
    """The grid's alias, how it was found, and the series with a longer step than the grid."""
    stamps = rows[KEY].drop_duplicates().sort_values(KEY)
    steps = stamps.groupby(UNIQUE_ID)[DS].diff()
    usual = steps.groupby(stamps[UNIQUE_ID]).agg(["median", "count"])
    about_usual = (steps / stamps[UNIQUE_ID].map(usual["median"])).between(0.9, 1.1)  # months differ in length
    regular = about_usual.groupby(stamps[UNIQUE_ID]).sum() / usual["count"]
    usual = usual[(usual["count"] >= 5) & (regular > 0.9)]  # sparse series have no regular step
    declared = workspace.frequency != "auto"
    panel_step = frequency.typical_step(workspace.frequency) if declared else steps.mode().iloc[0]
    odd = tuple(sorted(usual.index[usual["median"] > 1.5 * panel_step]))
    if declared:
        return workspace.frequency, "as configured", odd
    fine = tuple(sorted(usual.index[usual["median"] < panel_step / 1.5]))
    if mixed := odd + fine:
        examples = ", ".join(f"{name} every {usual['median'][name]}" for name in mixed[:3])
        raise DataError(
            f"mixed frequencies: most series step every {panel_step}, but {len(mixed):,} do not ({examples})",
            code="mixed_frequencies",
            field="frequency",
            found={"usual": str(panel_step), "series": list(mixed[:3])},
            where=f"workspace {workspace.name}",
            remedy="Set frequency to the grid you want; finer series are aggregated onto it.",
        )
    try:
        alias, certainty = frequency.infer(stamps[DS])
        if 1.5 * frequency.typical_step(alias) < panel_step:  # for example, weeks that begin on different days
            alias, certainty = frequency.infer(stamps[DS][stamps[UNIQUE_ID] == stamps[UNIQUE_ID].mode().iloc[0]])
    except DataError as error:
        error.where = f"workspace {workspace.name}"
        raise
    return alias, "inferred" if certainty == "exact" else MODAL, odd


def onto_grid(rows: pd.DataFrame, alias: str) -> tuple[pd.DataFrame, int]:
    """The rows with every timestamp moved to the label of its step, and the number of rows moved."""
    snapped = frequency.snap(rows[DS], alias, _origin(rows[DS], alias))
    placed = rows.copy(deep=False)
    placed[DS] = snapped
    return placed, int((snapped != rows[DS]).sum())


def _origin(ds: pd.Series, alias: str) -> pd.Timestamp:
    """The origin of fixed steps: the first midnight, shifted by the offset that most timestamps have.

    Whole hours in India (UTC+5:30), or readings at five past, already lie on a grid and need not move.
    """
    midnight = pd.Timestamp(ds.min()).normalize()
    if not frequency.is_subdaily(alias):
        return midnight
    past = ds - frequency.snap(ds, alias, midnight)
    usual = past.mode().iloc[0]
    return midnight + pd.Timedelta(usual) if (past == usual).mean() > 0.5 else midnight


def merge_duplicates(rows: pd.DataFrame, how: Aggregate) -> tuple[pd.DataFrame, int]:
    """One row per (unique_id, ds), sorted; returns the frame and the number of rows merged away.

    `how` is the workspace's `target.aggregate`. Covariates keep their last value, since a second price for a day is a
    correction. A sum of only missing values stays missing.
    """
    rows = rows.copy(deep=False)
    del rows[ROW]
    rows = rows.sort_values(KEY, kind="stable", ignore_index=True)
    repeated = rows.duplicated(KEY, keep=False)
    if not repeated.any():
        return rows, 0
    groups = rows[repeated].groupby(KEY, sort=True)
    y = groups[Y].sum(min_count=1) if how == "sum" else groups[Y].agg(how)
    others = [name for name in rows if name not in (*KEY, Y)]
    merged = pd.concat([y, groups[others].last()], axis=1).reset_index() if others else y.reset_index()
    result = pd.concat([rows[~repeated], merged]).sort_values(KEY, kind="stable").reset_index(drop=True)
    return result[rows.columns.tolist()], len(rows) - len(result)


def incomplete_period(
    rows: pd.DataFrame, snapped: pd.DataFrame, alias: str, as_of: pd.Timestamp
) -> pd.Timestamp | None:
    """The panel's last step if it is not over yet, or if its input ends earlier than in the steps before it.

    Input ends early if the step has fewer distinct timestamps than each of the last 8 full steps and a longer empty
    end.
    """
    last = snapped[DS].max()
    if frequency.period_end(last, alias) > as_of >= frequency.period_start(last, alias):
        return pd.Timestamp(last)
    stamps = (
        pd.DataFrame({"step": snapped[DS], DS: rows[DS]}).drop_duplicates().groupby("step")[DS].agg(["size", "max"])
    )
    newest = stamps.iloc[1:].tail(9)  # the first step may be incomplete itself
    if len(newest) < 4:
        return None
    ends = pd.DatetimeIndex([frequency.period_end(step, alias) for step in newest.index])
    empty = (ends - pd.DatetimeIndex(newest["max"])).to_series(index=newest.index)
    fewer = newest["size"].iloc[-1] < newest["size"].iloc[:-1].min()
    return pd.Timestamp(last) if fewer and empty.iloc[-1] > empty.iloc[:-1].max() else None


def find_spans(rows: pd.DataFrame, non_negative: bool, incomplete: pd.Timestamp | None) -> pd.DataFrame:
    """`unique_id, first_ds, last_ds, leading_zeros` per series: the steps that models may learn from.

    The span ends with the last observed target, before an incomplete step. Where the target cannot be negative it
    begins with the first sale: zeros before it mean "not launched". A series of zeros keeps its whole span.
    """
    observed = rows.loc[rows[Y].notna(), [*KEY, Y]]
    if incomplete is not None:
        observed = observed[observed[DS] < incomplete]
    spans = observed.groupby(UNIQUE_ID)[DS].agg(first_ds="min", last_ds="max")
    spans["leading_zeros"] = 0
    if non_negative:
        launch = observed[observed[Y] != 0].groupby(UNIQUE_ID)[DS].min().reindex(spans.index)
        before = observed[DS] < observed[UNIQUE_ID].map(launch)
        zeros = before.groupby(observed[UNIQUE_ID]).sum()
        spans["leading_zeros"] = zeros.reindex(spans.index, fill_value=0).astype(int)
        spans["first_ds"] = launch.fillna(spans["first_ds"])
    return spans.reset_index()


def fill(rows: pd.DataFrame, spans: pd.DataFrame, alias: str, workspace: Workspace) -> tuple[pd.DataFrame, int]:
    """Every step from a series' first to its last row with targets filled by policy, and the number of rows added.

    Gaps lie within the observed span; edges lie between it and the panel's. Covariates of added rows stay missing.
    Raises DataError before building a grid that is out of proportion to the rows.
    """
    gaps, edges, start = workspace.missing.gaps, workspace.missing.edges, rows[DS].min()
    placed = rows[KEY].assign(position=frequency.places(rows[DS], start, alias))
    ends = placed.groupby(UNIQUE_ID)["position"].agg(["min", "max", "size"])
    ends = ends.assign(first=ends["min"], last=ends["max"])
    if edges != "leave" and len(spans):
        first, last = frequency.places(pd.Series([spans["first_ds"].min(), spans["last_ds"].max()]), start, alias)
        known = ends.index.isin(spans[UNIQUE_ID])  # a series without any target cannot be filled
        ends["first"] = ends["first"].mask(known, ends["first"].clip(upper=first))
        ends["last"] = ends["last"].mask(known, ends["last"].clip(lower=last))
    size.check(placed, ends, alias, workspace.limits, f"workspace {workspace.name}")
    full = rows.copy(deep=False)
    lengths = (ends["last"] - ends["first"] + 1).to_numpy()
    if lengths.sum() > len(rows):
        starts = np.repeat(ends["first"].to_numpy() - np.concatenate(([0], lengths.cumsum()[:-1])), lengths)
        ds = frequency.points(np.arange(lengths.sum()) + starts, start, alias)
        full = pd.DataFrame({UNIQUE_ID: ends.index.repeat(lengths), DS: ds}).merge(rows, on=KEY, how="left", sort=False)
    if full[Y].notna().all():
        return full, len(full) - len(rows)
    observed = rows.loc[rows[Y].notna(), KEY].groupby(UNIQUE_ID)[DS].agg(["min", "max"])
    inside = full[DS].ge(full[UNIQUE_ID].map(observed["min"])) & full[DS].le(full[UNIQUE_ID].map(observed["max"]))
    edge = (
        ~inside
        & full[UNIQUE_ID].isin(observed.index)
        & full[DS].le(spans["last_ds"].max())
        & full[DS].ge(spans["first_ds"].min())
    )
    full[Y] = _filled(full, inside, gaps)
    full[Y] = _filled(full, edge, edges)
    return full, len(full) - len(rows)


def _filled(rows: pd.DataFrame, where: pd.Series, policy: GapPolicy) -> pd.Series:
    """The target with missing values at `where` filled by `policy`."""
    empty = where & rows[Y].isna()
    if policy == "leave" or not empty.any():
        return rows[Y]
    if policy == "zero":
        return rows[Y].mask(empty, 0.0)
    groups = rows.groupby(UNIQUE_ID)[Y]
    if policy == "previous":
        return rows[Y].mask(empty, groups.ffill())
    return rows[Y].mask(empty, groups.transform(lambda y: y.interpolate(limit_direction="both")))


def replace_ends(spans: pd.DataFrame, filled: pd.DataFrame, edges: GapPolicy) -> pd.DataFrame:
    """The spans, extended to the panel's last step where the edges were filled."""
    if edges == "leave" or spans.empty:
        return spans
    observed = filled[filled[Y].notna() & (filled[DS] <= spans["last_ds"].max())]
    last = spans[UNIQUE_ID].map(observed.groupby(UNIQUE_ID)[DS].max())
    first = spans[UNIQUE_ID].map(observed.groupby(UNIQUE_ID)[DS].min())
    started = spans["leading_zeros"].eq(0) & (edges != "zero")  # zeros before the launch are not history
    return spans.assign(last_ds=last, first_ds=spans["first_ds"].mask(started, first))
