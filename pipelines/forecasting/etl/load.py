"""Conversion of source rows into typed long rows: role of each column, and rejected rows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.core.errors import DataError, MissingColumn
from pipelines.core.names import printable
from pipelines.forecasting import frequency
from pipelines.forecasting.etl import dates, numbers, size
from pipelines.forecasting.etl.rejected import REASON, ROW, NoUsableRow, reasons_of
from pipelines.forecasting.settings import Workspace
from pipelines.tables.schema import DS, KEY, UNIQUE_ID, Y

_SERIES, _VALUE = "series (column)", "value (cell)"  # column names of a wide table after stacking

_USUAL = {
    DS: ("ds", "date", "datetime", "timestamp", "time", "day", "week", "month", "period"),
    Y: ("y", "value", "target", "sales", "units", "demand", "quantity", "qty", "load", "count", "amount", "volume"),
    UNIQUE_ID: ("unique_id", "series", "series_id", "id", "item_id"),
}


@dataclass(frozen=True)
class Loaded:
    """`rows`: `row, unique_id, ds, y` + covariates, in source order; `rejected`: input rows as text + `reason`."""

    rows: pd.DataFrame
    rejected: pd.DataFrame
    rows_in: int
    notes: dict[str, str]
    columns: dict[str, list[str]]  # source columns used as `ds`, `y` and, joined, as `unique_id`


def load(raw: pd.DataFrame, workspace: Workspace) -> Loaded:
    """Reads dates, numbers and keys of every row; a row that cannot be read is rejected with the reason.

    Raises DataError if the source is empty, MissingColumn if a named column is missing.
    """
    where = f"workspace {workspace.name}"
    raw = raw.copy(deep=False)  # own names and index, shared values
    raw.columns, raw.index = pd.Index([str(name).strip() for name in raw]), pd.RangeIndex(len(raw))
    lines = len(raw)
    if raw.empty:
        raise DataError(
            f"the source has a header but no rows (columns: {', '.join(raw.columns)})",
            code="no_rows",
            found=list(raw.columns),
            where=where,
            remedy="Add data.",
        )
    raw, columns = _long(raw, workspace, where)
    keys, notes = columns[UNIQUE_ID], {name: f"column '{columns[name][0]}'" for name in (DS, Y)}
    notes[UNIQUE_ID] = f"columns {', '.join(keys)}" if keys else "one series"
    ds, aware, how = dates.parse(raw[columns[DS][0]], workspace.source.date_format)
    notes["dates"] = how
    number = np.arange(len(raw)) % lines + 1  # the columns of a wide table were stacked
    rows = pd.DataFrame({ROW: number, UNIQUE_ID: _join(raw, keys, workspace), DS: ds})
    rows[Y] = numbers.parse(raw[columns[Y][0]], workspace.source.decimal)
    for name in workspace.covariates.varying:
        rows[name] = _covariate(raw[name], workspace)
    for name in workspace.covariates.static:
        rows[name] = _text(raw[name]).astype("object")
    reasons = reasons_of(rows, raw[columns[Y][0]].notna(), workspace)
    readable = reasons.isna()
    size.refuse_span(rows.loc[readable, KEY], where)
    rows[DS] = _utc(rows.loc[readable, KEY], aware[readable], workspace).reindex(rows.index)
    reasons[readable & rows[DS].isna()] = f"local time that the clocks of {workspace.timezone} skip"

    unusable = reasons.notna()
    rejected = _rejected(raw[unusable], rows.loc[unusable, ROW], reasons[unusable])
    kept = rows[~unusable].reset_index(drop=True) if unusable.any() else rows
    if kept.empty:
        raise NoUsableRow(rejected, columns, where)
    if kept[Y].isna().all():
        raise DataError(
            f"the target '{columns[Y][0]}' is empty in all {len(kept):,} rows",
            code="target_empty",
            field="source.columns.y",
            found={"column": columns[Y][0], "rows": len(kept)},
            where=where,
            remedy="Name the right column in source.columns.y.",
        )
    return Loaded(kept, rejected, len(raw), notes, columns)


def _rejected(raw: pd.DataFrame, lines: "pd.Series[int]", reasons: "pd.Series[str]") -> pd.DataFrame:
    """The rejected rows as text, with their row number and the reason."""
    source = raw.rename(columns={name: f"{name} (source)" for name in (ROW, REASON)}).astype("string")
    return source.assign(**{ROW: lines.to_numpy(), REASON: reasons.to_numpy()}).reset_index(drop=True)


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
            raise MissingColumn(column, raw.columns, where, field=_setting_of(column, workspace))
    if taken := sorted({ROW, *KEY, Y} & set(covariates)):
        raise DataError(
            f"'{taken[0]}' has a meaning of its own and cannot be a covariate",
            code="reserved_column",
            field=_setting_of(taken[0], workspace),
            found=taken,
            where=where,
            remedy="Rename the column, and name it so under covariates.",
        )
    ds = named.ds or _usual(raw, DS, where)
    if workspace.source.layout == "wide":
        fixed = list(dict.fromkeys([ds, *(named.keys or ()), *covariates]))
        if set(raw) <= set(fixed):
            raise DataError(
                f"a wide table has one column a series, but there is none beside {', '.join(fixed)}",
                code="no_series_column",
                field="source.layout",
                found=fixed,
                where=where,
                remedy="Add them, or set source.layout to long.",
            )
        melted = raw.melt(fixed, var_name=_SERIES, value_name=_VALUE)
        return melted, {DS: [ds], Y: [_VALUE], UNIQUE_ID: [*(named.keys or ()), _SERIES]}
    y = named.y or _usual(raw, Y, where, without=[ds, *(named.keys or ()), *covariates])
    if named.keys is not None:
        return raw, {DS: [ds], Y: [y], UNIQUE_ID: list(named.keys)}
    usual = [str(name) for name in raw if str(name).lower() in _USUAL[UNIQUE_ID]][:1]
    others = [str(name) for name in raw if name not in {ds, y, *workspace.covariates.varying}]
    free = [name for name in others if _names_things(raw[name])]
    attributes = [name for name in free if name in workspace.covariates.static]
    return raw, {DS: [ds], Y: [y], UNIQUE_ID: usual or [name for name in free if name not in attributes] or attributes}


def _setting_of(column: str, workspace: Workspace) -> str:
    """The setting that names a column."""
    named, covariates = workspace.source.columns, workspace.covariates
    for setting, columns in (
        ("source.columns.ds", [named.ds]),
        ("source.columns.y", [named.y]),
        ("source.columns.keys", named.keys or ()),
        *((f"covariates.{kind}", getattr(covariates, kind)) for kind in ("future", "past", "static")),
    ):
        if column in columns:
            return setting
    return "source.columns"


def _usual(raw: pd.DataFrame, what: str, where: str, without: list[str] | None = None) -> str:
    free = [str(name) for name in raw.columns if name not in (without or [])]
    for name in _USUAL[what]:
        for column in free:
            if column.lower() == name:
                return column
    numeric = [name for name in free if _numeric(raw[name])] if what == Y else []
    if len(numeric) == 1:
        return numeric[0]
    role = "timestamp" if what == DS else "target"
    raise DataError(
        f"no column looks like the {role} (found: {', '.join(map(str, raw.columns))})",
        code="column_not_recognised",
        field=f"source.columns.{what}",
        found=list(raw.columns),
        where=where,
        remedy=f"Name it in source.columns.{what}.",
    )


def _numeric(values: pd.Series) -> bool:
    sample = values.dropna().head(1000)
    return len(sample) > 0 and bool(numbers.parse(sample).notna().mean() > 0.9)


def _names_things(values: pd.Series) -> bool:
    """Whether these values can be part of a key: text, as opposed to numbers, times or only missing values."""
    return bool(values.notna().any()) and not pd.api.types.is_datetime64_any_dtype(values) and not _numeric(values)


def _join(raw: pd.DataFrame, keys: list[str], workspace: Workspace) -> pd.Series:
    """`unique_id`: the key values joined by '/'; missing where any of them is. Without keys, the workspace's name."""
    if not keys:
        return pd.Series(workspace.name, index=raw.index, dtype="object")
    parts = [text.mask(text == "") for text in (_text(raw[key]) for key in keys)]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined + "/" + part
    if len(parts) > 1 and any(part.str.contains("/", regex=False).any() for part in parts):
        _refuse_equal_names(pd.concat(parts, axis=1, keys=keys), joined, workspace)
    unique_id: pd.Series = joined.astype("object").where(joined.notna())
    return unique_id


