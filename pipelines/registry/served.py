"""What a run has for some series: fitted members, weights and champions, and the baseline for whoever came after it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import pandas as pd

from pipelines.evaluation import intervals, metrics
from pipelines.evaluation.backtest import at_zero
from pipelines.evaluation.candidates import build
from pipelines.evaluation.ensemble import ENSEMBLE, combine
from pipelines.evaluation.fit import Fitted
from pipelines.folders import Folder
from pipelines.panel import Panel
from pipelines.registry import runs
from pipelines.schema import BASELINE, MEMBER, MODEL, UNIQUE_ID, WEIGHT
from pipelines.settings import Workspace

Calibration = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]  # quantiles, scales, phases, as `intervals.calibrate`


@dataclass(frozen=True)
class Served:
    """`champions`: the model by series. `models`: `unique_id, model`, what is fitted. `weights`: `unique_id, member,
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
        champions = runs.champions_of(run).set_index(UNIQUE_ID)[MODEL].reindex(ids).fillna(BASELINE)
        models, weights = (
            table[table[UNIQUE_ID].isin(ids)] for table in (run.read_parquet(runs.MODELS), runs.weights_of(run))
        )
        fresh = sorted(set(ids) - set(models[UNIQUE_ID]))
        alone = pd.DataFrame({UNIQUE_ID: fresh, MEMBER: BASELINE, WEIGHT: 1.0})
        return cls(run, runs.workspace_of(run), champions, models, pd.concat([weights, alone]), fresh)

    @property
    def members(self) -> list[str]:
        """The models that are fitted to some of the series, by name."""
        return sorted(self.models[MODEL].unique())

    def load(self, panel: Panel, member: str | None = None) -> Iterator[Fitted]:
        """The fitted members, or only the one named, and the baseline wherever it is wanted: it needs no training."""
        yield from runs.load_models(self.run, panel.ids, member)
        having = self.models.loc[self.models[MODEL] == BASELINE, UNIQUE_ID]
        untrained = self.fresh if member != BASELINE else sorted(set(panel.ids) - set(having))
        if untrained:
            fitted = build(BASELINE, self.config)().fit(panel.select(untrained))
            yield Fitted(BASELINE, tuple(untrained), fitted)

    def combined(self, paths: pd.DataFrame) -> pd.DataFrame:
        """The forecasts of the champions from those of the members, `unique_id, ds, model, step, y_hat`."""
        rows = combine(paths, self.weights, ENSEMBLE)
        return rows.assign(**{MODEL: rows[UNIQUE_ID].map(self.champions)})

    def with_intervals(
        self, rows: pd.DataFrame, panel: Panel, calibration: Calibration, levels: Sequence[int]
    ) -> pd.DataFrame:
        """`rows` with `lo_*, hi_*`, at zero where the target ends there; a fresh series has the scale of its history."""
        quantiles, scales, phases = calibration
        floor = self.config.target.non_negative
        if self.fresh:
            own = metrics.seasonal_scales(panel.select(self.fresh).history, panel.season_length)
            own = own.rename(columns={metrics.SCALE_MAE: intervals.SCALE})[[UNIQUE_ID, intervals.SCALE]]
            scales = pd.concat([scales, own])
        rows = intervals.with_phase(at_zero(rows, floor), panel.frequency, panel.season_lengths)
        return intervals.apply(rows, quantiles, scales, phases, levels, floor)


def stored(run: Folder) -> Calibration:
    """What the run's intervals are made of."""
    return run.read_parquet("quantiles.parquet"), run.read_parquet("scales.parquet"), runs.phases_of(run)
