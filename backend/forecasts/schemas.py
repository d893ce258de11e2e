"""Requests and responses for forecasts."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from backend.core.queries import Moment, Name, Of, Series, SeriesId, Version
from backend.core.rate import MAX_HORIZON, MAX_SERIES
from pipelines.forecasting.read.forecasts import BridgePoint, ComponentsPoint

Level = Annotated[int, Field(ge=1, le=99)]


class ForecastQuery(Of):
    unique_id: SeriesId
    forecast_id: Annotated[Version | None, Field(description="An earlier forecast set; without it, the published.")] = (
        None
    )


class FutureRow(BaseModel):
    """Values of future covariates at one step, for one series or, without a name, for all requested series."""

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


class Bridge(BaseModel):
    """Why the forecast differs from the previous one: `parts` sum to the change at each step that both cover, `totals`
    to the change over all these steps.
    """

    since: str | None
    notes: list[str]
    points: list[BridgePoint]
    totals: dict[str, float]


class ExplanationOut(BaseModel):
    """`components` sum to `y_hat` at each step; null for forecast sets published before explanations existed.

    `totals` cover the steps for which everything is known: sums, or means if `aggregate` is not `sum`.
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
