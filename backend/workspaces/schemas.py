"""Workspaces: response models."""

from typing import Literal

from pydantic import BaseModel

from backend.core.paging import Page
from pipelines.forecasting.read.clock import Stamp


class Accuracy(BaseModel):
    """Means over the series of a run's backtest. `skill`, `coverage` by level, and errors by MAPE, sMAPE or WAPE are
    fractions, 0.801 = 80.1 %; levels are in percent.
    """

    metric: str
    champion: float | None
    baseline: float | None
    skill: float | None
    coverage: dict[str, float | None]


class WorkspaceOut(BaseModel):
    """A workspace. `status`: `no data`, `no run`, `no forecasts`, `ready`, or `unreadable` if stored files are damaged.

    `reason`: why it is unreadable, and what to do. `age_days`: days since the latest value; `stale`: two more values
    (or two days, if that is longer) should have arrived by now. `target`: the configured name of what is forecast.
    `open_alerts`: the number of unacknowledged alerts, and `worst_alert` the severity of the most severe of them; null
    if the alert log cannot be read.
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


class WorkspacesOut(Page[WorkspaceOut]):
    pass
