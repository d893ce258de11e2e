"""Metric of the M5 competition: RMSSE of the series and of their sums, weighted by revenue."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.tables.schema import DS, UNIQUE_ID, Y_HAT, Y

Array = npt.NDArray[np.float64]

LEVELS: dict[str, list[str]] = {
    "total": [],
    "state": ["state_id"],
    "store": ["store_id"],
    "category": ["cat_id"],
    "department": ["dept_id"],
    "state × category": ["state_id", "cat_id"],
    "state × department": ["state_id", "dept_id"],
    "store × category": ["store_id", "cat_id"],
    "store × department": ["store_id", "dept_id"],
    "item": ["item_id"],
    "item × state": ["item_id", "state_id"],
    "item × store": ["item_id", "store_id"],
}


def wrmsse(train: pd.DataFrame, forecasts: pd.DataFrame, static: pd.DataFrame, price: str) -> pd.Series:
    """WRMSSE of each of the 12 levels, by name; their mean is the competition's score. Unitless, lower is better.

    Σ w_i √(MSE_i / scale_i) over the sums i of a level: scale_i = mean (y_t − y_{t−1})² over the training days after
    the first sale; w_i = the share of i in the dollar sales of the last training days, as many as are forecast
    (Makridakis, Spiliotis & Assimakopoulos 2022). `train`: `unique_id, ds, y` and the price; `forecasts`: `unique_id,
    ds, y, y_hat` of every series of `static`; a day missing in a series counts as 0.
    """
    y = _wide(train, train[Y], static)
    days = forecasts[DS].nunique()
    dollars = _wide(train, train[Y] * train[price], static)[:, -days:].sum(axis=1)
    error = _wide(forecasts, forecasts[Y] - forecasts[Y_HAT], static)
    return pd.Series(
        {name: _level(_codes(static, columns), y, error, dollars) for name, columns in LEVELS.items()}, name="wrmsse"
    )


def _level(codes: npt.NDArray[np.intp], y: Array, error: Array, dollars: Array) -> float:
    """WRMSSE of one level. Sums without sales in the weighted days count for nothing, whatever their scale."""
    weights = _sums(codes, dollars[:, None])[:, 0]
    scale = _scale(_sums(codes, y))
    mse = (_sums(codes, error) ** 2).mean(axis=1)
    rmsse = np.sqrt(np.divide(mse, scale, out=np.zeros_like(mse), where=weights > 0))
    return float((weights * rmsse).sum() / weights.sum())


def _scale(y: Array) -> Array:
    """Mean squared difference of neighbouring days, from the first sale of each row on."""
    launched = np.cumsum(y != 0, axis=1) > 0
    squares = np.where(launched[:, :-1], np.diff(y, axis=1) ** 2, 0.0)
    count = launched[:, :-1].sum(axis=1)
    scale: Array = np.divide(squares.sum(axis=1), count, out=np.full(len(y), np.nan), where=count > 0)
    return scale


def _codes(static: pd.DataFrame, columns: list[str]) -> npt.NDArray[np.intp]:
    if not columns:
        return np.zeros(len(static), dtype=np.intp)
    return static.groupby(columns, sort=True).ngroup().to_numpy().astype(np.intp)


def _sums(codes: npt.NDArray[np.intp], values: Array) -> Array:
    """The rows of `values` added up by code, shape (codes, days)."""
    sums = np.zeros((codes.max() + 1, values.shape[1]))
    np.add.at(sums, codes, values)
    return sums


def _wide(rows: pd.DataFrame, values: pd.Series, static: pd.DataFrame) -> Array:
    """One row per series in the order of `static`, one column per day."""
    days, columns = np.unique(rows[DS].to_numpy(), return_inverse=True)
    place = pd.Index(static[UNIQUE_ID]).get_indexer(pd.Index(rows[UNIQUE_ID]))
    wide = np.zeros((len(static), len(days)))
    wide[place, columns] = values.to_numpy(dtype=float)
    return wide
