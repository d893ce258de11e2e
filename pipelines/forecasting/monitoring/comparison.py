"""Rollback evidence: production against the previous run, and a canary against production, on the same actuals."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from pipelines.core.documents import Json
from pipelines.core.figures import number, percent
from pipelines.forecasting.monitoring.accuracy import SERVED, UNTIL
from pipelines.forecasting.thresholds import Comparison
from pipelines.tables.schema import CANARY, CUTOFF, MODEL, PREVIOUS, UNIQUE_ID

METRIC = "mase"  # scale-free, so that series of any size have equal weight
SCORED = [CUTOFF, UNTIL, "rival", "run_id", "rival_run_id", "served", "other", "n"]


@dataclass(frozen=True)
class Verdict:
    """`run_id` compared with the earlier `other_run_id` by mean MASE; `ratio` over 1 is worse.

    `worse`: by more than the limit, with enough evidence; `why`: the reason as text.
    """

    alias: str
    run_id: str
    other_run_id: str
    worse: bool = False
    why: str = ""
    ratio: float | None = None
    p_value: float | None = None
    blocks: int = 0
    error: float | None = None
    other_error: float | None = None
    n_series: int = 0

    def as_json(self) -> Json:
        return asdict(self)


def scored(values: pd.DataFrame, run_id: str, rivals: Mapping[str, str], until: pd.Timestamp) -> pd.DataFrame:
    """`SCORED`: the mean error of the served forecasts and of each rival over their common series, for one forecast
    set.

    `values` as `accuracy.judge` gives them. `run_id`: the served run; `rivals`: the other runs by role.
    """
    served = values.loc[values[MODEL] == SERVED, [UNIQUE_ID, CUTOFF, METRIC]]
    rows = []
    for rival, rival_run_id in rivals.items():
        other = values.loc[values[MODEL] == rival, [UNIQUE_ID, METRIC]]
        both = served.merge(other, on=UNIQUE_ID, suffixes=("", "_other")).dropna()
        if len(both):
            means = both[METRIC].mean(), both[f"{METRIC}_other"].mean()
            rows.append((both[CUTOFF].iloc[0], until, rival, run_id, rival_run_id, *means, len(both)))
    return pd.DataFrame(rows, columns=SCORED)


def verdict(scores: pd.DataFrame, rival: str, run_id: str, rival_run_id: str, settings: Comparison) -> Verdict:
    """Whether the newer of two runs is worse, by a one-sided t test of the log ratios of their errors per block.

    A block holds the forecast sets whose actuals overlap with those of its first one. Their errors are nearly equal and
    count as one observation.
    """
    rows = scores[
        (scores["rival"] == rival) & (scores["run_id"] == run_id) & (scores["rival_run_id"] == rival_run_id)
    ].sort_values([CUTOFF])
    newer, older = ("served", "other") if rival == PREVIOUS else ("other", "served")
    said = Verdict(CANARY, rival_run_id, run_id)
    if rival == PREVIOUS:
        said = Verdict(SERVED, run_id, rival_run_id)
    blocks = rows.assign(block=_blocks(rows)).groupby("block")[[newer, older, "n"]].mean()
    positive = blocks[(blocks[[newer, older]] > 0).all(axis=1)]
    if len(positive) < settings.blocks:
        few = f"too little evidence: {len(positive)} of {settings.blocks} spans of forecasts that do not overlap"
        return replace(said, why=few, blocks=len(positive))
    logs = np.log(positive[newer].to_numpy(dtype=float) / positive[older].to_numpy(dtype=float))
    ratio, spread = float(np.exp(logs.mean())), float(logs.std(ddof=1))
    error, other = float(positive[newer].mean()), float(positive[older].mean())
    if spread > 0:
        p_value = float(stats.ttest_1samp(logs, 0.0, alternative="greater").pvalue)
    else:  # equal in every block
        p_value = float(logs.mean() <= 0)
    why = (
        f"MASE {number(error, precise=True)} against {number(other, precise=True)} of run {said.other_run_id} on the same actuals: {percent(ratio - 1, sign=True)} over "
        f"{len(positive)} spans of forecasts (p = {number(p_value)}; the limit is {percent(settings.limit, sign=True)})"
    )
    return replace(
        said,
        worse=ratio > 1 + settings.limit and p_value <= 1 - settings.confidence,
        why=why,
        ratio=ratio,
        p_value=p_value,
        blocks=len(positive),
        error=error,
        other_error=other,
        n_series=int(positive["n"].mean()),
    )


def _blocks(rows: pd.DataFrame) -> list[int]:
    """The block of each forecast set, in the order of their cutoffs."""
    blocks, end, block = [], pd.Timestamp.min, -1
    for cutoff, until in zip(rows[CUTOFF], rows[UNTIL], strict=True):
        if cutoff >= end:
            block, end = block + 1, until
        blocks.append(block)
    return blocks
