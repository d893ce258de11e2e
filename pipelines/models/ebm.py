"""An explainable boosting machine over all series (Lou et al. 2013, Nori et al. 2019): a sum of one curve a feature."""

from functools import partial
from typing import Any

from pipelines.models._tabular import Block, TabularForecaster
from pipelines.protocols import Forecaster


def build(
    rows: int = 30_000, block: Block = "season", difference: bool = True, seed: int = 1, **params: Any
) -> Forecaster:
    """`params` are those of `interpret.glassbox.ExplainableBoostingRegressor`; without interactions the sum is exact."""
    return TabularForecaster(partial(_make, seed, params), rows, block, difference, seed)


def _make(seed: int, params: dict[str, Any]) -> Any:
    from interpret.glassbox import ExplainableBoostingRegressor

    fixed = {"interactions": 0, "outer_bags": 4, "max_rounds": 2000, "n_jobs": 1, "random_state": seed}
    return ExplainableBoostingRegressor(**{**fixed, **params})
