"""What a model must offer; whoever has these methods is one."""

from typing import Literal, Protocol, Self, runtime_checkable

import pandas as pd

from pipelines.forecasting.panel import Panel


@runtime_checkable
class Forecaster(Protocol):
    """A model over a panel. Constructors only store; fitted state ends in `_`; it survives pickling.

    Only `registry.runs` turns a forecaster into bytes and back, so a file is verified before it is unpickled.
    """

    @property
    def scope(self) -> Literal["series", "panel"]:
        """`series`: each series is fitted by itself, so a subset gives the same forecasts. `panel`: one fit over all."""
        ...

    @property
    def uses_future(self) -> bool:
        """Whether forecasts need the future covariates over the whole horizon."""
        ...

    def fit(self, panel: Panel) -> Self:
        """Learns from the histories of `panel`; sees nothing else."""
        ...

    def predict(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        """The `h` steps after the histories of `panel`, by what was learnt: `unique_id, ds, y_hat`, sorted, finite.

        `panel` may hold newer rows than the fit saw, never a series it did not see. `future` has `unique_id, ds` and
        the future covariates for every forecast step. Further columns (`lo_*, hi_*`) are allowed.
        """
        ...


@runtime_checkable
class Explains(Protocol):
    """A forecaster that can also say what its forecasts are made of; without it, they are described from outside."""

    def explain(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        """`unique_id, ds, component, value`, in the unit of y: per step they sum to what `predict` gives for the same.

        Components are `level`, `trend`, `season <length in steps>`, `holiday`, a covariate's own name and `rest`
        (names in `schema`), each at most once a step. A series whose forecast is no such sum is left out altogether.
        """
        ...
