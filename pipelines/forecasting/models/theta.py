"""Dynamic optimised theta (Fiorucci et al. 2016), one model per series."""

from pipelines.forecasting.models._local import LocalForecaster
from pipelines.forecasting.protocols import Forecaster


def build(season_length: int | None = None, max_history: int | None = None) -> Forecaster:
    return LocalForecaster(_make, season_length, max_history)


def _make(season_length: int) -> object:
    from statsforecast.models import DynamicOptimizedTheta

    # Additive: a multiplicative decomposition is undefined for series with zeros.
    return DynamicOptimizedTheta(season_length, decomposition_type="additive")
