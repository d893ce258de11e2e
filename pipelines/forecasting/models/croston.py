"""Intermittent demand as size over interval (Croston 1972; SBA: Syntetos & Boylan 2005), one model per series."""

from functools import partial
from typing import Any, Literal, Self, get_args

from pipelines.core.errors import ConfigError
from pipelines.forecasting.models._local import Array, LocalForecaster
from pipelines.forecasting.protocols import Forecaster

Variant = Literal["classic", "sba", "optimized"]


def build(variant: Variant = "sba", max_history: int | None = None) -> Forecaster:
    """For demand that is never negative. `optimized` also learns the smoothing of size and interval."""
    if variant not in get_args(Variant):
        raise ConfigError(
            f"found '{variant}'",
            code="wrong_model_params",
            field="model_params.croston.variant",
            found=variant,
            remedy=f"Use one of: {', '.join(get_args(Variant))}.",
        )
    return LocalForecaster(partial(_make, variant), max_history=max_history)


def _make(variant: Variant, season_length: int) -> object:
    return Croston(variant)


class Croston:
    """Croston's method with the SBA correction of the bias from intervals; series without zeros have no such bias."""

    def __init__(self, variant: Variant) -> None:
        self.variant = variant

    def fit(self, y: Array) -> Self:
        self.fitted_ = self._model(y).fit(y)
        return self

    def predict(self, h: int) -> Any:
        return self.fitted_.predict(h)

    def forecast(self, y: Array, h: int) -> Any:
        return self._model(y).forecast(y, h)

    def _model(self, y: Array) -> Any:
        from statsforecast.models import CrostonClassic, CrostonOptimized, CrostonSBA

        if self.variant == "optimized":
            return CrostonOptimized()
        return CrostonSBA() if self.variant == "sba" and (y == 0).any() else CrostonClassic()
