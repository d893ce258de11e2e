"""Prophet (Taylor & Letham 2018): trend, seasons and the future covariates as regressors, one model per series."""

import logging
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.core.plugins import Params
from pipelines.forecasting import frequency
from pipelines.forecasting.models._components import long
from pipelines.forecasting.models._regressors import Regressors
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.protocols import Forecaster
from pipelines.tables.schema import DS, LEVEL, TREND, UNIQUE_ID, Y_HAT, Y, season

_FEWEST = 5  # minimum observations in addition to one per regressor


def build(**params: Any) -> Forecaster:
    """`params` are those of `prophet.Prophet`, such as `changepoint_prior_scale`."""
    return ProphetForecaster(params)


class ProphetForecaster:
    """Extrapolates from the calendar alone, so newer rows move the forecast dates but not the fitted parameters."""

    scope: Literal["series"] = "series"
    uses_future = True

    def __init__(self, params: Params) -> None:
        self.params = params

    def fit(self, panel: Panel) -> Self:
        self.regressors_ = Regressors().fit(panel)
        matrices = self.regressors_.by_series(panel.history)
        self.fitted_: dict[str, str] = {}  # Prophet's JSON format: small, without pickled internals
        self.last_: dict[str, float] = {}
        self.fallbacks_: set[str] = set()
        for name, rows in panel.history.groupby(UNIQUE_ID, sort=True):
            known = rows[Y].dropna()
            self.last_[str(name)] = float(known.iloc[-1]) if len(known) else 0.0
            if len(known) < _FEWEST + len(self.regressors_.names_) or known.nunique() < 2:
                self.fallbacks_.add(str(name))
                continue
            self.fitted_[str(name)] = self._fit_one(rows[[DS, Y]], matrices.get(str(name)))
        return self

    def predict(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        grid = panel.grid(h)
        matrices = self.regressors_.by_series(future)
        forecasts = [
            self._predict_one(str(name), rows, matrices.get(str(name))) for name, rows in grid.groupby(UNIQUE_ID)
        ]
        return grid.assign(**{Y_HAT: np.concatenate(forecasts)})

    def explain(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        """`level` is the trend at the end of the history, `trend` the change from there; multiplicative fits are left
        out.
        """
        matrices = self.regressors_.by_series(future)
        ends = panel.history.groupby(UNIQUE_ID)[DS].max()
        return long(
            (rows, self._explain_one(str(name), rows, matrices.get(str(name)), ends[name], panel.frequency))
            for name, rows in panel.grid(h).groupby(UNIQUE_ID, sort=True)
        )

    def _fit_one(self, rows: pd.DataFrame, matrix: pd.DataFrame | None) -> str:
        from prophet.serialize import model_to_json

        model = _prophet(self.params)
        if matrix is not None:
            varying = matrix.columns[matrix.nunique() > 1]
            for name in varying:
                model.add_regressor(name)
            rows = rows.merge(matrix[varying], left_on=DS, right_index=True)
        return str(model_to_json(model.fit(rows)))

    def _predict_one(self, name: str, grid: pd.DataFrame, matrix: pd.DataFrame | None) -> npt.NDArray[np.float64]:
        if name not in self.fitted_:
            return np.full(len(grid), self.last_[name])
        return np.asarray(_load(self.fitted_[name]).predict(_rows(grid, matrix))["yhat"])

    def _explain_one(
        self, name: str, grid: pd.DataFrame, matrix: pd.DataFrame | None, end: pd.Timestamp, alias: str
    ) -> dict[str, npt.NDArray[np.float64]]:
        """The values of each component over `grid`; empty for a fit whose parts do not sum to the forecast."""
        if name not in self.fitted_:
            return {LEVEL: self._predict_one(name, grid, matrix)}
        model = _load(self.fitted_[name])
        if any(one["mode"] != "additive" for one in [*model.seasonalities.values(), *model.extra_regressors.values()]):
            return {}
        rows = _rows(grid, matrix)
        table = model.predict(pd.concat([rows.head(1).assign(**{DS: end}), rows]))  # includes the end, for its trend
        level, ahead = float(table["trend"].iloc[0]), table.iloc[1:]
        parts = {LEVEL: np.full(len(grid), level), TREND: ahead["trend"].to_numpy() - level}
        names = {
            column: season(frequency.steps_in(one["period"], alias)) for column, one in model.seasonalities.items()
        }
        names |= self.regressors_.sources()
        for column in [*model.seasonalities, *model.extra_regressors]:  # one column per category of a text covariate
            parts[names[column]] = parts.get(names[column], 0.0) + ahead[column].to_numpy()
        return parts


def _rows(grid: pd.DataFrame, matrix: pd.DataFrame | None) -> pd.DataFrame:
    return grid[[DS]] if matrix is None else grid[[DS]].merge(matrix, left_on=DS, right_index=True, how="left")


def _load(fitted: str) -> Any:
    from prophet.serialize import model_from_json

    return model_from_json(fitted)


def _prophet(params: Params) -> Any:
    from prophet import Prophet

    logging.getLogger("cmdstanpy").disabled = True  # it reports every fit
    logging.getLogger("prophet").setLevel(logging.WARNING)
    return Prophet(**{"uncertainty_samples": 0, **params})
