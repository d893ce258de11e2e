"""Requests and responses for the portfolio."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from backend.core.paging import Page
from backend.core.queries import Filtered, FilteredPage, Name, Paged
from pipelines.forecasting.read.portfolio_rows import Segment, Summary, Total, Urgent


class TriageQuery(FilteredPage):
    needs_attention: Annotated[bool, Field(description="List only the series that need attention.")] = False


class SegmentsQuery(Paged):
    by: Annotated[Name, Field(description="A static attribute, demand_class, model or status.")]


class DistributionQuery(Filtered):
    of: Literal["error", "skill", "last_value"] = "error"
    bins: Annotated[int, Field(ge=5, le=100)] = 40


class PortfolioOut(Page[Urgent]):
    """The portfolio. `items`: the series, most urgent first. `n_attention`: how many of the filtered series need
    attention.
    """

    workspace: str
    run_id: str
    forecast_id: str
    as_of: str
    unit: str
    aggregate: str
    horizon: int
    metric: str
    filters: dict[str, list[str]]
    summary: Summary
    totals: list[Total]
    n_attention: int


class SegmentsOut(Page[Segment]):
    workspace: str
    unit: str
    metric: str
    by: str


class DistributionOut(BaseModel):
    """A histogram over the middle 98 % of the values; `below` and `above` count the others."""

    workspace: str
    of: str
    edges: list[float]
    counts: list[int]
    below: int
    above: int
    median: float | None
