"""Ridge regression over all series (Hoerl & Kennard 1970), on the features of `features.origin`."""

from functools import partial
from typing import Any

import pandas as pd

from pipelines.forecasting.models._additive import AdditiveForecaster
from pipelines.forecasting.models._scaled import scaled, sources
from pipelines.forecasting.models._tabular import Block
from pipelines.forecasting.protocols import Forecaster


def build(
    alpha: float = 10.0, rows: int = 100_000, block: Block = "season", difference: bool = True, seed: int = 1
) -> Forecaster:
    """`alpha`: shrinkage of the coefficients towards zero, in units of the scaled features."""
    return AdditiveForecaster(partial(_make, alpha), _terms, rows, block, difference, seed)


def _make(alpha: float) -> Any:
    from sklearn.linear_model import Ridge

    return scaled(Ridge(alpha))


def _terms(model: Any, table: pd.DataFrame) -> tuple[float, pd.DataFrame]:
    """The intercept, and each scaled column times its coefficient; scaled columns are 0 on average."""
    ridge = model[-1]
    terms = model[:-1].transform(table) * ridge.coef_
    return float(ridge.intercept_), pd.DataFrame(terms, columns=sources(model[0]))
