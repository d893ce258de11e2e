"""Settings as frozen models: base < workspace < overlay of APP_ENV < environment variables `FORECAST_…`."""

import zoneinfo
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    create_model,
    field_validator,
    model_validator,
)

from pipelines.core import plugins
from pipelines.core.config import SECTIONS, Project, config_dir, files_of, overlay_of
from pipelines.core.errors import ConfigError, UnknownName, did_you_mean
from pipelines.core.layers import Layers, Strict, as_value_error, environment, read_yaml, wrong_settings
from pipelines.core.names import safe_name
from pipelines.core.plugins import Params
from pipelines.forecasting.thresholds import Monitoring
from pipelines.tables.limits import Limits

DEFAULT = "default"  # in place of a list of models: the strategy chooses them
Aggregate = Literal["sum", "mean", "median", "min", "max", "first", "last"]
GapPolicy = Literal["zero", "interpolate", "previous", "leave"]
MetricName = Literal["mae", "rmse", "mape", "smape", "wape", "mase", "rmsse"]


class Columns(Strict):
    """The role of each column; unset ones are detected by their usual names and reported."""

    ds: str | None = None
    y: str | None = None
    keys: tuple[str, ...] | None = None


class SourceSpec(BaseModel):
    """Settings common to all sources; further keys are options of the kind (`pipelines/sources/<kind>.py`)."""

    model_config = ConfigDict(frozen=True, extra="allow")
    kind: str
    columns: Columns = Columns()
    layout: Literal["long", "wide"] = "long"
    date_format: str | None = None
    decimal: Literal["auto", ".", ","] = "auto"

    @property
    def options(self) -> Any:
        """The options of this kind of source, validated by its `Options`."""
        module = plugins.load("pipelines.sources", self.kind)
        return module.Options.model_validate(self.model_extra or {})


class Target(Strict):
    name: str = "y"
    unit: str = ""
    non_negative: bool = False
    aggregate: Aggregate = "sum"

    @property
    def sums_over_time(self) -> bool:
        """Whether values of several steps are summed; totals of other targets, such as means, are averages."""
        return self.aggregate == "sum"


class Covariates(Strict):
    future: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    static: tuple[str, ...] = ()

    @property
    def varying(self) -> tuple[str, ...]:
        """The covariates with a value per timestamp."""
        return (*self.future, *self.past)

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [*self.future, *self.past, *self.static]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"name each covariate once; {', '.join(twice)} stands in two lists")
        return self


class Holidays(Strict):
    country: str | None = None
    subdivision: str | None = None


class Missing(Strict):
    """Fill policies for missing steps: inside a series, around it within the panel, and in future covariates."""

    gaps: GapPolicy = "leave"
    edges: GapPolicy = "leave"
    future: Literal["error", "previous", "seasonal"] = "error"


class Backtest(Strict):
    windows: PositiveInt = 3
    step: PositiveInt | None = None  # None: the horizon, so that windows do not overlap
    gap: Annotated[int, Field(ge=0)] = 0
    strategy: Literal["expanding", "sliding"] = "expanding"
    size: PositiveInt | None = None  # of a sliding window; None: the size of the first window


class Quality(Strict):
    """Limits of the quality checks; shares refer to the rows or steps checked."""

    max_rejected: Annotated[float, Field(ge=0, le=1)] = 0.05
    max_gaps: Annotated[float, Field(ge=0, le=1)] = 0.2
    max_age_days: PositiveInt | None = None  # None: any age passes, and is reported


