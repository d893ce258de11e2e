"""Types of served monitoring results: the whole workspace, each series, and the details of one."""

from typing import Literal

from typing_extensions import TypedDict

from pipelines.forecasting.read.clock import Stamp

Status = Literal["insufficient", "ok", "warn", "alert"]
Kind = Literal["error", "bias", "coverage", "drift"]


class Counts(TypedDict):
    """The number of series with each status."""

    insufficient: int
    ok: int
    warn: int
    alert: int


class WindowRow(TypedDict):
    """A metric over the newest `window` horizons of `n` forecast sets, compared with the backtest.

    WAPE, skill and coverage are fractions, 0.801 = 80.1 %. The status of the bias is that of its CUSUM, which continues
    from one forecast set to the next.
    """

    window: int
    metric: str
    value: float | None
    baseline: float | None
    status: Status
    n: int
    p_value: float | None


class GroupRow(WindowRow):
    """The mean over the series of a group; `by` is `all` or an attribute."""

    by: str
    group: str


class FeatureDrift(Counts):
    """The drift of a feature over all series."""

    feature: str
    n_series: int
    psi_median: float | None
    psi_largest: float | None


class CheckOut(TypedDict):
    """A check of the data; `value` and `limit` are shares as fractions (0.1 = 10 %), except days for the freshness."""

    name: str
    status: Status
    message: str
    value: float | None
    limit: float | None
    count: int
    examples: list[str]


class Comparison(TypedDict):
    """The run `run_id` compared with the previous one by mean MASE on the same actuals; `ratio` over 1: worse."""

    alias: str
    run_id: str
    other_run_id: str
    worse: bool
    why: str
    ratio: float | None
    p_value: float | None
    blocks: int
    error: float | None
    other_error: float | None
    n_series: int


class PastStatus(TypedDict):
    """The status of an earlier monitoring, and the number of alerts it raised."""

    monitoring_id: str
    at: str
    as_of: str
    status: Status
    counts: dict[str, Counts]
    raised: int


class Origin(TypedDict, extra_items=float | None):  # type: ignore[call-arg] # PEP 728, unsupported by mypy
    """A forecast set evaluated on the actuals up to `until`: each metric, and its value in the backtest.

    `wape` and `coverage_<level>` are fractions, 0.801 = 80.1 %.
    """

    cutoff: Stamp
    until: Stamp
    steps: int


class MonitoringOut(TypedDict):
    """The monitoring of a workspace. `status`: that of the workspace's means, data and runs, or alert if more series
    are in alert than chance explains. `timeline`: means over all series per forecast set.
    """

    workspace: str
    monitoring_id: str
    at: str
    as_of: str
    run_id: str
    data_version: str
    status: Status
    n_series: int
    counts: dict[str, Counts]
    accuracy: list[GroupRow]
    drift: list[FeatureDrift]
    health: list[CheckOut]
    comparisons: list[Comparison]
    timeline: list[Origin]
    history: list[PastStatus]
    report: bool


class DriftRow(TypedDict):
    """A feature of a series: its PSI, and the threshold given the sizes of both samples."""

    feature: str
    psi: float | None
    threshold: float | None
    n_reference: int
    n_current: int
    status: Status
    p_value: float | None


class MonitoredSeries(TypedDict):
    """The monitoring of a series over the longest window. `wape`, `skill` and `coverage` by level are fractions, 0.801
    = 80.1 %.

    `lean`: the CUSUM of its bias, positive: under-forecast. `feature`, `psi` and `threshold`: of the feature that
    exceeds its threshold most.
    """

    unique_id: str
    status: Status
    since: Stamp | None
    statuses: dict[str, Status]
    n_origins: int | None
    mae: float | None
    mae_baseline: float | None
    mase: float | None
    mase_baseline: float | None
    wape: float | None
    wape_baseline: float | None
    skill: float | None
    skill_baseline: float | None
    bias: float | None
    bias_baseline: float | None
    coverage: dict[str, float | None]
    coverage_baseline: dict[str, float | None]
    lean: float | None
    feature: str | None
    psi: float | None
    threshold: float | None
    drift: list[DriftRow]


class SeriesDetail(TypedDict):
    accuracy: list[WindowRow]
    origins: list[Origin]


class Suspicion(TypedDict):
    """The reason why a series is in warning or alert.

    `value`: for errors, the ratio to the backtest; for bias, the sum of its CUSUM, positive: forecasts are too low; for
    coverage, the shortfall from the level as a fraction; for drift, the PSI of `feature` in units of its threshold.
    """

    kind: Kind
    status: Status
    since: Stamp | None
    value: float
    feature: str | None
