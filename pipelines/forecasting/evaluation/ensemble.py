"""A weighted mean of models for a whole group of series, found by forward selection with replacement on the backtest.

Caruana et al. 2004: start with the best model, repeatedly add the model that lowers the loss of the mean most, and keep
the best of these means. All series of a group share the weights, so a lucky window of one series does not decide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.forecasting.evaluation.metrics import Array
from pipelines.tables.schema import CUTOFF, MEMBER, MODEL, STEP, UNIQUE_ID, WEIGHT, Y_HAT, Y

ENSEMBLE = "default_ensemble"  # name of the `default` strategy's ensemble; reserved, so no model may have it

_ROUNDS = 20  # members of a mean, so weights are multiples of about 1/20


def find(
    backtest: pd.DataFrame, scales: pd.DataFrame, groups: Mapping[tuple[str, ...], Sequence[str]], squared: bool
) -> pd.DataFrame:
    """`unique_id, member, weight`: the weights of the models of each group of series, summing to 1 per series.

    `groups`: maps models to the series that have all of them. `scales`: `unique_id, cutoff, scale`, which make the
    errors of series comparable. The loss is that of MASE, or with `squared` that of RMSSE: the mean over series and
    folds. A group is left out if its models share no fold.
    """
    parts = []
    for models, ids in groups.items():
        cube = _Cube.of(backtest[backtest[UNIQUE_ID].isin(ids) & backtest[MODEL].isin(models)], models, scales)
        if not len(cube.y):
            continue
        weights = {name: weight for name, weight in zip(models, cube.select(squared), strict=True) if weight > 0}
        named = pd.DataFrame({MEMBER: list(weights), WEIGHT: list(weights.values())})
        parts.append(pd.DataFrame({UNIQUE_ID: sorted(ids)}).merge(named, how="cross"))
    if not parts:
        return pd.DataFrame({UNIQUE_ID: [], MEMBER: [], WEIGHT: []}).astype({UNIQUE_ID: object, MEMBER: object})
    return pd.concat(parts).sort_values([UNIQUE_ID, MEMBER], ignore_index=True)


def combine(rows: pd.DataFrame, weights: pd.DataFrame, label: str) -> pd.DataFrame:
    """The weighted mean of the members' forecasts as rows of the model `label`, sorted; `weights` as `find` gives them.

    `rows`: `unique_id, ds, model, y_hat` and further keys of a row, such as cutoff, step and y. Rows that lack a member
    are left out, since a mean of the others would be another model.
    """
    if weights.empty:
        return rows.head(0)
    keys = [name for name in rows.columns if name not in (MODEL, Y_HAT)]
    members = rows.merge(weights.rename(columns={MEMBER: MODEL}), on=[UNIQUE_ID, MODEL])
    members[Y_HAT] *= members[WEIGHT]
    sums = members.groupby(keys, sort=True, dropna=False, observed=True)[[Y_HAT, WEIGHT]].sum().reset_index()
    whole = sums[WEIGHT].sub(1).abs() < 1e-6
    return sums.loc[whole].drop(columns=WEIGHT).assign(**{MODEL: label}).reset_index(drop=True)[list(rows.columns)]


def members(champions: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """`unique_id, member, weight` of what serves each series: the ensemble's members, or the champion alone."""
    alone = champions.loc[champions[MODEL] != ENSEMBLE, [UNIQUE_ID, MODEL]].rename(columns={MODEL: MEMBER})
    parts = [alone.assign(**{WEIGHT: 1.0})]
    if len(weights):
        together = champions.loc[champions[MODEL] == ENSEMBLE, UNIQUE_ID]
        parts.append(weights[weights[UNIQUE_ID].isin(together)])
    return pd.concat(parts).sort_values([UNIQUE_ID, MEMBER], ignore_index=True)


@dataclass(frozen=True)
class _Cube:
    """Scaled actuals, folds × steps, and scaled forecasts, folds × steps × models; NaN beyond a fold's end."""

    y: Array
    y_hat: Array

    @classmethod
    def of(cls, rows: pd.DataFrame, models: Sequence[str], scales: pd.DataFrame) -> "_Cube":
        folds = rows[[UNIQUE_ID, CUTOFF]].drop_duplicates().merge(scales, on=[UNIQUE_ID, CUTOFF], how="inner")
        folds = folds[folds["scale"] > 0].reset_index(drop=True)
        place = pd.MultiIndex.from_frame(folds[[UNIQUE_ID, CUTOFF]])
        fold = place.get_indexer(pd.MultiIndex.from_frame(rows[[UNIQUE_ID, CUTOFF]]))
        model = pd.Index(models).get_indexer(pd.Index(rows[MODEL]))
        known = fold >= 0
        fold, model, step = fold[known], model[known], rows[STEP].to_numpy()[known] - 1
        size = folds["scale"].to_numpy()[fold]
        steps = int(step.max()) + 1 if len(step) else 0
        y = np.full((len(folds), steps), np.nan)
        y_hat = np.full((len(folds), steps, len(models)), np.nan)
        y[fold, step] = rows[Y].to_numpy()[known] / size
        y_hat[fold, step, model] = rows[Y_HAT].to_numpy()[known] / size
        y[np.isnan(y_hat).any(axis=2)] = np.nan
        whole = ~np.isnan(y).all(axis=1)
        return cls(y[whole], y_hat[whole])

    def select(self, squared: bool) -> Array:
        """The weight of each model."""
        counts, total = np.zeros(self.y_hat.shape[2], dtype=int), np.zeros_like(self.y)
        best, chosen = np.inf, counts
        for size in range(1, _ROUNDS + 1):
            losses = [self._loss((total + self.y_hat[:, :, m]) / size, squared) for m in range(len(counts))]
            winner = int(np.argmin(losses))
            counts = counts + (np.arange(len(counts)) == winner)
            total += self.y_hat[:, :, winner]
            if losses[winner] < best:
                best, chosen = losses[winner], counts
        return np.asarray(chosen / chosen.sum())

    def _loss(self, y_hat: Array, squared: bool) -> float:
        error = (self.y - y_hat) ** 2 if squared else np.abs(self.y - y_hat)
        folds = np.nanmean(error, axis=1)
        return float(np.mean(np.sqrt(folds) if squared else folds))
