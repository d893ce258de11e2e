"""What is asked of series, and what is answered."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backend.core.queries import (
    FilteredPage,
    Moment,
    Name,
    Of,
    RunId,
)
from backend.core.schemas import Stamp
from pipelines.forecasting.read.monitoring import Status as Grade
from pipelines.forecasting.read.series import SORTS, Status

Sort = Literal["name", "-name", "skill", "-skill", "error", "-error", "last_value", "-last_value"]


assert set(Sort.__args__) == {sign + name for name in SORTS for sign in ("", "-")}  # type: ignore[attr-defined] # noqa: S101


class SeriesQuery(FilteredPage):
    sort: Annotated[Sort, Field(description="With a minus: descending. What is not known comes last.")] = "name"


class HistoryQuery(Of):
    start: Moment | None = None
    end: Moment | None = None


class BacktestQuery(Of):
    model: Name | None = None
    run_id: Annotated[RunId | None, Field(description="Without it, the production run.")] = None


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
    """`share_zero`, `skill` and, by MAPE, sMAPE or WAPE, `error` are fractions, 0.801 = 80.1 %."""

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
