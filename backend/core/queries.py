"""What comes in, as the OpenAPI shows it."""

from datetime import date, datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from backend.core.rate import MAX_PAGE, MAX_SERIES

T = TypeVar("T")


def said(most: int) -> StringConstraints:
    """Somebody's words, at most so many characters; the pattern tells readers of the schema that blanks are none."""
    return StringConstraints(min_length=1, max_length=most, strip_whitespace=True, pattern=r"\S")


WORKSPACE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
WorkspaceName = Annotated[str, StringConstraints(pattern=WORKSPACE_NAME), Field(description="A configured workspace.")]
SeriesId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=300),
    Field(description="The values of the key columns joined by `/`; percent-encoded in a path."),
]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$")]
RunId = Annotated[Version, Field(description="A finished run.")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE)]
Offset = Annotated[int, Field(ge=0, le=10_000_000)]
Moment = Annotated[
    datetime | date, Field(union_mode="left_to_right", description="A date, or a time; without an offset, local time.")
]


class In(BaseModel):
    """Parameters or a body from outside. Unknown fields are rejected, so typos are reported."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Of(In):
    workspace: WorkspaceName


class PageQuery(In):
    """Which part of a list is asked for."""

    limit: Limit = 50
    offset: Offset = 0

    def cut(self, rows: list[T]) -> list[T]:
        """That part of all rows."""
        return rows[self.offset : self.offset + self.limit]


class Paged(PageQuery, Of):
    pass


class Filtered(Of):
    """Any static attribute of the workspace may stand beside these as a filter, as may demand_class, model, status and, once
    monitoring has looked, monitored."""

    model_config = ConfigDict(extra="allow", frozen=True)
    search: Annotated[str, Field(max_length=300, description="Part of the name, in any case.")] = ""


class FilteredPage(PageQuery, Filtered):
    pass


def filters_of(query: Filtered) -> dict[str, str]:
    """The attributes that stand beside what a query knows."""
    return {name: str(value) for name, value in (query.model_extra or {}).items()}


def _distinct(values: list[str]) -> list[str]:
    if len(set(values)) < len(values):
        raise ValueError("name each series once")
    return values


Series = Annotated[
    list[SeriesId],
    Field(min_length=1, max_length=MAX_SERIES, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_distinct),
]
