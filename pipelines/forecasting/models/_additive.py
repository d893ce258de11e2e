"""Additive regression over all series: one term per feature, so that its forecasts can be explained."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from pipelines.forecasting.features import origin
from pipelines.forecasting.features.calendar import cycle_length, cycles
from pipelines.forecasting.features.origin import Array, Histories, Index
from pipelines.forecasting.models._components import long
from pipelines.forecasting.models._tabular import FAR, Block, TabularForecaster
from pipelines.forecasting.panel import Panel
from pipelines.tables.schema import LEVEL, REST, TREND, season

_CHUNK = 200_000  # rows explained at once; each needs one more copy of its features per season than a forecast

Terms = Callable[[Any, pd.DataFrame], tuple[float, pd.DataFrame]]
Parts = dict[str, Array]


class AdditiveForecaster(TabularForecaster):
    """`terms(model, table)`: a constant, and a table of each feature's contribution with the rows of `table`.

    Columns are named after the features in `table`; a name may occur several times. The terms and the constant sum to
    the prediction of the model, and each term is 0 on average over the training examples.
    """

    def __init__(
        self, make: Callable[[], Any], terms: Terms, rows: int, block: Block, difference: bool, seed: int
    ) -> None:
        super().__init__(make, rows, block, difference, seed)
        self.terms = terms

    def explain(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        """The terms of each step by `component_of`, in the unit of y.

        A covariate: the contribution of its value relative to its mean over the examples. `season m`: the calendar's
        cycle of m steps, plus the effect of the seasonal shape in the past values used as features: their deviation
        from the means of their seasons, and for a longer season the deviation of these means in turn. `level`: all
        other terms at the start of the forecast; `trend`: their change from there. `rest`: what is clipped off a
        forecast too far from the level.

        Beyond the first block, earlier forecasts count as observed, so effects of covariates on them are part of the
        level.
        """
        grid = panel.grid(h)
        known, done, blocks = self._known(panel, grid, future), 0, []
        while done < h:
            blocks.append(self._explain_block(known, min(self.block_, h - done)))
            block = np.sum(list(blocks[-1].values()), axis=0)
            known, done = known.then(block), done + block.shape[1]
        parts = {name: np.hstack([block[name] for block in blocks]) for name in blocks[0]}
        start = parts[LEVEL][:, :1]
        parts[TREND] = parts.get(TREND, 0.0) + parts[LEVEL] - start  # a covariate may have any name
        parts[LEVEL] = np.repeat(start, h, axis=1)
        return long([(grid, {name: values.ravel() for name, values in parts.items()})])

    def _explain_block(self, known: Histories, steps: int) -> Parts:
        """The components of the next `steps` of each series, n × steps each; their sum is the forecast."""
        n = len(known.ids)
        row, step = np.repeat(np.arange(n), steps), np.tile(np.arange(1, steps + 1), n)
        chunks = [
            self._explain_rows(known, row[start : start + _CHUNK], step[start : start + _CHUNK])
            for start in range(0, len(row), _CHUNK)
        ]
        return {name: np.concatenate([chunk[name] for chunk in chunks]).reshape(n, steps) for name in chunks[0]}

    def _explain_rows(self, known: Histories, row: Index, step: Index) -> Parts:
        end = np.full_like(row, known.y.shape[1] - 1)
        table, level, spread = origin.features(known, self.shape_, row, end, step)
        constant, told = self._told(table)
        anchor = self._anchor(table)
        parts = {LEVEL: constant + anchor, REST: np.zeros(len(row))}
        for feature, values in told.items():
            name = component_of(str(feature), known.frequency)
            parts[name] = parts.get(name, 0.0) + values.to_numpy()
        total = np.sum(list(parts.values()), axis=0)
        shaped = anchor + told.sum(axis=1).to_numpy()
        for m, flat in self._flattened(known, row, step, table, level, np.where(spread > 0, spread, 1.0)):
            flatter = self._anchor(flat) + self._told(flat)[1].sum(axis=1).to_numpy()
            parts[season(m)] = parts.get(season(m), 0.0) + shaped - flatter
            parts[LEVEL] = parts[LEVEL] - (shaped - flatter)
            shaped = flatter
        parts[REST] = parts[REST] + np.clip(total, -FAR, FAR) - total
        parts = {name: spread * values for name, values in parts.items()}
        return {**parts, LEVEL: level + parts[LEVEL]}

    def _told(self, table: pd.DataFrame) -> tuple[float, pd.DataFrame]:
        if self.model_ is None:
            return 0.0, pd.DataFrame(index=table.index)
        constant, told = self.terms(self.model_, self._typed(table))
        return constant, told.rename(columns=self._names(table))

    def _flattened(
        self, known: Histories, row: Index, step: Index, table: pd.DataFrame, level: Array, unit: Array
    ) -> Iterator[tuple[int, pd.DataFrame]]:
        """Yields the features with seasonal shape removed step by step: for each season, shortest first, its length and
        the features in which every value at a phase is replaced by the mean of its stretch of that length, counted back
        from the origin.
        """
        seasons = self.shape_.seasons
        for width in seasons:
            means = _stretches(known.y, width)
            flat: Parts = {}
            for m, phases in zip(seasons, self.shape_.phases, strict=True):
                back = m * -(-step // m) - step  # steps from the newest value at the phase to the origin
                same = []
                for k in range(phases):
                    stretch = (back + k * m) // width
                    inside = np.minimum(stretch, means.shape[1] - 1)
                    same.append(np.where(stretch == inside, means[row, inside] - level, np.nan) / unit)
                flat |= {f"season {m} {k}": values for k, values in enumerate(same)}
                flat[f"season {m} mean"] = origin.mean(same)
            yield width, table.assign(**flat)


def component_of(feature: str, frequency: str) -> str:
    """The component of a feature's term (see `features.origin`), before seasons are separated from the level."""
    name = origin.covariate(feature)
    if name is not None:
        return name
    cycle = feature.rpartition("_")[0]
    return season(cycle_length(cycle, frequency)) if cycle in cycles(frequency) else LEVEL


def _stretches(y: Array, width: int) -> Array:
    """The means of `width` steps each of histories (n, T), newest first; the last stretch may be shorter."""
    n, length = y.shape
    padded = np.hstack([y[:, ::-1], np.full((n, -length % width), np.nan)])
    return origin.mean(np.moveaxis(padded.reshape(n, -1, width), -1, 0))
