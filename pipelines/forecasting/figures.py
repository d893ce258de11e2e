"""The backtest figures of a run as stored in `run.json`."""

from dataclasses import dataclass

from pydantic import Field

from pipelines.core.documents import Stored


@dataclass(frozen=True)
class Verdict:
    """Whether a run may replace production, the reason, and both means of the metric over the common series."""

    passed: bool
    reason: str
    challenger: float | None = None
    production: float | None = None


class Figures(Stored):
    """Means over the series for which `metric` is defined; failed runs have none.

    `champion`, `baseline`: the error of the series' champions and of the seasonal naive. `skill`: one minus their
    ratio. `coverage`: by level, the share of actuals within the interval. `champions`: series by the model that serves
    them. `leaderboard`: by model and metric. `cutoffs`: the last training timestamp of each window.
    """

    n_series: int = 0
    n_judged: int = 0
    metric: str | None = None
    champion: float | None = None
    baseline: float | None = None
    skill: float | None = None
    coverage: dict[str, float | None] = Field(default_factory=dict)
    windows: int | None = None
    cutoffs: list[str] = Field(default_factory=list)
    champions: dict[str, int] = Field(default_factory=dict)
    leaderboard: dict[str, dict[str, float | None]] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)
    against_production: Verdict | None = None
