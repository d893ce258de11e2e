"""Preprocessing for regressors without support for gaps or categories: medians, one column per category, scaling."""

from typing import Any

import numpy as np

_CATEGORIES = 50  # most columns per text to bound memory; rarer values share the last


def scaled(regressor: Any) -> Any:
    """A scikit-learn pipeline of the preprocessing and `regressor`."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    text = make_column_selector(dtype_include="category")
    numbers = make_column_selector(dtype_exclude="category")
    median = SimpleImputer(strategy="median", keep_empty_features=True)
    one_hot = OneHotEncoder(sparse_output=False, handle_unknown="infrequent_if_exist", max_categories=_CATEGORIES)
    return make_pipeline(make_column_transformer((median, numbers), (one_hot, text)), StandardScaler(), regressor)


def sources(preparation: Any) -> list[str]:
    """The feature behind each column of the fitted first step."""
    (_, _, numbers), (_, one_hot, text) = preparation.transformers_
    if not len(text):
        return list(numbers)
    rare = one_hot.infrequent_categories_
    widths = [
        len(categories) if few is None else len(categories) - len(few) + 1
        for categories, few in zip(one_hot.categories_, rare, strict=True)
    ]
    return [*numbers, *np.repeat(list(text), widths)]
