"""Forecasts against actuals: the project's metrics, averaged over series."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from pipelines.forecasting.evaluation import metrics
from pipelines.tables.schema import CUTOFF, DS, METRIC, MODEL, UNIQUE_ID, VALUE, Y_HAT, Y, hi, lo


def errors(
    train: pd.DataFrame, test: pd.DataFrame, forecasts: pd.DataFrame, m: int, levels: Sequence[int]
) -> dict[str, float]:
    """Mean of each metric over the series for which it is defined, and `rmse_all` over all points.

    Raises ValueError unless every row of `test` has a forecast.
    """
    bounds = [bound(level) for level in levels for bound in (lo, hi) if bound(level) in forecasts]
    both = test.merge(forecasts[[UNIQUE_ID, DS, Y_HAT, *bounds]], on=[UNIQUE_ID, DS], how="left", validate="one_to_one")
    if lacking := int(both[Y_HAT].isna().sum()):
        raise ValueError(f"{lacking:,} of {len(both):,} values have no forecast.")
    cutoff = train[DS].max()
    scales = metrics.scales_at(train, [cutoff], m)
    scores = metrics.evaluate(both.assign(**{CUTOFF: cutoff, MODEL: "forecast"}), scales, levels)
    means = scores.groupby(METRIC)[VALUE].mean()
    rmse_all = np.sqrt(metrics.squared_error(both[Y].to_numpy(float), both[Y_HAT].to_numpy(float)).mean())
    return {**{str(name): float(value) for name, value in means.items()}, "rmse_all": float(rmse_all)}


def owa(means: Mapping[str, float], naive2: Mapping[str, float]) -> float:
    """½ (sMAPE / sMAPE of Naive2 + MASE / MASE of Naive2), unitless, lower is better (M4)."""
    return (means["smape"] / naive2["smape"] + means["mase"] / naive2["mase"]) / 2
