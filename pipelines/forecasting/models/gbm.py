"""Gradient-boosted trees over all series (LightGBM, Ke et al. 2017): lags, calendar, covariates and attributes."""

from functools import partial
from typing import Any, Literal

from pipelines.core.plugins import Params
from pipelines.forecasting.models._tabular import Block, TabularForecaster
from pipelines.forecasting.protocols import Forecaster

# Moderate values: small steps, and leaves of a few dozen examples.
_TREES: Params = {
    "n_estimators": 300,
    "learning_rate": 0.06,
    "num_leaves": 63,
    "min_child_samples": 50,
    "colsample_bytree": 0.7,
    "subsample": 0.7,
    "subsample_freq": 1,
    "max_bin": 127,
}


def build(
    objective: Literal["median", "mean"] = "median",
    rows: int = 300_000,
    block: Block = "horizon",
    difference: bool = False,
    seed: int = 1,
    **params: Any,
) -> Forecaster:
    """`objective`: the loss, which decides what is forecast; `params` are those of `lightgbm.LGBMRegressor`."""
    return TabularForecaster(partial(_make, objective, seed, params), rows, block, difference, seed)


def _make(objective: str, seed: int, params: Params) -> Any:
    from lightgbm import LGBMRegressor

    loss = {"median": "l1", "mean": "l2"}[objective]
    fixed = {"objective": loss, "random_state": seed, "deterministic": True, "verbose": -1}
    return LGBMRegressor(**{**_TREES, **fixed, **params})
