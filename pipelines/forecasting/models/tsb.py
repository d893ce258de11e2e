"""Intermittent demand as size times probability (Teunter, Syntetos & Babai 2011), one model per series.

Unlike Croston's method, it also learns from steps without demand: forecasts of discontinued items approach zero.
"""

from functools import partial

from pipelines.forecasting.models._local import LocalForecaster
from pipelines.forecasting.protocols import Forecaster


def build(alpha_d: float = 0.1, alpha_p: float = 0.1, max_history: int | None = None) -> Forecaster:
    """For demand that is never negative; `alpha_d` and `alpha_p` smooth its size and its probability."""
    return LocalForecaster(partial(_make, alpha_d, alpha_p), max_history=max_history)


def _make(alpha_d: float, alpha_p: float, season_length: int) -> object:
    from statsforecast.models import TSB

    return TSB(alpha_d, alpha_p)
