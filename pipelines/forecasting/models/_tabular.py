"""Base of the global models: one regression over all series."""

from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from pipelines.core.errors import ModelError
from pipelines.forecasting.features import origin
from pipelines.forecasting.features.origin import Array, Histories, Index, Shape
from pipelines.forecasting.panel import Panel
from pipelines.tables.schema import Y_HAT

FAR = 10.0  # spreads from the level; observations beyond are not learnt from, and forecasts are clipped there
_CHUNK = 500_000  # rows forecast at once

Block = int | Literal["horizon", "season"]


class TabularForecaster:
    """`make()` returns an unfitted regressor with scikit-learn's fit and predict; text is passed as pandas categories.

    Learns from a sample of at most `rows` pairs of an origin and a step of 1 … `block` after it, see `features.origin`.
    A longer horizon is forecast block by block, treating each forecast as observed: a block of one step is the
    recursive strategy, the panel's horizon the direct one, and its shortest season a compromise. With `difference` the
    target is the change since the same phase of that season, or since the last value without a season.
    """

    scope: Literal["panel"] = "panel"
    uses_future = True
    by_place_ = False  # older runs know features by their former names

    def __init__(
        self,
        make: Callable[[], Any],
        rows: int = 300_000,
        block: Block = "horizon",
        difference: bool = False,
        seed: int = 1,
    ) -> None:
        self.make = make
        self.rows = rows
        self.block = block
        self.difference = difference
        self.seed = seed

    def fit(self, panel: Panel) -> Self:
        self.codes_ = origin.encode(panel)
        known = origin.histories(panel, self.codes_)
        self.shape_ = Shape.of(known, panel.season_lengths, panel.timezone)
        self.by_place_ = True
        season = min(self.shape_.seasons, default=1)
        named = {"horizon": panel.horizon or panel.season_length, "season": season}
        self.block_ = self.block if isinstance(self.block, int) else named[self.block]
        row, end, step = self._examples(known, self.block_)
        table, level, spread = origin.features(known, self.shape_, row, end, step)
        with np.errstate(divide="ignore", invalid="ignore"):
            target = (known.y[row, end + step] - level) / spread - self._anchor(table)
        usable = np.isfinite(target) & (np.abs(target) <= FAR)
        self.model_: Any = None
        if usable.sum() > table.shape[1]:
            self.model_ = self.make()
            self.model_.fit(self._typed(table[usable]), target[usable])
        return self

    def predict(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        grid = panel.grid(h)
        known, done = self._known(panel, grid, future), 0
        while done < h:
            block = self._ahead(known, min(self.block_, h - done))
            known, done = known.then(block), done + block.shape[1]
        return grid.assign(**{Y_HAT: known.y[:, -h:].ravel()})

    def _known(self, panel: Panel, grid: pd.DataFrame, future: pd.DataFrame | None) -> Histories:
        """The histories of `panel`, with the future covariates of the steps on `grid`."""
        if panel.future and (future is None or not set(panel.future) <= set(future)):
            raise ModelError(
                f"the future covariates {', '.join(panel.future)} are needed for the forecast steps",
                code="covariates_not_given",
                field="covariates.future",
                found=list(panel.future),
                remedy="Give a value of each for every step, or take it out of covariates.future.",
            )
        return origin.histories(panel, self.codes_, future if panel.future else grid)

    def _ahead(self, known: Histories, steps: int) -> Array:
        """The next `steps` of each series: n × steps."""
        n, length = known.y.shape
        row, step = np.repeat(np.arange(n), steps), np.tile(np.arange(1, steps + 1), n)
        parts = [
            self._chunk(known, row[start : start + _CHUNK], length - 1, step[start : start + _CHUNK])
            for start in range(0, len(row), _CHUNK)
        ]
        return np.concatenate(parts).reshape(n, steps)

    def _chunk(self, known: Histories, row: Index, end: int, step: Index) -> Array:
        table, level, spread = origin.features(known, self.shape_, row, np.full_like(row, end), step)
        forecast = self._anchor(table)
        if self.model_ is not None:
            forecast = forecast + np.asarray(self.model_.predict(self._typed(table)), dtype=float)
        return np.asarray(level + spread * np.clip(forecast, -FAR, FAR))

    def _typed(self, table: pd.DataFrame) -> pd.DataFrame:
        """The features under the names used by the model, with text codes as categories."""
        columns: dict[str, pd.Series | pd.Categorical] = {}
        for known, feature in self._names(table).items():
            codes = self.codes_.get(origin.covariate(feature) or "")
            columns[known] = table[feature]
            if codes is not None:
                place = table[feature].fillna(-1).astype(int)
                columns[known] = pd.Categorical.from_codes(place.tolist(), categories=pd.Index(list(codes)))
        return pd.DataFrame(columns, index=table.index)

    def _names(self, table: pd.DataFrame) -> dict[str, str]:
        """The model's name of each feature of `table`: its position, since some libraries restrict names."""
        if self.by_place_:
            return {f"x{place}": str(feature) for place, feature in enumerate(table)}
        return {origin.former(str(feature)): str(feature) for feature in table}

    def _anchor(self, table: pd.DataFrame) -> Array:
        """The reference of the target: the level, the same phase of the last season, or the last value."""
        if not self.difference:
            return np.zeros(len(table))
        name = f"season {min(self.shape_.seasons)} 0" if self.shape_.seasons else "newest 0"
        return table[name].fillna(0.0).to_numpy()

    def _examples(self, known: Histories, block: int) -> tuple[Index, Index, Index]:
        """Series, origin and step of the examples: all, or a uniform sample of `rows` of them."""
        length = known.y.shape[1]
        first = (~np.isnan(known.y)).argmax(axis=1)
        enough = np.minimum(2 * max((1, *self.shape_.seasons)), (length - first) // 2)
        start = first + np.maximum(enough, 1)  # the earliest origin
        origins = np.maximum(length - 1 - start, 0)
        ends = np.cumsum(origins * block)
        rng = np.random.default_rng(self.seed)
        total = int(ends[-1])
        chosen = np.arange(total) if total <= self.rows else np.sort(rng.integers(0, total, self.rows))
        row = np.searchsorted(ends, chosen, side="right")
        place = chosen - (ends[row] - origins[row] * block)
        end, step = start[row] + place // block, 1 + place % block
        inside = end + step < length
        return row[inside], end[inside], step[inside]