class Workspace(Strict):
    """One panel with its configuration. Settings that are None are inferred from the data and reported."""

    name: str
    title: str = ""
    source: SourceSpec
    frequency: str
    timezone: str = "UTC"
    season_lengths: tuple[PositiveInt, ...] | None = None
    horizon: PositiveInt | None = None
    target: Target = Target()
    covariates: Covariates = Covariates()
    holidays: Holidays = Holidays()
    missing: Missing = Missing()
    limits: Limits = Limits()
    backtest: Backtest = Backtest()
    quality: Quality = Quality()
    monitoring: Monitoring = Monitoring()
    models: Annotated[tuple[str, ...], Field(min_length=1)] = (DEFAULT,)
    budget: str | None = None  # time limit of a training, such as 5m; models beyond it are left out
    model_params: dict[str, Params] = Field(default_factory=dict)
    metric: MetricName = "mase"
    levels: tuple[Annotated[int, Field(ge=1, le=99)], ...] = (80, 95)
    descriptions: dict[str, str] = Field(default_factory=dict)  # of columns, for people and the copilot

    @field_validator("frequency")
    @classmethod
    def _known_frequency(cls, value: str) -> str:
        from pipelines.forecasting import frequency  # imports pandas, not needed for names alone

        if value != "auto":
            with as_value_error():
                frequency.parse(value)
        return value

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        if value not in (zones := _timezones()):
            raise ValueError(f"use a zone of the IANA list such as UTC or Europe/London{did_you_mean(value, zones)}")
        return value

    @field_validator("source")
    @classmethod
    def _known_source(cls, value: SourceSpec) -> SourceSpec:
        with as_value_error():
            plugins.load("pipelines.sources", value.kind)
        return value

    @field_validator("models", mode="before")
    @classmethod
    def _one_word(cls, value: Any) -> Any:
        return (DEFAULT,) if value == DEFAULT else value

    @field_validator("models")
    @classmethod
    def _known_models(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value == (DEFAULT,):
            return value
        valid = plugins.names("pipelines.forecasting.models")
        for name in value:
            if name not in valid:
                with as_value_error():
                    raise UnknownName("model", name, valid, field="models")
        return tuple(dict.fromkeys(value))

    @field_validator("model_params")
    @classmethod
    def _params_of_known_models(cls, value: dict[str, Params]) -> dict[str, Params]:
        cls._known_models(tuple(value))
        return value

    @field_validator("budget")
    @classmethod
    def _duration(cls, value: str | None) -> str | None:
        seconds(value)
        return value

    @field_validator("levels")
    @classmethod
    def _ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(value)))

    @property
    def by_default(self) -> bool:
        """Whether the `default` strategy chooses the candidates."""
        return self.models == (DEFAULT,)

    def complete(self, found_frequency: str) -> "Workspace":
        """The same workspace with frequency, seasons, horizon and backtest step filled in."""
        from pipelines.forecasting import frequency

        alias = found_frequency if self.frequency == "auto" else self.frequency
        horizon = self.horizon or frequency.default_horizon(alias)
        return self.model_copy(
            update={
                "frequency": alias,
                "season_lengths": self.season_lengths or frequency.default_seasons(alias),
                "horizon": horizon,
                "backtest": self.backtest.model_copy(update={"step": self.backtest.step or horizon}),
            }
        )


def seconds(duration: str | None) -> float | None:
    """A duration such as 90s, 5m or 2h in seconds; the ValueError names the format."""
    if duration is None:
        return None
    number, unit = duration[:-1], duration[-1:]
    try:
        span = float(number) * {"s": 1, "m": 60, "h": 3600}[unit]
    except (KeyError, ValueError):
        span = 0.0
    if not 0 < span < float("inf"):
        raise ValueError("use a duration such as 90s, 5m or 2h")
    return span


def load_workspace(name: str, environ: Mapping[str, str] | None = None) -> Workspace:
    """The settings of one workspace; one ConfigError lists all mistakes in its layers."""
    path, _ = files_of(safe_name(name, "workspace"), environ)
    return workspace_of(name, read_yaml(path), str(path), environ)


def workspace_of(
    name: str, values: Mapping[str, Any], origin: str, environ: Mapping[str, str] | None = None
) -> Workspace:
    """The settings of a workspace whose file holds, or would hold, `values`; errors name the file `origin`."""
    _refuse_unknown_variables(environ)
    base, overlay, layers = config_dir(environ) / "base", overlay_of(config_dir(environ), environ), Layers()
    for file in _sections(base):
        layers.add_file(file)
    layers.add(values, origin)
    for file in [*_sections(overlay), *sorted(overlay.glob(f"workspaces/{safe_name(name, 'workspace')}.y*ml"))]:
        layers.add_file(file)
    layers.add_environment(set(Workspace.model_fields) - {"name"}, environ).add({"name": name}, origin)
    return layers.validate(Workspace, origin, source=_source_model(layers.values.get("source")))


def _sections(folder: Path) -> list[Path]:
    """The files of a layer that apply to every workspace, by name."""
    return [path for path in sorted(folder.glob("*.y*ml")) if path.stem not in ("project", *SECTIONS)]


def _source_model(source: Any) -> type[BaseModel]:
    """The model of `source`, with the options that the module of its kind defines."""
    kind = source.get("kind") if isinstance(source, Mapping) else None
    if kind not in plugins.names("pipelines.sources"):
        return SourceSpec
    options = plugins.load("pipelines.sources", kind).Options
    return create_model("Source", __base__=(SourceSpec, options))


def _refuse_unknown_variables(environ: Mapping[str, str] | None) -> None:
    valid = (set(Workspace.model_fields) - {"name"}) | set(Project.model_fields) | set(SECTIONS)
    allowed = f"Use one of: {', '.join(sorted(valid))}."
    unknown = [
        ConfigError(
            f"unknown setting{did_you_mean(key[0], valid)}",
            code="unknown_setting",
            field=name,
            found=key[0],
            where="environment",
            remedy=allowed,
        )
        for name, key, _ in environment(environ)
        if key[0] not in valid
    ]
    if unknown:
        raise wrong_settings(unknown)


@cache
def _timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
