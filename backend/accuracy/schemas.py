"""What is asked of errors in the backtest, and what is answered."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from backend.core.queries import Name, Paged, RunId, Series, SeriesId
from backend.core.schemas import Stamp

By = Literal["series", "model", "horizon", "cutoff"]


class MetricsQuery(Paged):
    unique_id: SeriesId | None = None
    model: Name | None = None
    metric: Annotated[Name | None, Field(description="Without it, the metric that chose the champions.")] = None
    by: By = "model"
    run_id: Annotated[RunId | None, Field(description="Without it, the production run.")] = None


class MetricsIn(Paged):
    """The same for several series."""

    unique_ids: Series | None = None
    model: Name | None = None
    metric: Name | None = None
    by: By = "model"
    run_id: RunId | None = None


class MetricRow(BaseModel):
    """The mean of the known values of a group, and their number; `horizon` is the step ahead, from 1.

    `value`: of MAPE, sMAPE, WAPE and coverage a fraction, 0.801 = 80.1 %.
    """

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
