"""What goes out about monitoring, as the OpenAPI shows it."""

from collections import abc
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from backend.core.queries import (
    In,
    Paged,
    SeriesId,
)
from backend.core.schemas import Stamp
from pipelines.forecasting.monitoring.alerts import Kind as AlertKind
from pipelines.forecasting.read.monitoring import SORTS as MONITORED_SORTS
from pipelines.forecasting.read.monitoring import Kind, Status
from pipelines.forecasting.read.monitoring import Status as Grade

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

    def keeps(self, alert: abc.Mapping[str, Any]) -> bool:
        """Whether an alert is asked for."""
        state = "open" if alert["acknowledged"] is None else "acknowledged"
        return self.state in (None, state) and self.kind in (None, alert["kind"])


class AcknowledgeIn(In):
    note: Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)] = ""


class Counts(BaseModel):
    """How many series have each status."""

    insufficient: int
    ok: int
    warn: int
    alert: int


class WindowRow(BaseModel):
    """A metric over the newest `window` horizons of `n` forecast sets, beside that of the backtest.

    WAPE, skill and coverage are fractions, 0.801 = 80.1 %. The status of the bias is that of its CUSUM, which goes on from
    one forecast set to the next.
    """

    window: int
    metric: str
    value: float | None
    baseline: float | None
    status: Grade
    n: int
    p_value: float | None


class GroupRow(WindowRow):
    """The mean over the series of a group; `by` is `all` or an attribute."""

    by: str
    group: str


class FeatureDrift(Counts):
    """How a feature stands over all series."""

    feature: str
    n_series: int
    psi_median: float | None
    psi_largest: float | None


class CheckOut(BaseModel):
    """A check of the data; `value` and `limit` are shares as fractions (0.1 = 10 %), of the freshness days."""

    name: str
    status: Grade
    message: str
    value: float | None
    limit: float | None
    count: int
    examples: list[str]


class Comparison(BaseModel):
    """The run `run_id` against the one before it by their mean MASE on the same actuals; `ratio` over 1: worse."""

    alias: str
    run_id: str
    other_run_id: str
    worse: bool
    why: str
    ratio: float | None
    p_value: float | None
    blocks: int
    error: float | None
    other_error: float | None
    n_series: int


class PastStatus(BaseModel):
    """How a monitoring stood, and how many alerts it raised."""

    monitoring_id: str
    at: str
    as_of: str
    status: Grade
    counts: dict[str, Counts]
    raised: int


class Origin(BaseModel):
    """A forecast set that was judged by the actuals up to `until`: each metric, and the same of the backtest.

    `wape` and `coverage_<level>` are fractions, 0.801 = 80.1 %.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float | None]
    cutoff: Stamp
    until: Stamp
    steps: int


class MonitoringOut(BaseModel):
    """`status`: that of the workspace's means, data and runs, and alert if more series are than chance explains. `timeline`:
    means over all series, forecast set by forecast set."""

    workspace: str
    monitoring_id: str
    at: str
    as_of: str
    run_id: str
    data_version: str
    status: Grade
    n_series: int
    counts: dict[str, Counts]
    accuracy: list[GroupRow]
    drift: list[FeatureDrift]
    health: list[CheckOut]
    comparisons: list[Comparison]
    timeline: list[Origin]
    history: list[PastStatus]
    report: bool


class DriftRow(BaseModel):
    """A feature of a series: its PSI, and the threshold that knows the sizes of both samples."""

    feature: str
    psi: float | None
    threshold: float | None
    n_reference: int
    n_current: int
    status: Grade
    p_value: float | None


class MonitoredSeries(BaseModel):
    """A series over the longest window. `wape`, `skill` and `coverage` by level are fractions, 0.801 = 80.1 %.

    `lean`: the CUSUM of its bias, positive: under-forecast. `feature`, `psi` and `threshold`: of the feature that exceeds
    its threshold most.
    """

    unique_id: str
    status: Grade
    since: Stamp | None
    statuses: dict[str, Grade]
    n_origins: int | None
    mae: float | None
    mae_baseline: float | None
    mase: float | None
    mase_baseline: float | None
    wape: float | None
    wape_baseline: float | None
    skill: float | None
    skill_baseline: float | None
    bias: float | None
    bias_baseline: float | None
    coverage: dict[str, float | None]
    coverage_baseline: dict[str, float | None]
    lean: float | None
    feature: str | None
    psi: float | None
    threshold: float | None
    drift: list[DriftRow]


class SeriesDetail(BaseModel):
    accuracy: list[WindowRow]
    origins: list[Origin]


class MonitoredPage(BaseModel):
    workspace: str
    monitoring_id: str
    as_of: str
    total: int
    limit: int
    offset: int
    series: list[MonitoredSeries]
    detail: SeriesDetail | None


class Acknowledged(BaseModel):
    at: str
    by: str
    note: str


class Sent(BaseModel):
    """Whether the webhook took it, or it was given up."""

    at: str
    delivered: bool


class AlertOut(BaseModel):
    """Something that began at `as_of`. `named`: the series, groups or runs that it is about, the worst first, at most 50.

    `figures` of coverage are fractions, 0.801 = 80.1 %.
    """

    id: str
    at: str
    workspace: str
    kind: AlertKind
    subject: str
    as_of: str
    severity: Literal["warn", "alert"]
    message: str
    named: list[str]
    figures: list[dict[str, Any]]
    acknowledged: Acknowledged | None
    sent: Sent | None


class AlertsOut(BaseModel):
    """`open`: how many nobody has seen yet, whatever was asked for."""

    workspace: str
    open: int
    total: int
    limit: int
    offset: int
    alerts: list[AlertOut]
