"""What comes in, as the OpenAPI shows it."""

from collections import abc
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from backend.copilot.knowledge.sources import Kind as SourceKind
from backend.job import Kind as JobKind
from backend.limits import MAX_HORIZON, MAX_PAGE, MAX_SERIES
from pipelines.monitoring.alerts import Kind as AlertKind
from pipelines.read.monitoring import SORTS as MONITORED_SORTS
from pipelines.read.monitoring import Kind, Status
from pipelines.read.series import SORTS


def said(most: int) -> StringConstraints:
    """Somebody's words, at most so many characters; the pattern tells readers of the schema that blanks are none."""
    return StringConstraints(min_length=1, max_length=most, strip_whitespace=True, pattern=r"\S")


WorkspaceName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"), Field(description="A configured workspace.")
]
NewName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"),
    Field(description="What the workspace is, or will be, called."),
]
SeriesId = Annotated[
    str,
    StringConstraints(min_length=1, max_length=300),
    Field(description="The values of the key columns joined by `/`; percent-encoded in a path."),
]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$")]
RunId = Annotated[Version, Field(description="A finished run.")]
UploadId = Annotated[Version, Field(description="An upload.")]
JobId = Annotated[Version, Field(description="A job.")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Level = Annotated[int, Field(ge=1, le=99)]
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE)]
Offset = Annotated[int, Field(ge=0, le=10_000_000)]
Sort = Literal["name", "-name", "skill", "-skill", "error", "-error", "last_value", "-last_value"]
By = Literal["series", "model", "horizon", "cutoff"]
MonitoredSort = Literal["severity", "name", "error", "drift", "bias"]
RunStatus = Literal["success", "failed"]
Moment = Annotated[
    datetime | date, Field(union_mode="left_to_right", description="A date, or a time; without an offset, local time.")
]
assert set(Sort.__args__) == {sign + name for name in SORTS for sign in ("", "-")}  # type: ignore[attr-defined] # noqa: S101

assert MonitoredSort.__args__ == MONITORED_SORTS  # type: ignore[attr-defined] # noqa: S101


class In(BaseModel):
    """What comes from outside: nothing that is not known, so that a slip of the pen is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Of(In):
    workspace: WorkspaceName


class Paged(Of):
    limit: Limit = 50
    offset: Offset = 0


class PageQuery(In):
    limit: Limit = 50
    offset: Offset = 0


class Filtered(Of):
    """Any static attribute of the workspace may stand beside these as a filter, as may demand_class, model, status and, once
    monitoring has looked, monitored."""

    model_config = ConfigDict(extra="allow", frozen=True)
    search: Annotated[str, Field(max_length=300, description="Part of the name, in any case.")] = ""


def filters_of(query: Filtered) -> dict[str, str]:
    """The attributes that stand beside what a query knows."""
    return {name: str(value) for name, value in (query.model_extra or {}).items()}


class PortfolioQuery(Filtered):
    limit: Limit = 50
    offset: Offset = 0


class TriageQuery(PortfolioQuery):
    needs_attention: Annotated[bool, Field(description="List only the series that need attention.")] = False


class SegmentsQuery(Paged):
    by: Annotated[Name, Field(description="A static attribute, demand_class, model or status.")]


class DistributionQuery(Filtered):
    of: Literal["error", "skill", "last_value"] = "error"
    bins: Annotated[int, Field(ge=5, le=100)] = 40


class SeriesQuery(PortfolioQuery):
    sort: Annotated[Sort, Field(description="With a minus: descending. What is not known comes last.")] = "name"


class HistoryQuery(Of):
    start: Moment | None = None
    end: Moment | None = None


class ForecastQuery(Of):
    unique_id: SeriesId
    forecast_id: Annotated[Version | None, Field(description="An earlier forecast set; without it, the published.")] = (
        None
    )


class BacktestQuery(Of):
    model: Name | None = None
    run_id: Annotated[RunId | None, Field(description="Without it, the production run.")] = None


class MetricsQuery(Paged):
    unique_id: SeriesId | None = None
    model: Name | None = None
    metric: Annotated[Name | None, Field(description="Without it, the metric that chose the champions.")] = None
    by: By = "model"
    run_id: Annotated[RunId | None, Field(description="Without it, the production run.")] = None


AlertId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$"), Field(description="As GET /alerts has it.")]


class MonitoredQuery(Paged):
    unique_id: SeriesId | None = None
    search: Annotated[str, StringConstraints(max_length=300), Field(description="A part of the name, in any case.")] = (
        ""
    )
    status: Status | None = None
    kind: Annotated[Kind | None, Field(description="Of which kind `status` is; without it, the gravest of all.")] = None
    sort: Annotated[MonitoredSort, Field(description="The worst first.")] = "severity"


class AlertsQuery(Paged):
    state: Annotated[Literal["open", "acknowledged"] | None, Field(description="Whether somebody has seen it.")] = None
    kind: AlertKind | None = None

    def keeps(self, alert: abc.Mapping[str, Any]) -> bool:
        """Whether an alert is asked for."""
        state = "open" if alert["acknowledged"] is None else "acknowledged"
        return self.state in (None, state) and self.kind in (None, alert["kind"])


class AcknowledgeIn(In):
    note: Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)] = ""


class RunsQuery(Paged):
    status: RunStatus | None = None


class CompareQuery(Of):
    a: RunId
    b: RunId


def _distinct(values: list[str]) -> list[str]:
    if len(set(values)) < len(values):
        raise ValueError("name each series once")
    return values


Series = Annotated[
    list[SeriesId],
    Field(min_length=1, max_length=MAX_SERIES, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_distinct),
]


class MetricsIn(Paged):
    """The same for several series."""

    unique_ids: Series | None = None
    model: Name | None = None
    metric: Name | None = None
    by: By = "model"
    run_id: RunId | None = None


class FutureRow(BaseModel):
    """Values of future covariates at one step, for one series or, without a name, for all that are asked for."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, float | str | bool | None]
    unique_id: SeriesId | None = None
    ds: Moment


