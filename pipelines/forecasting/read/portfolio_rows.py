"""Types of the served portfolio: figures, totals by step, and each series with its reasons."""

from typing_extensions import TypedDict

from pipelines.forecasting.read.attention import ReasonKind
from pipelines.forecasting.read.clock import Stamp
from pipelines.forecasting.read.monitoring_rows import Status as Grade
from pipelines.forecasting.read.series import Attributes, Status


class Summary(TypedDict):
    """Sums over series and the horizon (means over time if `aggregate` is not `sum`), and relative changes over the
    series with both values, as fractions: 0.05 = 5 %. Null if too little is known.

    `error` is the mean over series for which the run's metric is defined; `skill` is 1 minus its ratio to the error of
    the seasonal naive over the same series. The skill and errors by MAPE, sMAPE or WAPE are fractions.
    """

    n_series: int
    n_forecast: int
    forecast: float | None
    last_period: float | None
    last_year: float | None
    change: float | None
    change_on_year: float | None
    change_on_previous: float | None
    error: float | None
    skill: float | None
    statuses: dict[str, int]


class Segment(Summary):
    group: str


class Total(TypedDict):
    """One step: the actual or the forecast, the value a year before, and the previously published forecast."""

    ds: Stamp
    y: float | None
    y_hat: float | None
    last_year: float | None
    previous: float | None


class Reason(TypedDict):
    """A reason for the rank of a series. `share` of the total; `error` in units of the median series' error; relative
    changes `on_year`, `on_period` and `since_previous`. Shares and changes are fractions, 0.12 = 12 %. `percentile`:
    among all series, by size.

    Monitoring results, by severity, with `status` and `since`: `worse`, the error in units of the backtest's;
    `leaning`, the CUSUM of the bias, positive: forecasts are too low; `uncovered`, the shortfall in coverage as a
    fraction (0.05: five points too little); `drifted`, the PSI of `feature` in units of its threshold.

    Only in `attention`: `worse_than_baseline`, the skill against the seasonal naive; `stale`, by how many days the
    values of the series end before the newest of all.
    """

    kind: ReasonKind
    value: float
    percentile: float
    status: Grade | None
    since: Stamp | None
    feature: str | None


class Urgent(TypedDict):
    """One series; `history`: its newest actuals, `ahead`: its forecast, both without dates, for a sparkline.

    `attention`: monitoring results and figures that are unusual for the panel and for the series, without common
    `reasons`. `needs_attention`: whether there are any, or its status is `new` or `ended`.
    """

    unique_id: str
    attributes: Attributes
    model: str | None
    status: Status
    monitored: Grade | None
    error: float | None
    skill: float | None
    forecast: float | None
    last_period: float | None
    last_year: float | None
    score: float
    reasons: list[Reason]
    needs_attention: bool
    attention: list[Reason]
    history: list[float | None]
    ahead: list[float | None]
