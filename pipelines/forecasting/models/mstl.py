"""Several seasons by repeated LOESS (MSTL; Bandara et al. 2021), the rest by exponential smoothing, one per series."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from pipelines.forecasting.models._components import long
from pipelines.forecasting.models._local import Array, LocalForecaster, attempt, targets
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.protocols import Forecaster
from pipelines.tables.schema import LEVEL, TREND, UNIQUE_ID, season


def build(season_lengths: Sequence[int] | None = None, max_history: int | None = None) -> Forecaster:
    """`season_lengths` in steps, by default those of the workspace."""
    return MstlForecaster(season_lengths, max_history)


class MstlForecaster(LocalForecaster):
    """Leaves out seasons that do not fit into a series twice; without any season, only the trend is forecast.

    The seasons are not parameters, so newer rows are decomposed again; the smoothing of the trend stays as learnt.
    """

    def __init__(self, season_lengths: Sequence[int] | None, max_history: int | None) -> None:
        super().__init__(_make, max_history=max_history)
        self.season_lengths = season_lengths

    def explain(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        """`level` is the smoothed level at the end of the history, `trend` the change from there; plus each season."""
        rows = dict(list(panel.grid(h).groupby(UNIQUE_ID)))
        return long((rows[name], self._explain_one(name, y, h)) for name, y in targets(panel, self.max_history))

    def _explain_one(self, name: str, y: Array, h: int) -> dict[str, Array]:
        model, _ = self.fitted_[name]
        parts = attempt(partial(_parts, model, y, h)) if model is not None else None
        if parts is None or not np.isfinite(list(parts.values())).all():
            return {LEVEL: self._one(name, y, h)}
        return dict(parts)

    def _season(self, panel: Panel, n: int) -> list[int]:
        return [season for season in self.season_lengths or panel.season_lengths if 1 < season <= n // self.min_seasons]


def _make(seasons: list[int]) -> object:
    from statsforecast.models import MSTL, AutoETS

    trend = AutoETS(model="ZZN")
    return MSTL(seasons, trend) if seasons else trend


def _parts(model: Any, y: Array, h: int) -> dict[str, Array]:
    """The single components that `MSTL.forward` sums; for the rows of the fit they equal `MSTL.predict`."""
    from statsforecast.ets import forecast_ets, forward_ets
    from statsforecast.mstl import mstl

    trend, seasons = model, {}
    if hasattr(model, "trend_forecaster"):
        table, trend = mstl(y, model.season_length), model.trend_forecaster
        columns = table.filter(regex="^seasonal")
        seasons = {
            season(m): np.resize(table[name].tail(m), h) for m, name in zip(model.season_length, columns, strict=True)
        }
        y = table[["trend", "remainder"]].sum(axis=1).to_numpy()
    smoothed = forward_ets(trend.model_, y)
    level = float(smoothed["states"][-1, 0])
    return {LEVEL: np.full(h, level), TREND: forecast_ets(smoothed, h)["mean"] - level, **seasons}
