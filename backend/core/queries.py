"""Base models of queries and bodies."""

from datetime import date, datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from backend.core.rate import MAX_PAGE, MAX_SERIES

T = TypeVar("T")


def said(most: int) -> StringConstraints:
    """Free text of at most `most` characters; the pattern shows in the schema that blank text is rejected."""
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
    """The requested part of a list."""

    limit: Limit = 50
    offset: Offset = 0

    def cut(self, rows: list[T]) -> list[T]:
        """The requested part of all rows."""
        return rows[self.offset : self.offset + self.limit]


class Paged(PageQuery, Of):
    pass


class Filtered(Of):
    """Filters: any static attribute of the workspace, demand_class, model, status and, once monitoring has run,
    monitored.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    search: Annotated[str, Field(max_length=300, description="Part of the name, in any case.")] = ""


class FilteredPage(PageQuery, Filtered):
    pass


def filters_of(query: Filtered) -> dict[str, str]:
    """The extra fields of a query, which are its filters."""
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
