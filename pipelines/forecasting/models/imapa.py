"""Intermittent demand smoothed at every level of temporal aggregation, the mean of these (IMAPA; Petropoulos &
Kourentzes 2015), one model a series."""

from pipelines.forecasting.models._local import LocalForecaster
from pipelines.forecasting.protocols import Forecaster


def build(max_history: int | None = None) -> Forecaster:
    return LocalForecaster(_make, max_history=max_history)


def _make(season_length: int) -> object:
    from statsforecast.models import IMAPA

    return IMAPA()
