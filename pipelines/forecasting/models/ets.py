"""Exponential smoothing, its form chosen by AICc (Hyndman et al. 2008), one model per series."""

from functools import partial

from pipelines.forecasting.models._local import LocalForecaster
from pipelines.forecasting.protocols import Forecaster

_LONGEST_SEASON = 24  # beyond it the state is too large to estimate, and the season is left out


def build(season_length: int | None = None, max_history: int | None = None, model: str = "ZZZ") -> Forecaster:
    return LocalForecaster(partial(_make, model), season_length, max_history)


def _make(model: str, season_length: int) -> object:
    from statsforecast.models import AutoETS

    return AutoETS(season_length if season_length <= _LONGEST_SEASON else 1, model=model)