def _refuse_equal_names(parts: pd.DataFrame, joined: pd.Series, workspace: Workspace) -> None:
    """DataError if two keys such as a/b + c and a + b/c join to one name, since their series would be merged."""
    distinct = parts.assign(**{UNIQUE_ID: joined}).dropna().drop_duplicates()
    twice = distinct[distinct.duplicated(UNIQUE_ID, keep=False)].sort_values(UNIQUE_ID, kind="stable")
    if len(twice):
        examples = " and ".join(" + ".join(map(repr, key)) for key in twice.iloc[:2, :-1].itertuples(index=False))
        name = printable(twice[UNIQUE_ID].iloc[0])
        raise DataError(
            f"the keys {examples} both give the name '{name}'",
            code="keys_join_to_one_name",
            field="source.columns.keys",
            found=name,
            where=f"workspace {workspace.name}",
            remedy="Replace the '/' in the columns of source.columns.keys.",
        )


def _text(values: pd.Series) -> pd.Series:
    """Stripped text; whole numbers are written without a decimal point. Equal texts share memory."""
    if pd.api.types.is_float_dtype(values) and bool((values.dropna() % 1 == 0).all()):
        values = values.astype("Int64")  # a missing value had turned integers into floats
    if pd.api.types.is_object_dtype(values) and not numbers.all_text(values):
        return values.astype("string").str.strip()
    codes, distinct = pd.factorize(values)
    text: pd.Series = pd.Series(distinct).astype("string").str.strip().reindex(codes)  # the code -1 stands for missing
    return text.set_axis(values.index)


