"""Requests and responses for uploads."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from backend.core.queries import In, Version
from backend.core.rate import MAX_HORIZON
from backend.core.schemas import FieldError
from backend.data.schemas import Check

NewName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"),
    Field(description="What the workspace is, or will be, called."),
]


UploadId = Annotated[Version, Field(description="An upload.")]


Column = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Mapping(In):
    """Roles of the columns; anything not given is detected by common names."""

    ds: Annotated[Column | None, Field(description="The timestamp.")] = None
    y: Annotated[Column | None, Field(description="The target.")] = None
    keys: Annotated[list[Column] | None, Field(max_length=10, description="Their values name a series.")] = None
    static: Annotated[list[Column], Field(max_length=50, description="Attributes of a series.")] = []  # noqa: RUF012 - pydantic copies it
    future: Annotated[list[Column], Field(max_length=50, description="Covariates known in advance.")] = []  # noqa: RUF012


class Shape(In):
    """Properties of a workspace, other than its table."""

    frequency: Annotated[str, Field(max_length=20, description="A pandas alias, or auto: found.")] = "auto"
    timezone: Annotated[str, Field(max_length=50, description="Of the table's times.")] = "UTC"
    title: Annotated[str, Field(max_length=200)] = ""
    unit: Annotated[str, Field(max_length=50, description="Of the target.")] = ""
    horizon: Annotated[int | None, Field(ge=1, le=MAX_HORIZON, description="Steps; without it, by frequency.")] = None


class WorkspaceIn(Shape):
    upload_id: UploadId
    mapping: Mapping = Mapping()


class UploadQuery(Mapping, Shape):
    """Lists are repeated parameters: `keys=store&keys=item`."""


class ColumnOut(BaseModel):
    """A column of an upload; `type` is the type of nine values in ten."""

    name: str
    type: Literal["number", "date", "text", "empty"]
    n_missing: int
    examples: list[str]


class MappingOut(BaseModel):
    """Roles of the columns, given or detected; null if neither."""

    ds: str | None
    y: str | None
    keys: list[str] | None
    static: list[str]
    future: list[str]


class RejectedRow(BaseModel):
    """A rejected row. `row` counts from 1 below the header."""

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
    """Preview of an upload, as far as it can be parsed; null for stages that were not reached.

    `acceptable`: whether it can become a workspace as it is. If not, each of `problems` names the parameter, or `file`,
    the value found and what to do. `settings` is the content of the workspace's file.
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
    settings: dict[str, object] | None
