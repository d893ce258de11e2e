"""Profile of each series: length, demand class, strength of trend and seasonality, outliers."""

import itertools

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.tables.schema import DS, KEY, UNIQUE_ID, Y

ADI_LIMIT, CV2_LIMIT = 1.32, 0.49  # Syntetos, Boylan & Croston 2005
_OUTLIER_RANGES = 5.0  # interquartile ranges beyond a quartile
_STL_SEASONS = 10  # newest seasons on which the strengths are measured
_STL_STEPS = 500  # or this many steps, whichever is more

_Array = npt.NDArray[np.float64]


def profile(observations: pd.DataFrame, spans: pd.DataFrame, statics: list[str], season_length: int) -> pd.DataFrame:
    """One row per series: `unique_id`, static attributes, `first_ds, last_ds, last_y, n, n_missing, share_zero, …`.

    `n` counts observed targets within the span, `n_missing` the steps without one. A series without any observed
    target has n = 0 and the class `empty`.
    """
    attributes = observations.groupby(UNIQUE_ID, sort=True)[statics].first().reset_index()
    series = attributes.merge(spans, on=UNIQUE_ID, how="left", sort=True)
    inside = within(observations[[*KEY, Y]], spans)
    groups = inside.groupby(UNIQUE_ID)[Y]
    sizes = inside[Y].where(inside[Y] != 0).groupby(inside[UNIQUE_ID]).agg(["mean", "std", "count"])
    table = pd.DataFrame({"n": groups.count(), "steps": groups.size(), "nonzero": sizes["count"]})
    table["constant"] = groups.max() == groups.min()
    table["cv2"] = (sizes["std"].fillna(0.0) / sizes["mean"]) ** 2
    table = table.reindex(series[UNIQUE_ID])
    counts = table[["n", "steps", "nonzero"]].fillna(0).astype(int)
    series["n"] = counts["n"].to_numpy()
    series["n_missing"] = (counts["steps"] - counts["n"]).to_numpy()
    series["share_zero"] = (1 - counts["nonzero"] / counts["n"].where(counts["n"] > 0)).to_numpy()
    series["constant"] = table["constant"].eq(True).to_numpy()
    series["demand_class"] = demand_class(counts["n"], counts["nonzero"], table["cv2"])
    series["leading_zeros"] = series["leading_zeros"].fillna(0).astype(int)
    outliers = inside[find_outliers(inside)].groupby(UNIQUE_ID).size()
    series["n_outliers"] = series[UNIQUE_ID].map(outliers).fillna(0).astype(int)
    series["last_y"] = series[UNIQUE_ID].map(groups.last())
    return series.merge(strengths(inside, season_length), on=UNIQUE_ID, how="left")


def within(observations: pd.DataFrame, spans: pd.DataFrame) -> pd.DataFrame:
    """The rows within the span of their series."""
    place = pd.Index(spans[UNIQUE_ID]).get_indexer(pd.Index(observations[UNIQUE_ID]))
    ends = spans[["first_ds", "last_ds"]].reset_index(drop=True).reindex(place)  # missing for a series without a span
    ds = observations[DS].to_numpy()
    inside = (ds >= ends["first_ds"].to_numpy()) & (ds <= ends["last_ds"].to_numpy())
    rows = observations[inside]
    rows.index = pd.RangeIndex(len(rows))
    return rows


def demand_class(n: pd.Series, nonzero: pd.Series, cv2: pd.Series) -> npt.NDArray[np.object_]:
    """smooth, erratic, intermittent or lumpy by the mean interval between demands and the CV² of their sizes.

    `zero` if nothing was ever sold, `empty` if nothing was ever observed.
    """
    frequent = (n / nonzero.where(nonzero > 0)) < ADI_LIMIT
    steady = cv2 < CV2_LIMIT
    return np.select(
        [n.eq(0), nonzero.eq(0), frequent & steady, frequent & ~steady, ~frequent & steady],
        ["empty", "zero", "smooth", "erratic", "intermittent"],
        default="lumpy",
    ).astype(object)


def find_outliers(rows: pd.DataFrame) -> pd.Series:
    """Targets more than 5 interquartile ranges outside the quartiles of their series' non-zero values: flagged only."""
    sizes = rows[Y].where(rows[Y] != 0)
    groups = sizes.groupby(rows[UNIQUE_ID])
    low, high = rows[UNIQUE_ID].map(groups.quantile(0.25)), rows[UNIQUE_ID].map(groups.quantile(0.75))
    reach = _OUTLIER_RANGES * (high - low)
    return (reach > 0) & ((sizes > high + reach) | (sizes < low - reach))


def strengths(rows: pd.DataFrame, season_length: int) -> pd.DataFrame:
    """`unique_id, seasonal_strength, trend_strength` in 0..1 from an STL; null for short or constant series.

    1 − Var(remainder) / Var(component + remainder), at least 0 (Hyndman & Athanasopoulos, FPP3 §4.3).
    """
    period, newest = max(season_length, 2), max(_STL_SEASONS * season_length, _STL_STEPS)
    histories = {name: _whole(y)[-newest:] for name, y in rows.groupby(UNIQUE_ID, sort=True)[Y]}
    table = pd.DataFrame(np.nan, index=list(histories), columns=["seasonal_strength", "trend_strength"])
    usable = [name for name, y in histories.items() if len(y) > 2 * period and np.ptp(y) > 0]
    for _, names in itertools.groupby(
        sorted(usable, key=lambda name: len(histories[name])), lambda n: len(histories[n])
    ):
        same_length = list(names)
        y = np.stack([histories[name] for name in same_length])
        seasonal, trend = _stl(y, period)
        remainder = y - seasonal - trend
        if season_length > 1:
            table.loc[same_length, "seasonal_strength"] = _strength(remainder, seasonal)
        table.loc[same_length, "trend_strength"] = _strength(remainder, trend)
    return table.rename_axis(UNIQUE_ID).reset_index()


def _whole(y: pd.Series) -> _Array:
    """The values with gaps interpolated."""
    whole: _Array = (y.interpolate(limit_direction="both") if y.hasnans else y).to_numpy()
    return whole


def _stl(y: _Array, period: int) -> tuple[_Array, _Array]:
    """Seasonal part and trend of each row of `y`.

    STL without robustness weights is linear, so the decomposition of a sum is the sum of the decompositions. Hence one
    run per step of a row is enough for any number of rows.
    """
    from statsmodels.tsa.seasonal import STL

    if len(y) > y.shape[1]:
        seasonal, trend = _stl(np.eye(y.shape[1]), period)
        return y @ seasonal, y @ trend
    parts = [STL(row, period=period).fit() for row in y]
    return np.stack([part.seasonal for part in parts]), np.stack([part.trend for part in parts])


def _strength(remainder: _Array, component: _Array) -> _Array:
    """The strength of the component in each row."""
    total = np.var(component + remainder, axis=1)
    share = np.divide(np.var(remainder, axis=1), total, out=np.ones_like(total), where=total > 0)
    strength: _Array = np.maximum(0.0, 1.0 - share)
    return strength
