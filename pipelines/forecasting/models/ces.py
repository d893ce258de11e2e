"""Complex exponential smoothing, its seasonal form chosen by AICc (Svetunkov et al. 2022), one model per series."""

from pipelines.forecasting.models._local import LocalForecaster
from pipelines.forecasting.protocols import Forecaster


def build(season_length: int | None = None, max_history: int | None = None) -> Forecaster:
    return LocalForecaster(_make, season_length, max_history)


def _make(season_length: int) -> object:
    from statsforecast.models import AutoCES

    return AutoCES(season_length)
