"""All series of a workspace together, as they are served: figures, totals by step, and each series with its reasons."""

from typing_extensions import TypedDict

from pipelines.forecasting.read.attention import ReasonKind
from pipelines.forecasting.read.clock import Stamp
from pipelines.forecasting.read.monitoring_rows import Status as Grade
from pipelines.forecasting.read.series import Attributes, Status


class Summary(TypedDict):
    """Sums over series and the horizon (over time means, where `aggregate` is not `sum`), and relative changes over the
    series that have both, as fractions: 0.05 = 5 %. Null where too little is known.

    `error` is the mean over series that were judged by the run's metric, `skill` one minus its ratio to that of the seasonal
    naive over the same series, a fraction; so is an error by MAPE, sMAPE or WAPE.
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
    """One step: the actual or the forecast, the same a year before, and the forecast as it was published before."""

    ds: Stamp
    y: float | None
    y_hat: float | None
    last_year: float | None
    previous: float | None


class Reason(TypedDict):
    """`share` of the total; `error` in units of the median series'; relative changes `on_year`, `on_period` and
    `since_previous`. Shares and changes are fractions, 0.12 = 12 %. `percentile`: among all series, by size.

    What monitoring has found, by its gravity, with `status` and `since`: `worse`, the error in units of the backtest's;
    `leaning`, the CUSUM of the bias, positive: the forecasts are too low; `uncovered`, the coverage that intervals lack,
    a fraction (0.05: five points too little); `drifted`, the PSI of `feature` in units of its threshold.

    Only in `attention`: `worse_than_baseline`, the skill against the seasonal naive; `stale`, by how many days the values
    of the series end before the newest of all.
    """

    kind: ReasonKind
    value: float
    percentile: float
    status: Grade | None
    since: Stamp | None
    feature: str | None


class Urgent(TypedDict):
    """One series; `history`: its newest actuals, `ahead`: its forecast, without their dates, for a small picture.

    `attention`: why it needs attention: what monitoring has found, and what is unusual for the panel and for the series;
    none of `reasons` that most series have. `needs_attention`: whether there is any, or its status is `new` or `ended`.
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
