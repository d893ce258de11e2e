"""Seasonal ARIMA with future covariates as regressors and orders chosen stepwise by pmdarima, one per series."""

import warnings
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from pipelines.core.plugins import Params
from pipelines.forecasting.models._local import Array, targets
from pipelines.forecasting.models._regressors import Regressors
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.protocols import Forecaster
from pipelines.tables.schema import Y_HAT

_LONGEST_SEASON = 12  # at 24 the state is so large that a series takes minutes and gigabytes

_FEWEST = 5  # minimum observations in addition to one per regressor


def build(season_length: int | None = None, max_history: int = 400, **params: Any) -> Forecaster:
    """`params` are those of `pmdarima.auto_arima`, such as `max_p`."""
    return ArimaForecaster(season_length, max_history, params)


@dataclass(frozen=True)
class Fitted:
    """The part of a fitted ARIMA that forecasts need: some hundred bytes instead of megabytes."""

    order: tuple[int, int, int]
    seasonal_order: tuple[int, int, int, int]
    trend: str | None
    regressors: tuple[str, ...]
    params: Array


class ArimaForecaster:
    """Fits one ARIMA per series. Series that cannot be fitted get their last value; `fallbacks_` names these."""

    scope: Literal["series"] = "series"
    uses_future = True

    def __init__(self, season_length: int | None, max_history: int, params: Params) -> None:
        self.season_length = season_length
        self.max_history = max_history
        self.params = params

    def fit(self, panel: Panel) -> Self:
        self.regressors_ = Regressors().fit(panel)
        matrices = self.regressors_.by_series(panel.history)
        season = self.season_length or panel.season_length
        self.fitted_: dict[str, Fitted | None] = {}
        self.fallbacks_: set[str] = set()
        for name, y in targets(panel, self.max_history):
            matrix = matrices[name].tail(self.max_history) if name in matrices else None
            usable = season if season <= _LONGEST_SEASON and len(y) >= 2 * season else 1
            if len(y) < _FEWEST + (0 if matrix is None else matrix.shape[1]) or np.ptp(y) == 0:
                self.fitted_[name] = None
                self.fallbacks_.add(name)
                continue
            try:
                self.fitted_[name] = self._fit_one(y, matrix, usable)
            except (ValueError, np.linalg.LinAlgError):
                self.fitted_[name] = None
                self.fallbacks_.add(name)
        return self

    def predict(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        past, ahead = self.regressors_.by_series(panel.history), self.regressors_.by_series(future)
        forecasts = [
            self._one(name, y, h, past.get(name), ahead.get(name)) for name, y in targets(panel, self.max_history)
        ]
        return panel.grid(h).assign(**{Y_HAT: np.concatenate(forecasts)})

    def _fit_one(self, y: Array, matrix: pd.DataFrame | None, season: int) -> Fitted:
        import pmdarima
        from threadpoolctl import threadpool_limits

        names = tuple(matrix.columns[matrix.nunique() > 1]) if matrix is not None else ()
        exog = matrix[list(names)].to_numpy() if matrix is not None and names else None
        settings = {
            "seasonal": season > 1,
            "m": season,
            "suppress_warnings": True,
            "error_action": "ignore",
            **self.params,
        }
        # For matrices this small, distributing costs more than computing: one thread is six times faster than two.
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the search discards candidates that do not converge
            model = pmdarima.auto_arima(y, X=exog, **settings)
        trend = "c" if model.with_intercept else None
        return Fitted(model.order, model.seasonal_order, trend, names, np.asarray(model.params(), dtype=float))

    def _one(self, name: str, y: Array, h: int, past: pd.DataFrame | None, ahead: pd.DataFrame | None) -> Array:
        fitted = self.fitted_[name]
        if fitted is None:
            return np.full(h, y[-1])
        from statsmodels.tsa.statespace.sarimax import SARIMAX

        names = list(fitted.regressors)
        exog = past.tail(len(y))[names].to_numpy() if past is not None and names else None
        steps = ahead[names].to_numpy() if ahead is not None and names else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SARIMAX warns about starting values, which are not used here
            model = SARIMAX(y, exog, fitted.order, fitted.seasonal_order, fitted.trend)
            y_hat = np.asarray(model.filter(fitted.params).forecast(h, exog=steps), dtype=float)
        if not np.isfinite(y_hat).all():
            self.fallbacks_.add(name)
            return np.full(h, y[-1])
        return y_hat
