"""The only way from a run to forecasts: its fitted members, weighed into champions, with intervals."""

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

Calibration = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]  # quantiles, scales, phases, as `intervals.calibrate`


@dataclass(frozen=True)
class Predictor:
    """What a run has for some series, and the forecasts that it makes of a panel.

    `champions`: the model by series. `models`: `unique_id, model`, what is fitted. `weights`: `unique_id, member,
    weight`, what a champion is made of. `fresh`: the series that came after the run; the baseline serves them.
    """

    run: Folder
    config: Workspace
    champions: pd.Series
    models: pd.DataFrame
    weights: pd.DataFrame
    fresh: list[str]

    @classmethod
    def of(cls, run: Folder, ids: list[str]) -> Self:
        """What `run` has for the series `ids`."""
        champions = payload.champions_of(run).set_index(UNIQUE_ID)[MODEL].reindex(ids).fillna(BASELINE)
        models, weights = (
            table[table[UNIQUE_ID].isin(ids)] for table in (run.read_parquet(payload.MODELS), payload.weights_of(run))
        )
        fresh = sorted(set(ids) - set(models[UNIQUE_ID]))
        alone = pd.DataFrame({UNIQUE_ID: fresh, MEMBER: BASELINE, WEIGHT: 1.0})
        return cls(run, payload.workspace_of(run), champions, models, pd.concat([weights, alone]), fresh)

    @property
    def members(self) -> list[str]:
        """The models that are fitted to some of the series, by name."""
        return sorted(self.models[MODEL].unique())

    def load(self, panel: Panel, member: str | None = None) -> Iterator[Fitted]:
        """The fitted members, or only the one named, and the baseline wherever it is wanted: it needs no training."""
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
        """The `h` steps after the histories of `panel`: `unique_id, ds, model, step, y_hat`, at zero where the target ends there.

        By the champions, or by `member` alone. `fitted`: members in place of those that the run has, such as the same ones
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
        """`rows` of `forecast` with `lo_*, hi_*`; a fresh series has the scale of its history."""
        quantiles, scales, phases = calibration
        floor = self.config.target.non_negative
        if self.fresh:
            own = metrics.seasonal_scales(panel.select(self.fresh).history, panel.season_length)
            own = own.rename(columns={metrics.SCALE_MAE: intervals.SCALE})[[UNIQUE_ID, intervals.SCALE]]
            scales = pd.concat([scales, own])
        rows = intervals.with_phase(rows, panel.frequency, panel.season_lengths)
        return intervals.apply(rows, quantiles, scales, phases, levels, floor)


def calibration_of(run: Folder) -> Calibration:
    """What the run's intervals are made of."""
    return run.read_parquet("quantiles.parquet"), run.read_parquet("scales.parquet"), payload.phases_of(run)
