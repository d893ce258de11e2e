"""Ridge regression over all series (Hoerl & Kennard 1970), on the features of `features.origin`."""

from functools import partial
from typing import Any

from pipelines.models._scaled import scaled
from pipelines.models._tabular import Block, TabularForecaster
from pipelines.protocols import Forecaster


def build(
    alpha: float = 10.0, rows: int = 100_000, block: Block = "season", difference: bool = True, seed: int = 1
) -> Forecaster:
    """`alpha`: how strongly coefficients are drawn to zero, in units of the scaled features."""
    return TabularForecaster(partial(_make, alpha), rows, block, difference, seed)


def _make(alpha: float) -> Any:
    from sklearn.linear_model import Ridge

    return scaled(Ridge(alpha))
