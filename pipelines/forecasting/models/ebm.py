"""Explainable boosting machine over all series (Lou et al. 2013, Nori et al. 2019): a sum of one curve per feature."""

from functools import partial
from typing import Any

import pandas as pd

from pipelines.core.plugins import Params
from pipelines.forecasting.models._additive import AdditiveForecaster
from pipelines.forecasting.models._tabular import Block, TabularForecaster
from pipelines.forecasting.protocols import Forecaster

_MISSING = "missing"


def build(
    rows: int = 30_000, block: Block = "season", difference: bool = True, seed: int = 1, **params: Any
) -> Forecaster:
    """`params`: those of `interpret.glassbox.ExplainableBoostingRegressor`. Without interactions the sum is exact."""
    make = partial(_make, seed, params)
    if params.get("interactions"):  # a curve of two features belongs to no single component
        return TabularForecaster(make, rows, block, difference, seed)
    return AdditiveForecaster(make, _terms, rows, block, difference, seed)


def _make(seed: int, params: Params) -> Any:
    from interpret.glassbox import ExplainableBoostingRegressor
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    # Its curves do not cover missing values and it warns of them: numbers become the median, texts a category.
    numbers, text = make_column_selector(dtype_exclude="category"), make_column_selector(dtype_include="category")
    median = SimpleImputer(strategy="median", keep_empty_features=True)
    filled = make_column_transformer(
        (median, numbers), (FunctionTransformer(_named), text), verbose_feature_names_out=False
    )
    fixed = {"interactions": 0, "outer_bags": 4, "max_rounds": 2000, "n_jobs": 1, "random_state": seed}
    return make_pipeline(filled.set_output(transform="pandas"), ExplainableBoostingRegressor(**{**fixed, **params}))


def _named(text: pd.DataFrame) -> pd.DataFrame:
    """Categories, with a name for missing values."""
    wider = {name: codes.cat.set_categories(codes.cat.categories.union([_MISSING])) for name, codes in text.items()}
    return pd.DataFrame(wider).fillna(_MISSING)


def _terms(model: Any, table: pd.DataFrame) -> tuple[float, pd.DataFrame]:
    """The intercept (mean of the target) and the value of each feature's curve, which is 0 on average."""
    boosted = model[-1]
    terms = boosted.eval_terms(model[:-1].transform(table))
    return float(boosted.intercept_), pd.DataFrame(terms, columns=boosted.term_names_)
