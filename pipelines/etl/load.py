"""From rows as a source gave them to typed long rows: which column is what, and which rows cannot be read."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines import frequency
from pipelines.errors import DataError, MissingColumn
from pipelines.etl import dates, numbers
from pipelines.schema import DS, UNIQUE_ID, Y, printable
from pipelines.settings import Workspace

ROW = "row"  # the number of a data row in its source, from 1
REASON = "reason"

_USUAL = {
    DS: ("ds", "date", "datetime", "timestamp", "time", "day", "week", "month", "period"),
    Y: ("y", "value", "target", "sales", "units", "demand", "quantity", "qty", "load", "count", "amount", "volume"),
    UNIQUE_ID: ("unique_id", "series", "series_id", "id", "item_id"),
}


@dataclass(frozen=True)
class Loaded:
    """`rows`: `row, unique_id, ds, y` + covariates, in the source's order; `rejected`: input rows as text + `reason`."""

    rows: pd.DataFrame
    rejected: pd.DataFrame
    rows_in: int
    notes: dict[str, str]


def load(raw: pd.DataFrame, workspace: Workspace) -> Loaded:
    """Reads dates, numbers and keys of every row; a row that cannot be read is rejected with the reason.

    Raises DataError when the source is empty, MissingColumn when a named column is not there.
    """
    where = f"workspace {workspace.name}"
    raw = raw.rename(columns=lambda name: str(name).strip()).reset_index(drop=True)
    if raw.empty:
        raise DataError(f"{where}: the source has a header but no rows (columns: {', '.join(raw.columns)}). Add data.")
    raw, columns = _long(raw, workspace, where)
    keys, notes = columns.pop(UNIQUE_ID), {name: f"column '{column[0]}'" for name, column in columns.items()}
    notes[UNIQUE_ID] = f"columns {', '.join(keys)}" if keys else "one series"
    ds, aware, how = dates.parse(raw[columns[DS][0]], workspace.source.date_format)
    notes["dates"] = how
    rows = pd.DataFrame({ROW: np.arange(1, len(raw) + 1), UNIQUE_ID: _join(raw, keys, workspace), DS: ds})
    rows[Y] = numbers.parse(raw[columns[Y][0]], workspace.source.decimal)
    for name in workspace.covariates.varying:
        rows[name] = _covariate(raw[name], workspace)
    for name in workspace.covariates.static:
        rows[name] = raw[name].astype("string").str.strip().astype("object")

    reasons = pd.Series(pd.NA, index=raw.index, dtype="string")
    reasons[rows[DS].isna()] = "unreadable date"
    reasons[rows[Y].isna() & raw[columns[Y][0]].notna() & reasons.isna()] = "unreadable number in the target"
    reasons[np.isinf(rows[Y])] = "infinite target"
    if workspace.target.non_negative:
        reasons[(rows[Y] < 0) & reasons.isna()] = "negative target"
    reasons[rows[UNIQUE_ID].isna()] = "missing key"
    unprintable = rows[UNIQUE_ID].str.contains(r"[\x00-\x1f\x7f]", na=False)
    reasons[unprintable] = "control character in the key"
    readable = reasons.isna()
    rows.loc[readable, DS] = _utc(rows[readable], aware[readable], workspace)
    reasons[readable & rows[DS].isna()] = f"local time that the clocks of {workspace.timezone} skip"

    unusable = reasons.notna()
    rejected = (
        raw[unusable]
        .astype("string")
        .assign(**{ROW: rows.loc[unusable, ROW].to_numpy(), REASON: reasons[unusable].to_numpy()})
    )
    kept = rows[reasons.isna()].reset_index(drop=True)
    if kept.empty:
        raise DataError(f"{where}: no row can be used. {explain(rejected, columns[DS][0], columns[Y][0])}")
    if kept[Y].isna().all():
        raise DataError(
            f"{where}: the target '{columns[Y][0]}' is empty in all {len(kept):,} rows. Name the right column in source.columns.y."
        )
    return Loaded(kept, rejected.reset_index(drop=True), len(raw), notes)


def explain(rejected: pd.DataFrame, *columns: str) -> str:
    """Why rows were rejected: each reason with its count, row numbers and examples."""
    parts = []
    for reason, rows in rejected.groupby(REASON, sort=True):
        shown = [name for name in columns if name in rows]
        examples = [
            f"row {row[ROW]}: " + ", ".join(f"{name}={printable(str(row[name]), 30)!r}" for name in shown)
            for _, row in rows.head(3).iterrows()
        ]
        parts.append(f"{len(rows):,} × {reason} ({'; '.join(examples)})")
    return "Rejected: " + ". ".join(parts) + ". Correct them, or set source.date_format and source.decimal."


