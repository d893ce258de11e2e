"""Forecasts from a run: its fitted members, weighted into champions, with intervals. All forecasts are made here."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import pandas as pd

from pipelines.core.progress import Progress, Silent
from pipelines.forecasting import payload
from pipelines.forecasting.evaluation import fit, intervals, metrics
from pipelines.forecasting.evaluation.backtest import at_zero
from pipelines.forecasting.evaluation.candidates import build
from pipelines.forecasting.evaluation.ensemble import ENSEMBLE, combine
from pipelines.forecasting.evaluation.fit import Fitted
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.settings import Workspace
from pipelines.storage.folders import Folder
from pipelines.tables.schema import BASELINE, MEMBER, MODEL, UNIQUE_ID, WEIGHT

Calibration = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]  # quantiles, scales, phases, see `intervals.calibrate`


@dataclass(frozen=True)
class Predictor:
    """The models of a run for some series, and the forecasts from a panel.

    `champions`: the model by series. `models`: `unique_id, model`, the fitted ones. `weights`: `unique_id, member,
    weight`, the members of each champion. `fresh`: series newer than the run, served by the baseline.
    """

    run: Folder
    config: Workspace
    champions: pd.Series
    models: pd.DataFrame
    weights: pd.DataFrame
    fresh: list[str]

    @classmethod
    def of(cls, run: Folder, ids: list[str]) -> Self:
        """The predictor of `run` for the series `ids`."""
        champions = payload.champions_of(run).set_index(UNIQUE_ID)[MODEL].reindex(ids).fillna(BASELINE)
        models, weights = (
            table[table[UNIQUE_ID].isin(ids)] for table in (run.read_parquet(payload.MODELS), payload.weights_of(run))
        )
        fresh = sorted(set(ids) - set(models[UNIQUE_ID]))
        alone = pd.DataFrame({UNIQUE_ID: fresh, MEMBER: BASELINE, WEIGHT: 1.0})
        return cls(run, payload.workspace_of(run), champions, models, pd.concat([weights, alone]), fresh)

    @property
    def members(self) -> list[str]:
        """The names of the models fitted to some of the series."""
        return sorted(self.models[MODEL].unique())

    def load(self, panel: Panel, member: str | None = None) -> Iterator[Fitted]:
        """Loads the fitted members, or only the named one, and where needed the baseline, which needs no training."""
        yield from payload.load_models(self.run, panel.ids, member)
        having = self.models.loc[self.models[MODEL] == BASELINE, UNIQUE_ID]
        untrained = self.fresh if member != BASELINE else sorted(set(panel.ids) - set(having))
        if untrained:
            fitted = build(BASELINE, self.config)().fit(panel.select(untrained))
            yield Fitted(BASELINE, tuple(untrained), fitted)

    def forecast(
        self,
        panel: Panel,
        h: int,
        fitted: Iterable[Fitted] | None = None,
        member: str | None = None,
        progress: Progress | None = None,
    ) -> pd.DataFrame:
        """The `h` steps after the histories of `panel`: `unique_id, ds, model, step, y_hat`, clipped at zero if the
        target cannot be negative.

        Uses the champions, or `member` alone. `fitted`: members to use in place of the run's, such as the same ones
        fitted to another history.
        """
        members = self.load(panel, member) if fitted is None else fitted
        rows = fit.predict(members, panel, h, payload.n_model_files(self.run), progress or Silent())
        if member is None:
            rows = combine(rows, self.weights, ENSEMBLE)
            rows = rows.assign(**{MODEL: rows[UNIQUE_ID].map(self.champions)})
        return at_zero(rows, self.config.target.non_negative)

    def with_intervals(
        self, rows: pd.DataFrame, panel: Panel, calibration: Calibration, levels: Sequence[int]
    ) -> pd.DataFrame:
        """`rows` of `forecast` with `lo_*, hi_*`; a fresh series uses the scale of its history."""
        quantiles, scales, phases = calibration
        floor = self.config.target.non_negative
        if self.fresh:
            own = metrics.seasonal_scales(panel.select(self.fresh).history, panel.season_length)
            own = own.rename(columns={metrics.SCALE_MAE: intervals.SCALE})[[UNIQUE_ID, intervals.SCALE]]
            scales = pd.concat([scales, own])
        rows = intervals.with_phase(rows, panel.frequency, panel.season_lengths)
        return intervals.apply(rows, quantiles, scales, phases, levels, floor)


def calibration_of(run: Folder) -> Calibration:
    """The inputs of the run's intervals."""
    return run.read_parquet("quantiles.parquet"), run.read_parquet("scales.parquet"), payload.phases_of(run)
