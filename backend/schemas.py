"""What goes out, as the OpenAPI shows it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backend.job import Kind, State, Unknown
from backend.queries import By
from pipelines.read.monitoring import Status as Grade
from pipelines.read.series import Status

Stamp = Annotated[
    str, Field(description="A date for steps of a day or more, else a time with the offset of the workspace's zone.")
]


class Point(BaseModel):
    """One step: the forecast and the bounds of each level; null where a bound is not supported."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float | None]
    ds: Stamp
    y_hat: float | None


class SeriesForecast(BaseModel):
    unique_id: str
    model: str
    points: list[Point]


class ForecastsOut(BaseModel):
    workspace: str
    run_id: str
    forecast_id: str | None
    as_of: str
    unit: str
    source: Literal["published", "computed"]
    forecasts: list[SeriesForecast]


class ComponentsPoint(BaseModel):
    ds: Stamp
    components: dict[str, float | None]


class BridgePoint(BaseModel):
    ds: Stamp
    parts: dict[str, float | None]


class Bridge(BaseModel):
    """Why the forecast differs from the one before: `parts` sum to the change of each step that both have, `totals` to that
    of all of them.
    """

    since: str | None
    notes: list[str]
    points: list[BridgePoint]
    totals: dict[str, float]


class ExplanationOut(BaseModel):
    """`components` sum to `y_hat` a step; null for forecast sets from before there were explanations.

    `totals` are over the steps of which all is known: sums, or means where `aggregate` is not `sum`.
    """

    workspace: str
    run_id: str
    forecast_id: str
    unique_id: str
    model: str
    unit: str
    aggregate: str
    method: Literal["exact", "descriptive"] | None
    points: list[ComponentsPoint]
    totals: dict[str, float]
    bridge: Bridge


class HistoryPoint(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float | str | bool | None]
    ds: Stamp
    y: float | None


class HistoryOut(BaseModel):
    workspace: str
    data_version: str
    unique_id: str
    unit: str
    points: list[HistoryPoint]


class SeriesOut(BaseModel):
    unique_id: str
    attributes: dict[str, Any]
    first_ds: Stamp | None
    last_ds: Stamp | None
    last_value: float | None
    n: int
    n_missing: int
    share_zero: float | None
    demand_class: str
    seasonal_strength: float | None
    trend_strength: float | None
    model: str | None
    metric: str | None
    error: float | None
    skill: float | None
    runner_up: str | None
    status: Status
    monitored: Annotated[Grade | None, Field(description="How monitoring says it stands; null: it did not look.")]


class BacktestPoint(BaseModel):
    """One step of one window: actual, forecast and the bounds of each level; `error` = actual − forecast."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float | None]
    cutoff: Stamp
    ds: Stamp
    model: str
    step: int
    y: float | None
    y_hat: float | None
    error: float | None


class BacktestOut(BaseModel):
    workspace: str
    run_id: str
    unique_id: str
    unit: str
    points: list[BacktestPoint]


class SeriesPage(BaseModel):
    workspace: str
    data_version: str
    run_id: str | None
    filters: list[str]
    total: int
    limit: int
    offset: int
    series: list[SeriesOut]


class Accuracy(BaseModel):
    """Means over the series of a run's backtest."""

    metric: str
    champion: float | None
    baseline: float | None
    skill: float | None
    coverage: dict[str, float | None]


class WorkspaceOut(BaseModel):
    """`status`: `no data`, `no run`, `no forecasts`, `ready`, or `unreadable` where stored files are damaged.

    `reason`: why it is unreadable, and what to do. `age_days`: since the newest value; `stale`: two more steps, or days where these are longer, should have come by now.
    `target`: the name of what is forecast, as the configuration has it. `open_alerts`: alerts that are unacknowledged, and
    `worst_alert` the severity of the most severe of them; null where the log of alerts cannot be read.
    """

    name: str
    title: str
    status: Literal["no data", "no run", "no forecasts", "ready", "unreadable"]
    reason: str | None = None
    frequency: str | None
    timezone: str | None
    target: str | None
    unit: str | None
    horizon: int | None
    aggregate: str | None
    levels: list[int] | None
    models: list[str] | None
    n_series: int | None
    last_ds: Stamp | None
    age_days: float | None
    stale: bool | None
    data_version: str | None
    production_run: str | None
    forecast_id: str | None
    as_of: str | None
    synthetic: bool | None
    accuracy: Accuracy | None
    open_alerts: int | None
    worst_alert: Literal["warn", "alert"] | None


class WorkspacesOut(BaseModel):
    total: int
    workspaces: list[WorkspaceOut]


class MetricRow(BaseModel):
    """The mean of the known values of a group, and their number; `horizon` is the step ahead, from 1."""

    unique_id: str | None = None
    model: str
    cutoff: Stamp | None = None
    horizon: int | None = None
    value: float | None
    n: int


class MetricsOut(BaseModel):
    workspace: str
    run_id: str
    metric: str
    by: By
    total: int
    limit: int
    offset: int
    rows: list[MetricRow]


class Progress(BaseModel):
    """Where the script is; `done` and `total` where it counts."""

    stage: str
    done: int | None
    total: int | None


class JobOut(BaseModel):
    """`error`: what went wrong, in words. `kind` is `unknown` where the record of the job is damaged."""

    model_config = ConfigDict(from_attributes=True)
    job_id: str
    workspace: str
    kind: Kind | Unknown
    state: State
    by: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    progress: Progress | None
    error: str | None


class LogLine(BaseModel):
    """A line that the script has printed, with its facts."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Any]
    timestamp: str = ""
    level: str = ""
    event: str


class JobDetail(JobOut):
    log: list[LogLine]


class JobsOut(BaseModel):
    workspace: str
    total: int
    limit: int
    offset: int
    jobs: list[JobOut]


class FieldError(BaseModel):
    field: str
    message: str


class HealthOut(BaseModel):
    status: Literal["ok"]
    version: str
    checks: list[dict[str, Any]] = []


class MeOut(BaseModel):
    """Whose the key is; without keys, `local` with every role."""

    name: str
    role: str
    roles: list[str]


class ProblemOut(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FieldError] = []
