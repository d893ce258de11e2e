"""A random forest over all series (Breiman 2001), on the features of `features.origin`."""

from functools import partial
from typing import Any

from pipelines.core.plugins import Params
from pipelines.forecasting.models._scaled import scaled
from pipelines.forecasting.models._tabular import Block, TabularForecaster
from pipelines.forecasting.protocols import Forecaster


def build(
    rows: int = 40_000, block: Block = "horizon", difference: bool = False, seed: int = 1, **params: Any
) -> Forecaster:
    """`params` are those of `sklearn.ensemble.RandomForestRegressor`."""
    return TabularForecaster(partial(_make, seed, params), rows, block, difference, seed)


def _make(seed: int, params: Params) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    fixed = {"n_estimators": 100, "min_samples_leaf": 5, "max_features": 0.4, "random_state": seed}
    return scaled(RandomForestRegressor(**{**fixed, **params}))
