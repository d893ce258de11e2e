"""Requests and responses for series."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from backend.core.paging import Page
from backend.core.queries import FilteredPage, Moment, Name, Of, RunId
from pipelines.forecasting.read.backtests import BacktestPoint
from pipelines.forecasting.read.history import HistoryPoint
from pipelines.forecasting.read.series import SORTS, SeriesOut

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


class HistoryOut(TypedDict):
    workspace: str
    data_version: str
    unique_id: str
    unit: str
    points: list[HistoryPoint]


class BacktestOut(TypedDict):
    workspace: str
    run_id: str
    unique_id: str
    unit: str
    points: list[BacktestPoint]


class SeriesPage(Page[SeriesOut]):
    workspace: str
    data_version: str
    run_id: str | None
    filters: list[str]
