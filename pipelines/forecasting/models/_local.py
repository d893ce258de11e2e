"""Base of all local models: one statsforecast model per series."""

import zlib
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.core.errors import ModelError
from pipelines.forecasting.panel import Panel
from pipelines.tables.schema import UNIQUE_ID, Y_HAT, Y

Array = npt.NDArray[np.float64]


class LocalForecaster:
    """`make(season_length)` returns an unfitted statsforecast model; each series gets its own.

    A series shorter than `min_seasons` seasons is fitted without a season. If the model cannot fit a series or its
    forecast is not finite, the last value is the forecast; `fallbacks_` names these series.
    """

    scope: Literal["series"] = "series"
    uses_future = False

    def __init__(
        self,
        make: Callable[[Any], Any],
        season_length: int | None = None,
        max_history: int | None = None,
        min_seasons: int = 2,
    ) -> None:
        self.make = make
        self.season_length = season_length
        self.max_history = max_history
        self.min_seasons = min_seasons

    def fit(self, panel: Panel) -> Self:
        self.fitted_: dict[str, tuple[Any, int]] = {}
        self.fallbacks_: set[str] = set()
        for name, y in targets(panel, self.max_history):
            fitted = attempt(partial(self.make(self._season(panel, len(y))).fit, y))
            if fitted is None:
                self.fallbacks_.add(name)
            self.fitted_[name] = (fitted, zlib.crc32(y.tobytes()))
        return self

    def predict(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        forecasts = []
        for name, y in targets(panel, self.max_history):
            if name not in self.fitted_:
                raise ModelError(
                    f"series '{name}' was not there when this model was fitted",
                    code="series_not_fitted",
                    found=name,
                    remedy="Train again to include it.",
                )
            forecasts.append(self._one(name, y, h))
        return panel.grid(h).assign(**{Y_HAT: np.concatenate(forecasts)})

    def _season(self, panel: Panel, n: int) -> Any:
        """The season passed to `make` for a series of `n` steps."""
        season = self.season_length or panel.season_length
        return season if n >= self.min_seasons * season else 1

    def _one(self, name: str, y: Array, h: int) -> Array:
        model, seen = self.fitted_[name]
        if model is not None:
            same = zlib.crc32(y.tobytes()) == seen
            forecast = attempt(partial(model.predict, h) if same else partial(self._forward, model, y, h))
            y_hat = np.asarray(forecast["mean"] if forecast else np.nan, dtype=float)
            if np.isfinite(y_hat).all():
                return y_hat
            self.fallbacks_.add(name)
        return np.full(h, y[-1])

    @staticmethod
    def _forward(model: Any, y: Array, h: int) -> Any:
        """The fitted model applied to newer data; models without parameters are computed again."""
        return model.forward(y, h) if hasattr(model, "forward") else model.forecast(y, h)


def attempt(call: Callable[[], Any]) -> Any:
    """The result of `call`, or None on any exception: an odd series must not abort the panel."""
    try:
        return call()
    except Exception:  # noqa: BLE001 - the libraries can raise anything, even bare Exception
        return None


def targets(panel: Panel, max_history: int | None = None) -> list[tuple[str, Array]]:
    """Each series' name and target, sorted, the newest `max_history` steps.

    These models do not support missing values: gaps are interpolated linearly, for the fit only.
    """
    series = []
    for name, y in panel.history.groupby(UNIQUE_ID, sort=True)[Y]:
        values = y.iloc[-max_history:] if max_history else y
        if values.isna().any():
            values = values.interpolate(limit_direction="both")
        series.append((str(name), values.fillna(0.0).to_numpy(dtype=float)))
    return series
