"""The value one season ago: the baseline that every model is measured against."""

from pipelines.forecasting.models._local import LocalForecaster
from pipelines.forecasting.protocols import Forecaster


def build(season_length: int | None = None) -> Forecaster:
    return LocalForecaster(_make, season_length, min_seasons=1)


def _make(season_length: int) -> object:
    from statsforecast.models import SeasonalNaive

    return SeasonalNaive(season_length)
