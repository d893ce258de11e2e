"""JSON records of forecasting: the settings and figures of a run, and the summary of a monitoring.

The platform stores runs of any kind, so these types live here. Fields that readers need are typed and checked when the
file is read; all others are kept as written.
"""

from typing import Literal

from pydantic import ConfigDict, Field

from pipelines.core.documents import Json, Stored
from pipelines.forecasting import settings
from pipelines.forecasting.figures import Figures
from pipelines.storage import units
from pipelines.storage.records import Fixed, Run


class Target(settings.Target):
    """The target of a run's forecasts."""

    model_config = ConfigDict(extra="allow")


class Covariates(Stored):
    """Covariate columns by when their values are known."""

    future: list[str] = Field(default_factory=list)
    past: list[str] = Field(default_factory=list)
    static: list[str] = Field(default_factory=list)

    @property
    def varying(self) -> list[str]:
        """The covariates with a value per timestamp."""
        return [*self.future, *self.past]


class Backtest(Stored):
    gap: int = 0


class Settings(Stored):
    """The settings of a run that readers need, complete, without `auto`."""

    title: str = ""
    frequency: str
    timezone: str = "UTC"
    horizon: int
    target: Target = Target()
    covariates: Covariates = Covariates()
    backtest: Backtest = Backtest()
    metric: str
    levels: list[int]


class ForecastRun(Run):
    """`run.json` of a forecasting run. `settings` and `figures` are its `config` and `summary`, typed."""

    settings: Settings = Field(validation_alias="config")
    figures: Figures = Field(default=Figures(), validation_alias="summary")


class Counts(Stored):
    """The number of series with each status."""

    insufficient: int = 0
    ok: int = 0
    warn: int = 0
    alert: int = 0


class Feature(Counts):
    """The drift of a feature over all series."""

    feature: str
    n_series: int = 0
    psi_median: float | None = None
    psi_largest: float | None = None


class Check(Stored):
    """A check of the data's health."""

    name: str
    status: str


class Past(Stored):
    """The status of an earlier monitoring."""

    monitoring_id: str
    as_of: str
    status: str
    counts: dict[str, Counts]
    at: str = ""
    raised: int = 0


class Judged(Stored):
    """Means over all series for one forecast set: each metric, and its backtest value as `<metric>_baseline`."""

    __pydantic_extra__: dict[str, float | None]
    cutoff: str
    until: str
    steps: int

    @property
    def metrics(self) -> dict[str, float | None]:
        return self.__pydantic_extra__


class Key(Stored):
    """The inputs of a monitoring: equal inputs give equal results."""

    run_id: str | None = None
    aliases: dict[str, str] = Field(default_factory=dict)
    data_version: str | None = None
    forecast_id: str | None = None
    settings_hash: str | None = None


class State(Stored):
    """The run of the bias sums, and the time up to which they are computed."""

    run_id: str | None = None
    until: str | None = None


class Monitoring(Fixed):
    """`summary.json` of a monitoring.

    `counts`: by kind and `overall`. `accuracy`: windows of groups. `comparisons`: production with other runs.
    `history`: the monitorings up to this one. `timeline`: the evaluated forecast sets. `units`: unit of the shares here
    and in the directory's tables.
    """

    file = units.MONITORING
    remedy = "Restore it from a backup, or remove its directory and current.json beside it and run: python scripts/monitor.py"
    units: Literal["fraction"]
    workspace: str
    run_id: str
    data_version: str
    as_of: str
    status: str
    n_series: int
    counts: dict[str, Counts]
    accuracy: list[Json] = Field(default_factory=list)
    drift: list[Feature] = Field(default_factory=list)
    health: list[Check] = Field(default_factory=list)
    comparisons: list[Json] = Field(default_factory=list)
    history: list[Past] = Field(default_factory=list)
    timeline: list[Judged] = Field(default_factory=list)
    monitoring_id: str = ""
    at: str = ""
    key: Key = Key()
    bias_to: State = State()

    @classmethod
    def upgraded(cls, values: Json) -> Json:
        return units.record(values)
