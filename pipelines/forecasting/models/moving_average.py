"""The mean of the newest values, or with a season, of the same step in the newest seasons."""

from functools import partial

from pipelines.forecasting.models._local import LocalForecaster
from pipelines.forecasting.protocols import Forecaster


def build(window: int = 4, season_length: int | None = None) -> Forecaster:
    return LocalForecaster(partial(_make, window), season_length, min_seasons=window)


def _make(window: int, season_length: int) -> object:
    from statsforecast.models import SeasonalWindowAverage, WindowAverage

    if season_length > 1:
        return SeasonalWindowAverage(season_length, window)
    return WindowAverage(window)
