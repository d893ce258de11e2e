"""What a regressor that knows neither gaps nor categories needs before it: medians, one column a category, one scale."""

from typing import Any

_CATEGORIES = 50  # columns of one text at most, its rarer values share the last: thousands would fill the memory


def scaled(regressor: Any) -> Any:
    """`regressor` behind the preparation, as one scikit-learn pipeline."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    text = make_column_selector(dtype_include="category")
    numbers = make_column_selector(dtype_exclude="category")
    median = SimpleImputer(strategy="median", keep_empty_features=True)
    one_hot = OneHotEncoder(sparse_output=False, handle_unknown="infrequent_if_exist", max_categories=_CATEGORIES)
    return make_pipeline(make_column_transformer((median, numbers), (one_hot, text)), StandardScaler(), regressor)
