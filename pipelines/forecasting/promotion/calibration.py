"""Calibration of intervals beyond what a run stores: for other levels, or for one of its models alone."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pipelines.forecasting.evaluation import intervals
from pipelines.forecasting.evaluation.metrics import ratio
from pipelines.forecasting.settings import Workspace
from pipelines.storage.folders import Folder
from pipelines.tables import parquet
from pipelines.tables.schema import CUTOFF, DS, METRIC, MODEL, STEP, UNIQUE_ID, VALUE, Y_HAT, Y

_COLUMNS = [UNIQUE_ID, CUTOFF, DS, MODEL, STEP, Y, Y_HAT]


def calibrate(
    run: Folder, levels: Sequence[int], workspace: Workspace, model: str | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Quantiles, scales and phases as `intervals.calibrate` gives them, from the run's stored backtest.

    Uses the errors of each series' champion, or of `model` on all series it was backtested on. For the run's own levels
    the results equal the stored ones. `workspace` is the run's.
    """
    won = champion_rows(run, _COLUMNS, model)
    seasons = workspace.season_lengths or (1,)
    won = intervals.with_phase(won, workspace.frequency, seasons)
    scales = run.read_parquet("scales.parquet")  # older runs store only the seasonal scale
    newest = scales[[UNIQUE_ID, intervals.SEASONAL if intervals.SEASONAL in scales else intervals.SCALE]]
    newest = newest.set_axis([UNIQUE_ID, intervals.SCALE], axis=1)
    return intervals.calibrate(won, fold_scales(run), newest, levels, workspace.horizon or 1)


def champion_rows(run: Folder, columns: Sequence[str], model: str | None = None) -> pd.DataFrame:
    """`columns` of the run's stored backtest: the rows of each series' champion, or all rows of `model`.

    `columns` hold at least `unique_id` and `model`; those that the backtest lacks are left out.
    """
    champions = run.read_parquet("champions.parquet").set_index(UNIQUE_ID)[MODEL]
    file = run.open_parquet("backtest.parquet", [UNIQUE_ID, MODEL])
    parts = []
    for piece in parquet.pieces(file, [name for name in columns if name in parquet.column_names(file)]):
        rows = piece.to_pandas()  # in pieces, since most rows belong to other models
        wanted = rows[MODEL].astype(object) == (rows[UNIQUE_ID].map(champions) if model is None else model)
        parts.append(rows[wanted].astype({UNIQUE_ID: object, MODEL: object}))
    table: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return table


def fold_scales(run: Folder) -> pd.DataFrame:
    """`unique_id, cutoff, scale`: the scale of each fold, computed from stored metrics as mae / mase.

    Uses the model with the largest error, since 0 / 0 is undefined; NaN if no model has one.
    """
    file = run.open_parquet("metrics.parquet", [UNIQUE_ID, MODEL, METRIC])
    parts = []
    for piece in parquet.pieces(file, [UNIQUE_ID, CUTOFF, MODEL, METRIC, VALUE]):
        rows = piece.to_pandas()
        parts.append(rows[rows[METRIC].isin(["mae", "mase"])].astype(dict.fromkeys((UNIQUE_ID, MODEL, METRIC), object)))
    values = pd.concat(parts).pivot(index=[UNIQUE_ID, CUTOFF, MODEL], columns=METRIC, values=VALUE)
    values = values.reindex(columns=["mae", "mase"]).reset_index().sort_values("mae", na_position="first")
    largest = values.groupby([UNIQUE_ID, CUTOFF], sort=True).tail(1).sort_values([UNIQUE_ID, CUTOFF], ignore_index=True)
    mae, mase = (largest[name].to_numpy(dtype=np.float64) for name in ("mae", "mase"))
    scales: pd.DataFrame = largest[[UNIQUE_ID, CUTOFF]].assign(**{intervals.SCALE: ratio(mae, mase)})
    return scales