class GenerateIn(Of):
    unique_ids: Series
    horizon: Annotated[int | None, Field(ge=1, le=MAX_HORIZON, description="Steps; without it, the run's.")] = None
    levels: Annotated[list[Level] | None, Field(min_length=1, max_length=10)] = None
    model: Annotated[
        Name | None, Field(description="A model that the run has fitted to the series, its champion or the baseline.")
    ] = None
    future: Annotated[
        list[FutureRow] | None,
        Field(min_length=1, max_length=MAX_SERIES * MAX_HORIZON, description="What if: replaces known covariates."),
    ] = None


class JobIn(Of):
    kind: Annotated[
        JobKind, Field(description="run_all: what is not up to date of etl, train, inference and monitoring.")
    ]


class JobQuery(In):
    workspace: Annotated[WorkspaceName | None, Field(description="Without it, all are looked through.")] = None


Column = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Mapping(In):
    """Which column is what; what is not said is found by usual names."""

    ds: Annotated[Column | None, Field(description="The timestamp.")] = None
    y: Annotated[Column | None, Field(description="The target.")] = None
    keys: Annotated[list[Column] | None, Field(max_length=10, description="Their values name a series.")] = None
    static: Annotated[list[Column], Field(max_length=50, description="Attributes of a series.")] = []
    future: Annotated[list[Column], Field(max_length=50, description="Covariates known ahead.")] = []


class Shape(In):
    """What a workspace is, beside its table."""

    frequency: Annotated[str, Field(max_length=20, description="A pandas alias, or auto: found.")] = "auto"
    timezone: Annotated[str, Field(max_length=50, description="Of the table's times.")] = "UTC"
    title: Annotated[str, Field(max_length=200)] = ""
    unit: Annotated[str, Field(max_length=50, description="Of the target.")] = ""
    horizon: Annotated[int | None, Field(ge=1, le=MAX_HORIZON, description="Steps; without it, by frequency.")] = None


class UploadQuery(Mapping, Shape):
    """Lists are repeated parameters: `keys=store&keys=item`."""


class WorkspaceIn(Shape):
    upload_id: UploadId
    mapping: Mapping = Mapping()


SourceId = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{16}$"), Field(description="As GET /knowledge/sources has it.")
]


class SourcesQuery(Paged):
    kind: SourceKind | None = None


class NoteQuery(Of):
    name: Annotated[
        str,
        StringConstraints(pattern=r"^[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]{0,99}$"),
        Field(description="What people call it, such as the name of the file."),
    ]


class SearchQuery(Of):
    q: Annotated[str, Field(min_length=1, max_length=1000, description="A question, or words of it.")]
    limit: Annotated[int, Field(ge=1, le=50)] = 5


class AliasIn(In):
    run_id: RunId
    reason: Annotated[str, said(500)]
