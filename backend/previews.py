"""What goes out about an upload, as the OpenAPI shows it."""

from typing import Any, Literal

from pydantic import BaseModel

from backend.checks import Check
from backend.schemas import FieldError


class ColumnOut(BaseModel):
    """A column of an upload; `type` is what nine of ten values are."""

    name: str
    type: Literal["number", "date", "text", "empty"]
    n_missing: int
    examples: list[str]


class MappingOut(BaseModel):
    """Which column is what, as given or found; null where neither."""

    ds: str | None
    y: str | None
    keys: list[str] | None
    static: list[str]
    future: list[str]


class RejectedRow(BaseModel):
    """`row` counts from 1 below the header."""

    row: int
    reason: str
    values: dict[str, str | None]


class PreviewRejected(BaseModel):
    count: int
    reasons: dict[str, int]
    rows: list[RejectedRow]


class PreviewChecks(BaseModel):
    status: Literal["pass", "warn", "fail"]
    counts: dict[str, int]
    checks: list[Check]


class PreviewOut(BaseModel):
    """What an upload is, as far as it can be understood; null is what was not reached.

    `acceptable`: it can become a workspace as it is. If not, each of `problems` names the parameter, or `file`, what was found
    and what to do. `settings` is what the workspace's file would say.
    """

    workspace: str
    upload_id: str
    acceptable: bool
    problems: list[FieldError]
    encoding: str | None
    separator: str | None
    n_rows: int | None
    n_columns: int | None
    columns: list[ColumnOut]
    rows: list[dict[str, str | None]]
    mapping: MappingOut
    notes: list[str]
    frequency: str | None
    horizon: int | None
    n_series: int | None
    first_ds: str | None
    last_ds: str | None
    rejected: PreviewRejected
    quality: PreviewChecks | None
    demand_classes: dict[str, int]
    settings: dict[str, Any] | None
