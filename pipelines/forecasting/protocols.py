"""Protocols of models."""

from typing import Literal, Protocol, Self, runtime_checkable

import pandas as pd

from pipelines.forecasting.panel import Panel


@runtime_checkable
class Forecaster(Protocol):
    """A model over a panel. Constructors only store arguments; fitted attributes end in `_`; instances can be pickled.

    Only `runs.pickles` pickles and unpickles forecasters, so a file is verified before it is unpickled.
    """

    @property
    def scope(self) -> Literal["series", "panel"]:
        """`series`: one fit per series, so a subset gives the same forecasts. `panel`: one fit over all."""
        ...

    @property
    def uses_future(self) -> bool:
        """Whether forecasts need the future covariates over the whole horizon."""
        ...

    def fit(self, panel: Panel) -> Self:
        """Learns from the histories of `panel` only."""
        ...

    def predict(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        """Forecasts the `h` steps after the histories of `panel`: `unique_id, ds, y_hat`, sorted, finite.

        `panel` may hold rows newer than those of the fit, but no new series. `future` has `unique_id, ds` and the
        future covariates for every forecast step. Further columns (`lo_*, hi_*`) are allowed.
        """
        ...


@runtime_checkable
class Explains(Protocol):
    """A forecaster that explains its forecasts; those of other models are decomposed from outside."""

    def explain(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        """`unique_id, ds, component, value`, in the unit of y: per step they sum to the result of `predict` for the
        same arguments.

        Components are `level`, `trend`, `season <length in steps>`, `holiday`, a covariate's own name and `rest` (names
        in `schema`), each at most once per step. Series whose forecast is not such a sum are left out.
        """
        ...
