"""Earlier values of a series, and what they were like on average: nothing at or after the timestamp itself."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.indexers import BaseIndexer

from pipelines.schema import UNIQUE_ID, Y

STATISTICS = ("mean", "std", "min", "max")

Positions = npt.NDArray[np.int64]


def lags(history: pd.DataFrame, lags: Sequence[int], rolling: Sequence[int]) -> pd.DataFrame:
    """`lag_k` = y_{t−k}, and `roll_<statistic>_k` over the observed among y_{t−k} … y_{t−1}; indexed like `history`.

    Null where the series has no such value yet. `history` is sorted and on a gap-free grid, so that k rows are k steps.
    """
    series, _ = pd.factorize(history[UNIQUE_ID])
    by_series = history[Y].groupby(series, sort=False)
    columns = {f"lag_{k}": by_series.shift(k) for k in lags}
    first = np.searchsorted(series, series)
    for k in rolling:
        before = history[Y].rolling(_Before(window_size=k, first=first), min_periods=1)
        columns |= {f"roll_{statistic}_{k}": before.agg(statistic) for statistic in STATISTICS}
    return pd.DataFrame(columns, index=history.index)


class _Before(BaseIndexer):
    """The `window_size` rows before each row, none of them before `first`, the row where its series begins.

    One pass over all series: `groupby.rolling` takes six times as long on 30,000 of them.
    """

    window_size: int
    first: Positions

    def get_window_bounds(
        self,
        num_values: int = 0,
        min_periods: int | None = None,
        center: bool | None = None,
        closed: str | None = None,
        step: int | None = None,
    ) -> tuple[Positions, Positions]:
        at = np.arange(num_values, dtype=np.int64)
        return np.maximum(at - self.window_size, self.first), at
