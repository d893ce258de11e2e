"""Seasonal ARIMA with future covariates as regressors and orders chosen stepwise by AICc, one model per series.

Hyndman & Khandakar (2008), implemented by statsforecast: many times faster than `auto_arima`, so that a season of 24
hours is affordable.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from pipelines.core.errors import ModelError
from pipelines.forecasting.models._local import Array, attempt, targets
from pipelines.forecasting.models._regressors import Regressors
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.protocols import Forecaster
from pipelines.tables.schema import Y_HAT

_LONGEST_SEASON = 24  # beyond it the state is too large to estimate, and the seasonal part is left out
_LONG_SEASON = 12  # beyond it one seasonal term of each kind: a second one takes 15 s per series instead of 1
_FEWEST = 5  # minimum observations in addition to one per regressor


def build(season_length: int | None = None, max_history: int = 1000, approximation: bool = True) -> Forecaster:
    """`approximation`: compares candidates by their sum of squares and fits only the best by likelihood."""
    return ArimaForecaster(season_length, max_history, approximation)


class ArimaForecaster:
    """Fits one ARIMA per series. Series that cannot be fitted get their last value; `fallbacks_` names these."""

    scope: Literal["series"] = "series"
    uses_future = True

    def __init__(self, season_length: int | None, max_history: int, approximation: bool) -> None:
        self.season_length = season_length
        self.max_history = max_history
        self.approximation = approximation

    def fit(self, panel: Panel) -> Self:
        from statsforecast.models import AutoARIMA

        self.regressors_ = Regressors().fit(panel)
        matrices = self.regressors_.by_series(panel.history)
        season = self.season_length or panel.season_length
        self.fitted_: dict[str, tuple[Any, list[str]]] = {}
        self.fallbacks_: set[str] = set()
        for name, y in targets(panel, self.max_history):
            columns = _usable(matrices[name].tail(len(y))) if name in matrices else []
            usable = season if season <= _LONGEST_SEASON and len(y) >= 2 * season else 1
            terms = 1 if usable > _LONG_SEASON else 2
            model = AutoARIMA(season_length=usable, max_P=terms, max_Q=terms, approximation=self.approximation)
            fitted = _quietly(partial(model.fit, y, _values(matrices.get(name), columns, len(y))))
            if fitted is None:
                self.fallbacks_.add(name)
            self.fitted_[name] = (fitted, columns)
        return self

    def predict(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        if future is None and self.regressors_.names_:
            raise ModelError(
                f"arima needs {', '.join(panel.future)} for the forecast steps, and was given none",
                code="covariates_not_given",
                field="covariates.future",
                found=list(panel.future),
                remedy="Give a value of each for every step, or take it out of covariates.future.",
            )
        past, ahead = self.regressors_.by_series(panel.history), self.regressors_.by_series(future)
        forecasts = [
            self._one(name, y, h, past.get(name), ahead.get(name)) for name, y in targets(panel, self.max_history)
        ]
        return panel.grid(h).assign(**{Y_HAT: np.concatenate(forecasts)})

    def _one(self, name: str, y: Array, h: int, past: pd.DataFrame | None, ahead: pd.DataFrame | None) -> Array:
        model, columns = self.fitted_[name]
        if model is not None:
            exog, steps = _values(past, columns, len(y)), _values(ahead, columns, h)
            forecast = _quietly(partial(model.forward, y, h, exog, steps))
            y_hat = np.asarray(forecast["mean"] if forecast else np.nan, dtype=float)
            if y_hat.shape == (h,) and np.isfinite(y_hat).all():
                return y_hat
            self.fallbacks_.add(name)
        return np.full(h, y[-1])


def _usable(matrix: pd.DataFrame) -> list[str]:
    """The linearly independent columns; for example, one of several columns per category follows from the others."""
    centred = matrix - matrix.mean()
    columns: list[str] = []
    for name in matrix.columns[matrix.nunique() > 1]:
        if np.linalg.matrix_rank(centred[[*columns, name]].to_numpy()) > len(columns):
            columns.append(name)
    return columns if len(matrix) >= _FEWEST + len(columns) else []


def _values(matrix: pd.DataFrame | None, columns: list[str], n: int) -> Array | None:
    return matrix.tail(n)[columns].to_numpy(dtype=float) if matrix is not None and columns else None


def _quietly(call: Callable[[], Any]) -> Any:
    from threadpoolctl import threadpool_limits

    # For matrices this small, distributing the work costs more than computing.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the search discards candidates that do not converge
        return attempt(call)
