"""Quality checks of a cleaned panel with status (pass, warn or fail), counts and examples."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import pandas as pd

from pipelines.core.documents import Json
from pipelines.core.errors import DataError, DataErrors
from pipelines.core.figures import percent
from pipelines.forecasting.etl.clean import MODAL, Cleaned
from pipelines.forecasting.etl.profile import within
from pipelines.forecasting.etl.rejected import REASON, REMEDY, ROW, explain
from pipelines.forecasting.settings import Workspace
from pipelines.tables.schema import DS, KEY, UNIQUE_ID, Y

Status = Literal["pass", "warn", "fail"]
_EXAMPLES = 5
_REMEDY = "Correct it at its source and bring the data in again."


@dataclass(frozen=True)
class Check:
    """A quality check: `count` of `total` items are affected; `examples` are some of them, as text. `remedy`: what to
    do.
    """

    name: str
    status: Status
    message: str
    count: int = 0
    total: int = 0
    examples: tuple[str, ...] = ()
    remedy: str = ""

    @property
    def text(self) -> str:
        """The message and what to do."""
        return f"{self.message} {self.remedy}".rstrip()

    def error(self, remedy: str = "") -> DataError:
        """The check as an error, with `remedy` in place of its own if given."""
        told = f"{self.name}: {self.message}".removesuffix(".")
        affected = {"check": self.name, "count": self.count, "total": self.total}
        return DataError(told, code="check_failed", found=affected, remedy=remedy or self.remedy or _REMEDY)

    def as_json(self) -> Json:
        """The check as it is stored and shown; its `message` includes the remedy."""
        return {name: value for name, value in asdict(replace(self, message=self.text)).items() if name != "remedy"}


@dataclass(frozen=True)
class Quality:
    """The checks of one data version."""

    checks: tuple[Check, ...]
    counts: dict[str, int]

    @property
    def status(self) -> Status:
        """The worst status of all checks."""
        statuses = {check.status for check in self.checks}
        return "fail" if "fail" in statuses else "warn" if "warn" in statuses else "pass"

    def as_json(self) -> Json:
        return {"status": self.status, "counts": {**self.counts}, "checks": [check.as_json() for check in self.checks]}

    def raise_on_failure(self, where: str) -> None:
        """Raises DataError with every failed check and the location of the report."""
        if failed := [check for check in self.checks if check.status == "fail"]:
            head = f"the data failed {len(failed)} of {len(self.checks)} checks"
            raise DataErrors(head, [one.error() for one in failed], code="checks_failed", remedy=f"Report: {where}")


def check(
    cleaned: Cleaned, series: pd.DataFrame, rejected: pd.DataFrame, workspace: Workspace, as_of: pd.Timestamp
) -> Quality:
    """Runs every check; `workspace` is complete (no `auto`). Nothing is changed or dropped here."""
    needed = [*KEY, Y, *workspace.covariates.varying]
    inside = within(cleaned.observations[needed], cleaned.spans)
    checks = (
        _schema(cleaned.observations),
        _rejected(rejected, cleaned.counts, workspace),
        _balance(cleaned),
        _duplicates(cleaned, workspace),
        _grid(cleaned, inside),
        _gaps(inside, cleaned, workspace),
        _length(series, workspace),
        _flat(series),
        _outliers(series),
        _launches(series),
        _incomplete(cleaned),
        _freshness(series, workspace, as_of),
        *_covariates(cleaned, inside, workspace),
    )
    return Quality(checks, cleaned.counts)


def _schema(observations: pd.DataFrame) -> Check:
    """Types and keys, by pandera."""
    import pandera.pandas as pa

    schema = pa.DataFrameSchema(
        {
            UNIQUE_ID: pa.Column(object, pa.Check(lambda name: name != "", name="not empty"), nullable=False),
            DS: pa.Column("datetime64[ns]", nullable=False),
            Y: pa.Column(float, pa.Check(lambda y: y.abs() < float("inf"), name="finite"), nullable=True),
        },
        unique=KEY,
    )
    try:
        schema.validate(observations[[*KEY, Y]], lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        shown = tuple(f"{row.column}: {row.check} ({row.failure_case})" for row in cases.head(_EXAMPLES).itertuples())
        broken = max(1, cases["index"].nunique())  # type errors refer to no row
        return Check("schema", "fail", f"{broken:,} rows break the table's contract.", broken, len(observations), shown)
    return Check("schema", "pass", "types, keys and ranges are as the tables promise.", 0, len(observations))


def _rejected(rejected: pd.DataFrame, counts: dict[str, int], workspace: Workspace) -> Check:
    total, count = counts["rows_in"], len(rejected)
    if not count:
        return Check("rejected", "pass", "every row could be read.", 0, total)
    share = count / total
    status: Status = "fail" if share > workspace.quality.max_rejected else "warn"
    limit = (
        f" More than quality.max_rejected = {percent(workspace.quality.max_rejected)} allows."
        if status == "fail"
        else ""
    )
    columns = [str(name) for name in rejected if name not in (ROW, REASON)]
    message = f"{count:,} of {total:,} rows ({percent(share)}).{limit} {explain(rejected, *columns[:3])}."
    examples = tuple(
        f"row {row}: {reason}" for row, reason in rejected[[ROW, REASON]].head(_EXAMPLES).itertuples(index=False)
    )
    return Check("rejected", status, message, count, total, examples, REMEDY)


def _balance(cleaned: Cleaned) -> Check:
    counts = cleaned.counts
    lost = counts["rows_in"] - counts["rows_kept"] - counts["rows_merged"] - counts["rows_rejected"]
    text = "{rows_in:,} in = {rows_kept:,} kept + {rows_merged:,} merged + {rows_rejected:,} rejected.".format(**counts)
    return Check("balance", "fail" if lost else "pass", text, abs(lost), counts["rows_in"])


def _duplicates(cleaned: Cleaned, workspace: Workspace) -> Check:
    duplicates, merged = cleaned.counts["duplicate_keys"], cleaned.counts["rows_merged"]
    message = f"{duplicates:,} rows repeat a series and timestamp; {merged:,} rows were merged by {workspace.target.aggregate}."
    return Check("duplicates", "warn" if duplicates else "pass", message, duplicates, cleaned.counts["rows_in"])


def _grid(cleaned: Cleaned, inside: pd.DataFrame) -> Check:
    moved = cleaned.counts["rows_moved_onto_grid"]
    message = f"{moved:,} rows lay off the {cleaned.frequency} grid and were moved onto it."
    if cleaned.odd_series:
        message += f" {len(cleaned.odd_series):,} series step more widely than the grid."
    status: Status = "warn" if cleaned.odd_series else "pass"
    return Check("grid", status, message, moved, len(inside), cleaned.odd_series[:_EXAMPLES])


def _gaps(inside: pd.DataFrame, cleaned: Cleaned, workspace: Workspace) -> Check:
    empty = inside[inside[Y].isna()]
    filled = cleaned.counts["rows_filled"]
    share = max(len(empty), filled) / max(len(inside), 1)  # an added step that was left empty counts once
    guessed = cleaned.notes["frequency"] == MODAL and share > 0.5
    status: Status = "fail" if guessed else "warn" if share > workspace.quality.max_gaps else "pass"
    message = f"{filled:,} steps were missing (policy: {workspace.missing.gaps}); {len(empty):,} of {len(inside):,} are empty now."
    if guessed:
        message += f" The frequency {cleaned.frequency} is a guess from the most common step."
    remedy = "Set frequency in the workspace file." if guessed else ""
    return Check("gaps", status, message, filled, len(inside), _some(empty[UNIQUE_ID].unique()), remedy)


def _length(series: pd.DataFrame, workspace: Workspace) -> Check:
    horizon, longest = workspace.horizon or 1, int(series["n"].max())
    if longest < horizon + 2:
        message = (
            f"the horizon of {horizon} steps is longer than the history allows: the longest series has {longest} "
            "observations."
        )
        remedy = f"Set horizon to at most {max(1, longest - 2)}, or bring more history."
        return Check("length", "fail", message, len(series), len(series), remedy=remedy)
    short = series[series["n"] < horizon + 2]
    message = f"{len(short):,} series are too short to be backtested over {horizon} steps; they are kept and marked."
    return Check("length", "warn" if len(short) else "pass", message, len(short), len(series), _some(short[UNIQUE_ID]))


def _flat(series: pd.DataFrame) -> Check:
    flat = series[series["constant"] | series["demand_class"].eq("empty")]
    message = f"{len(flat):,} series never change or hold no target."
    return Check("constant", "warn" if len(flat) else "pass", message, len(flat), len(series), _some(flat[UNIQUE_ID]))


def _outliers(series: pd.DataFrame) -> Check:
    rows = series[series["n_outliers"] > 0]
    count = int(series["n_outliers"].sum())
    message = f"{count:,} values lie far outside their series' usual range; they are flagged, not changed."
    return Check(
        "outliers", "warn" if count else "pass", message, count, int(series["n"].sum()), _some(rows[UNIQUE_ID])
    )


def _launches(series: pd.DataFrame) -> Check:
    late = series[series["leading_zeros"] > 0]
    message = f"{len(late):,} series begin with zeros; these count as not launched and are left out of training."
    return Check("launches", "pass", message, len(late), len(series), _some(late[UNIQUE_ID]))


def _incomplete(cleaned: Cleaned) -> Check:
    step = cleaned.notes.get("incomplete_period")
    if step is None:
        return Check("incomplete_period", "pass", "the last period is complete.")
    count = cleaned.counts["incomplete_rows"]
    return Check("incomplete_period", "warn", f"the period {step} is not complete and is left out of training.", count)


def _freshness(series: pd.DataFrame, workspace: Workspace, as_of: pd.Timestamp) -> Check:
    last = series["last_ds"].max()
    if pd.isna(last):
        return Check("freshness", "fail", "no period is complete yet.", remedy="Bring more history.")
    age, limit = max(0, (as_of - last).days), workspace.quality.max_age_days
    stale = limit is not None and age > limit
    allowed = f" Older than quality.max_age_days = {limit}." if stale else ""
    return Check(
        "freshness",
        "warn" if stale else "pass",
        f"the newest value is of {last:%Y-%m-%d}, {age:,} days old.{allowed}",
        age,
    )


def _covariates(cleaned: Cleaned, inside: pd.DataFrame, workspace: Workspace) -> Iterator[Check]:
    for name in workspace.covariates.varying:
        empty = int(inside[name].isna().sum())
        status: Status = "fail" if empty == len(inside) else "warn" if empty else "pass"
        yield Check(
            f"covariate {name}", status, f"{empty:,} of {len(inside):,} steps have no value.", empty, len(inside)
        )
    for name in workspace.covariates.static:
        values = cleaned.observations[[UNIQUE_ID, name]].drop_duplicates().groupby(UNIQUE_ID)[name].nunique()
        changing = values[values > 1]
        message = f"{len(changing):,} series change this attribute; the first value is used."
        yield Check(
            f"attribute {name}",
            "warn" if len(changing) else "pass",
            message,
            len(changing),
            len(values),
            _some(changing.index),
        )


def _some(names: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in list(names)[:_EXAMPLES])
