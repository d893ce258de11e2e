"""Intermittent demand as the mean of smoothings at every level of temporal aggregation (IMAPA; Petropoulos & Kourentzes
2015), one model per series.
"""

from pipelines.forecasting.models._local import LocalForecaster
from pipelines.forecasting.protocols import Forecaster


def build(max_history: int | None = None) -> Forecaster:
    return LocalForecaster(_make, max_history=max_history)


def _make(season_length: int) -> object:
    from statsforecast.models import IMAPA

    return IMAPA()
