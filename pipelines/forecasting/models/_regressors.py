"""Future covariates as a numeric matrix: one column per category of text, the median for missing values."""

from typing import Any, Self

import pandas as pd

from pipelines.core.errors import ModelError
from pipelines.forecasting.panel import Panel
from pipelines.tables.schema import DS, KEY, UNIQUE_ID


class Regressors:
    """Learns the categories and medians of a panel's future covariates; `names_` are the resulting columns."""

    def fit(self, panel: Panel) -> Self:
        self.columns_ = list(panel.future)
        self.names_: list[str] = []
        if not self.columns_:
            return self
        from sklearn.compose import make_column_transformer
        from sklearn.impute import SimpleImputer
        from sklearn.preprocessing import OneHotEncoder

        rows = panel.history[self.columns_]
        text = [name for name in self.columns_ if not pd.api.types.is_numeric_dtype(rows[name])]
        numeric = [name for name in self.columns_ if name not in text]
        # Missing text is not a category: on a day without a holiday all holiday columns are zero.
        categories = {name: sorted(rows[name].dropna().unique()) for name in text}
        text = [name for name in text if categories[name]]
        one_hot = OneHotEncoder(
            categories=[categories[name] for name in text], sparse_output=False, handle_unknown="ignore"
        )
        median = SimpleImputer(strategy="median", keep_empty_features=True)
        self.encoder_: Any = make_column_transformer((median, numeric), (one_hot, text))
        width = self.encoder_.fit_transform(rows).shape[1]
        self.names_ = [f"x{i}" for i in range(width)]
        return self

    def transform(self, rows: pd.DataFrame) -> pd.DataFrame:
        """`unique_id, ds` + `names_`, in the order of `rows`; ModelError if the column of a covariate is missing."""
        keys = rows[KEY].reset_index(drop=True)
        if not self.columns_:
            return keys
        if missing := [name for name in self.columns_ if name not in rows]:
            raise ModelError(
                f"the future covariates {', '.join(missing)} are needed for the forecast steps",
                code="covariates_not_given",
                field="covariates.future",
                found=list(missing),
                remedy="Give a value of each for every step, or take it out of covariates.future.",
            )
        matrix = self.encoder_.transform(rows[self.columns_])
        return pd.concat([keys, pd.DataFrame(matrix, columns=self.names_)], axis=1)

    def sources(self) -> dict[str, str]:
        """The covariate behind each of `names_`."""
        if not self.columns_:
            return {}
        (_, _, numeric), (_, one_hot, text) = self.encoder_.transformers_[:2]
        wide = [name for name, categories in zip(text, one_hot.categories, strict=True) for _ in categories]
        return dict(zip(self.names_, [*numeric, *wide], strict=True))

    def by_series(self, rows: pd.DataFrame | None) -> dict[str, pd.DataFrame]:
        """Each series' matrix, indexed by ds; empty without covariates."""
        if rows is None or not self.columns_:
            return {}
        groups = self.transform(rows).groupby(UNIQUE_ID, sort=True)
        return {str(name): group.set_index(DS)[self.names_] for name, group in groups}
