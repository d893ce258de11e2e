"""A small neural network over all series: a multilayer perceptron on the features of `features.origin`."""

from functools import partial
from typing import Any

from pipelines.core.plugins import Params
from pipelines.forecasting.models._scaled import scaled
from pipelines.forecasting.models._tabular import Block, TabularForecaster
from pipelines.forecasting.protocols import Forecaster


def build(
    rows: int = 60_000, block: Block = "season", difference: bool = True, seed: int = 1, **params: Any
) -> Forecaster:
    """`params` are those of `sklearn.neural_network.MLPRegressor`."""
    return TabularForecaster(partial(_make, seed, params), rows, block, difference, seed)


def _make(seed: int, params: Params) -> Any:
    from sklearn.neural_network import MLPRegressor

    fixed = {"hidden_layer_sizes": (64, 32), "learning_rate_init": 3e-3, "max_iter": 200, "random_state": seed}
    return scaled(MLPRegressor(**{**fixed, "tol": 1e-3, "n_iter_no_change": 5, **params}))
