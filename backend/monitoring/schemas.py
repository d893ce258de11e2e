"""Requests and responses for monitoring."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from backend.core.paging import Page
from backend.core.queries import In, Paged, SeriesId
from pipelines.forecasting.monitoring.alerts import AlertOut
from pipelines.forecasting.monitoring.alerts import Kind as AlertKind
from pipelines.forecasting.read.monitoring import SORTS as MONITORED_SORTS
from pipelines.forecasting.read.monitoring_rows import Kind, MonitoredSeries, SeriesDetail, Status

MonitoredSort = Literal["severity", "name", "error", "drift", "bias"]


AlertId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$"), Field(description="As GET /alerts has it.")]


assert MonitoredSort.__args__ == MONITORED_SORTS  # type: ignore[attr-defined] # noqa: S101


class MonitoredQuery(Paged):
    unique_id: SeriesId | None = None
    search: Annotated[str, StringConstraints(max_length=300), Field(description="A part of the name, in any case.")] = (
        ""
    )
    status: Status | None = None
    kind: Annotated[
        Kind | None,
        Field(description="The kind of check that `status` is about; without it, the most severe status of all."),
    ] = None
    sort: Annotated[MonitoredSort, Field(description="The worst first.")] = "severity"


class AlertsQuery(Paged):
    state: Annotated[Literal["open", "acknowledged"] | None, Field(description="Whether somebody has seen it.")] = None
    kind: AlertKind | None = None

    def keeps(self, alert: AlertOut) -> bool:
        """Whether an alert matches the query."""
        state = "open" if alert["acknowledged"] is None else "acknowledged"
        return self.state in (None, state) and self.kind in (None, alert["kind"])


class AcknowledgeIn(In):
    note: Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)] = ""


class MonitoredPage(Page[MonitoredSeries]):
    workspace: str
    monitoring_id: str
    as_of: str
    detail: SeriesDetail | None


class AlertsOut(Page[AlertOut]):
    """A page of alerts. `open`: all unacknowledged alerts of the workspace, regardless of filters."""

    workspace: str
    open: int