def _long(raw: pd.DataFrame, workspace: Workspace, where: str) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    named = workspace.source.columns
    covariates = [*workspace.covariates.varying, *workspace.covariates.static]
    asked = [
        *(named.keys or ()),
        *covariates,
        *filter(None, [named.ds, named.y if workspace.source.layout == "long" else None]),
    ]
    for column in asked:
        if column not in raw:
            raise MissingColumn(column, raw.columns, where)
    ds = named.ds or _usual(raw, DS, where)
    if workspace.source.layout == "wide":
        fixed = [ds, *(named.keys or ()), *covariates]
        melted = raw.melt(id_vars=list(dict.fromkeys(fixed)), var_name=UNIQUE_ID, value_name=Y)
        return melted, {DS: [ds], Y: [Y], UNIQUE_ID: [*(named.keys or ()), UNIQUE_ID]}
    y = named.y or _usual(raw, Y, where, without=[ds, *(named.keys or ()), *covariates])
    if named.keys is not None:
        return raw, {DS: [ds], Y: [y], UNIQUE_ID: list(named.keys)}
    usual = [str(name) for name in raw if str(name).lower() in _USUAL[UNIQUE_ID]][:1]
    rest = [str(name) for name in raw if name not in {ds, y, *workspace.covariates.varying} and not _numeric(raw[name])]
    return raw, {DS: [ds], Y: [y], UNIQUE_ID: usual or rest}


def _usual(raw: pd.DataFrame, what: str, where: str, without: list[str] | None = None) -> str:
    free = [str(name) for name in raw.columns if name not in (without or [])]
    for name in _USUAL[what]:
        for column in free:
            if column.lower() == name:
                return column
    numeric = [name for name in free if _numeric(raw[name])] if what == Y else []
    if len(numeric) == 1:
        return numeric[0]
    raise DataError(
        f"{where}: no column looks like the {'timestamp' if what == DS else 'target'} (found: {', '.join(map(str, raw.columns))})."
        f" Name it in source.columns.{what}."
    )


def _numeric(values: pd.Series) -> bool:
    sample = values.dropna().head(1000)
    return len(sample) > 0 and bool(numbers.parse(sample).notna().mean() > 0.9)


def _join(raw: pd.DataFrame, keys: list[str], workspace: Workspace) -> pd.Series:
    """`unique_id`: the key values joined by '/'; missing where any of them is. Without keys, the workspace's name."""
    if not keys:
        return pd.Series(workspace.name, index=raw.index, dtype="object")
    parts = []
    for key in keys:
        values = raw[key]
        if pd.api.types.is_float_dtype(values) and bool((values.dropna() % 1 == 0).all()):
            values = values.astype("Int64")  # a missing key had turned 1 into 1.0
        text = values.astype("string").str.strip()
        parts.append(text.mask(text == ""))
    joined = parts[0]
    for part in parts[1:]:
        joined = joined + "/" + part
    unique_id: pd.Series = joined.astype("object").where(joined.notna())
    return unique_id


def _covariate(values: pd.Series, workspace: Workspace) -> pd.Series:
    """Numbers where every value is one, else text: a model makes categories of it."""
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
        return values.astype("float64")
    parsed = numbers.parse(values, workspace.source.decimal)
    if bool((parsed.notna() | values.isna()).all()):
        return parsed
    text = values.astype("string").str.strip()
    truth = text.str.lower().map({"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0})
    return truth.astype("float64") if bool((truth.notna() | text.isna()).all()) else text.astype("object")


def _utc(rows: pd.DataFrame, aware: pd.Series, workspace: Workspace) -> pd.Series:
    """Steps shorter than a day become UTC; a day, week or month is a date on the local calendar and stays one."""
    subdaily = workspace.frequency != "auto" and frequency.is_subdaily(workspace.frequency)
    if workspace.frequency == "auto":
        subdaily = bool((rows[DS] != rows[DS].dt.normalize()).any())
    ds = rows[DS].copy()
    if subdaily:
        ds[~aware] = dates.to_utc(ds[~aware], rows.loc[~aware, UNIQUE_ID], workspace.timezone)
    elif aware.any():
        ds[aware] = dates.to_local(ds[aware], workspace.timezone)
    return ds
