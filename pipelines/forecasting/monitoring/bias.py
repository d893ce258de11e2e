"""Bias detection: a CUSUM per series over batches of forecasts (Page 1954).

Errors of one forecast set at neighbouring steps are correlated, so one observation is a batch of steps: its mean error
in units of the spread of such means about zero in the backtest. Batches do not overlap and are nearly normal. With an
allowance of 0.5 and a limit of 5, there is one false alarm in 465 batches, and a bias of one standard deviation is
found after 10.4 batches (Montgomery 2013, two-sided). A batch counts for at most three standard deviations, so that a
single one cannot raise an alarm.
"""

import numpy as np
import pandas as pd

from pipelines.forecasting.evaluation.metrics import Array, ratio
from pipelines.forecasting.monitoring import evidence
from pipelines.forecasting.monitoring.evidence import CALM, STATUS
from pipelines.forecasting.thresholds import Bias, Evidence
from pipelines.tables.schema import UNIQUE_ID, VALUE

COLUMNS = [UNIQUE_ID, "up", "down", "score", "n", STATUS, "p_value"]

_MOST = 3.0  # standard deviations per batch at most
_CAP = 2.0  # cap of a sum in limits, so that a recovered series returns to normal soon
_OVERSHOOT = 1.166  # mean overshoot of a discrete random walk over a boundary, in standard deviations (Siegmund 1985)
_FLOOR = 0.02**2  # minimum variance of batch means, in squared scales


def scores(bias: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """`unique_id, score`: the batch's bias as a standard normal score; positive: under-forecast.

    `bias`: `unique_id, value` in units of the series' scale; `reference`: the same of each fold of the backtest.
    """
    folds = reference[VALUE].pow(2).groupby(reference[UNIQUE_ID].to_numpy())
    square, count = folds.mean(), folds.count()
    variance, freedom = evidence.moderated(square.to_numpy(dtype=float), int(count.max()) if len(count) else 0)
    table = pd.DataFrame({"sd": np.sqrt(np.maximum(variance, _FLOOR)), "freedom": freedom}, index=square.index)
    mine = table.reindex(bias[UNIQUE_ID])
    t = ratio(bias[VALUE].to_numpy(dtype=float), mine["sd"].to_numpy())
    return bias[[UNIQUE_ID]].assign(score=evidence.normal_score(t, mine["freedom"].to_numpy()))


def advance(up: Array, down: Array, score: Array, settings: Bias) -> tuple[Array, Array]:
    """Both sums after one more batch, in standard deviations, shape of `score`; unchanged where that is null.

    up = max(0, up + z − allowance), down = max(0, down − z − allowance).
    """
    z = np.clip(np.nan_to_num(score), -_MOST, _MOST)
    known, cap = ~np.isnan(score), _CAP * settings.limit
    rise = np.clip(up + z - settings.allowance, 0, cap)
    fall = np.clip(down - z - settings.allowance, 0, cap)
    return np.where(known, rise, up), np.where(known, fall, down)


def follow(before: pd.DataFrame, batch: pd.DataFrame, settings: Bias) -> pd.DataFrame:
    """The state `unique_id, up, down, score, n` after one more batch; new series start at 0."""
    state = before[[UNIQUE_ID, "up", "down", "n"]].merge(batch, on=UNIQUE_ID, how="outer")  # sorted
    old_up, old_down = (np.nan_to_num(state[name].to_numpy(dtype=float)) for name in ("up", "down"))
    score = state["score"].to_numpy(dtype=float)
    up, down = advance(old_up, old_down, score, settings)
    n = np.nan_to_num(state["n"].to_numpy(dtype=float)).astype(np.int64) + ~np.isnan(score)
    return pd.DataFrame({UNIQUE_ID: state[UNIQUE_ID], "up": up, "down": down, "score": score, "n": n})


def status(state: pd.DataFrame, before: pd.DataFrame, settings: Bias, wanted: Evidence) -> pd.DataFrame:
    """The table of biases, `COLUMNS`: a warning above the limit, an alert if also significant among all series.

    `p_value`: the probability of such a sum without a bias, about 2 exp(−2 · allowance · (sum + 1.166)) (Siegmund
    1985). A status is lowered once the sum is below half of the limit.
    """
    sums = np.maximum(*(state[name].to_numpy(dtype=float) for name in ("up", "down")))
    p_value = np.minimum(1.0, 2 * np.exp(-2 * settings.allowance * (sums + _OVERSHOOT)))
    over = sums > settings.limit
    alert = over & evidence.discoveries(p_value, wanted.false_discoveries, wanted.correction)
    insufficient = (state["n"] < 1).to_numpy()
    table = state.assign(**{"p_value": p_value, STATUS: evidence.grade(insufficient, over, alert)})
    settled = evidence.settle(table, before.assign(**{CALM: 0}), [UNIQUE_ID], clear_after=2)
    held = settled[STATUS]  # the previous one, if more severe
    return table.assign(**{STATUS: np.where(sums < settings.limit / 2, table[STATUS], held)})[COLUMNS]
