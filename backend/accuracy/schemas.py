"""Requests and responses for backtest metrics."""

from typing import Annotated, Literal

from pydantic import Field

from backend.core.paging import Page
from backend.core.queries import Name, Paged, RunId, Series, SeriesId
from pipelines.forecasting.read.accuracy import MetricRow

By = Literal["series", "model", "horizon", "cutoff"]


class MetricsQuery(Paged):
    unique_id: SeriesId | None = None
    model: Name | None = None
    metric: Annotated[Name | None, Field(description="Without it, the metric that chose the champions.")] = None
    by: By = "model"
    run_id: Annotated[RunId | None, Field(description="Without it, the production run.")] = None


class MetricsIn(Paged):
    """Backtest metrics for several series."""

    unique_ids: Series | None = None
    model: Name | None = None
    metric: Name | None = None
    by: By = "model"
    run_id: RunId | None = None


class MetricsOut(Page[MetricRow]):
    workspace: str
    run_id: str
    metric: str
    by: By
