"""Thresholds of monitoring, explained in configs/base/monitoring.yaml."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from pipelines.core.layers import Strict

Share = Annotated[float, Field(gt=0, lt=1)]


class Evidence(Strict):
    """The evidence that monitoring needs before it reports errors of a series."""

    windows: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (1, 4)  # horizons
    min_origins: PositiveInt = 3
    tolerance: Annotated[float, Field(ge=0)] = 0.2
    shortfall: Annotated[float, Field(ge=0, le=1)] = 0.05  # in coverage, a fraction
    false_discoveries: Share = 0.01
    warn_discoveries: Share = 0.1
    correction: Literal["bh", "by"] = "bh"
    clear_after: PositiveInt = 2


class Bias(Strict):
    """The CUSUM of forecast batches, in standard deviations of a batch's mean error."""

    allowance: Annotated[float, Field(gt=0)] = 0.5
    limit: Annotated[float, Field(gt=0)] = 5.0


class Drift(Strict):
    """When the distribution of a feature counts as changed."""

    window: PositiveInt | None = None  # steps; None: two horizons, at least `least`, in whole seasons
    reference: PositiveInt | None = None  # steps; None: three years, at least 1,100 steps
    bins: Annotated[int, Field(ge=2, le=50)] = 5
    least: PositiveInt = 50
    psi: Annotated[float, Field(gt=0)] = 0.1
    chance: Share = 0.01


class Health(Strict):
    """The shares of series or steps above which data problems are reported."""

    late: Share = 0.1
    missing: Share = 0.1
    volume: Share = 0.3
    vanished: Share = 0.05


class Comparison(Strict):
    """When production counts as worse than the previous run, or a canary as worse than production."""

    share: Share = 0.1
    least: PositiveInt = 50
    limit: Annotated[float, Field(ge=0)] = 0.1
    blocks: Annotated[int, Field(ge=3)] = 4
    confidence: Share = 0.95
    auto_rollback: bool = False


class Delivery(Strict):
    """How alerts are sent; MONITORING_WEBHOOK_URL or MONITORING_WEBHOOK_URL_FILE sets the address."""

    format: Literal["generic", "slack"] = "generic"
    least: Literal["warn", "alert"] = "alert"
    attempts: Annotated[int, Field(ge=1, le=10)] = 4
    timeout: PositiveFloat = 5.0
    wait: Annotated[float, Field(ge=0)] = 1.0


class Monitoring(Strict):
    """Thresholds and windows of monitoring, explained in configs/base/monitoring.yaml."""

    accuracy: Evidence = Evidence()
    bias: Bias = Bias()
    drift: Drift = Drift()
    health: Health = Health()
    comparison: Comparison = Comparison()
    delivery: Delivery = Delivery()
    report_rows: PositiveInt = 2000
    keep: Annotated[int, Field(ge=2)] = 30  # stored monitorings