def _covariate(values: pd.Series, workspace: Workspace) -> pd.Series:
    """Numbers if every value is one, else text, which models treat as categories."""
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
        return values.astype("float64")
    parsed = numbers.parse(values, workspace.source.decimal)
    if bool((parsed.notna() | values.isna()).all()):
        return parsed
    text = _text(values)
    distinct = pd.Series(text.dropna().unique())
    truth = distinct.str.lower().map({"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0})
    if truth.isna().any():
        return text.astype("object")
    return text.astype("object").map(dict(zip(distinct, truth, strict=True))).astype("float64")


def _utc(rows: pd.DataFrame, aware: pd.Series, workspace: Workspace) -> pd.Series:
    """Timestamps of steps shorter than a day become UTC; those of days, weeks or months stay local dates."""
    local = rows[DS].mask(aware, _local_dates(rows[DS][aware], workspace.timezone))
    if workspace.frequency == "auto":
        subdaily = _steps_within_days(local, rows[UNIQUE_ID])
    else:
        subdaily = frequency.is_subdaily(workspace.frequency)
    if not subdaily:
        return local
    return rows[DS].where(aware, dates.to_utc(rows[DS][~aware], rows.loc[~aware, UNIQUE_ID], workspace.timezone))


def _local_dates(ds: pd.Series, timezone: str) -> pd.Series:
    """UTC converted to local time; if all values are midnight in UTC, they are dates and stay unchanged."""
    return ds if bool((ds == ds.dt.normalize()).all()) else dates.to_local(ds, timezone)


def _steps_within_days(local: pd.Series, unique_id: pd.Series) -> bool:
    """Whether steps are usually shorter than a day; daily readings taken at some hour do not count."""
    if bool((local == local.dt.normalize()).all()):
        return False
    stamps = pd.DataFrame({UNIQUE_ID: unique_id, DS: local}).drop_duplicates().sort_values(KEY)
    steps = stamps.groupby(UNIQUE_ID)[DS].diff()
    return bool((steps.dropna() < pd.Timedelta(hours=18)).mean() > 0.5)
