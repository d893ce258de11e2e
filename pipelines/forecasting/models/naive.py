"""The last value, repeated."""

from pipelines.forecasting.models._local import LocalForecaster
from pipelines.forecasting.protocols import Forecaster


def build() -> Forecaster:
    return LocalForecaster(_make)


def _make(season_length: int) -> object:
    from statsforecast.models import Naive

    return Naive()
