"""The `default` strategy: candidate models by the profile of each series and the size of the panel."""

from collections.abc import Mapping

import pandas as pd

from pipelines.forecasting.panel import Panel
from pipelines.forecasting.settings import Workspace
from pipelines.tables.schema import BASELINE, UNIQUE_ID

Plan = Mapping[str, list[str]]  # model to the series it is tried on, most promising models first

_EVERY = (BASELINE, "gbm_seasonal", "gbm", "linear")
_ORDER = (*_EVERY, "theta", "mstl", "moving_average", "croston", "tsb", "ets", "ces", "arima", "naive")
_SHORT = 10  # observations below which only a level and a slope can be learnt
_LONGEST = 24  # longest season that exponential smoothing and ARIMA can estimate
_ENOUGH = 500  # observations of a series from which trees match smoothing in a fraction of the time
_MANY = 2_000_000  # observations beyond which models of single series cost more than all global ones together
_FEW = 100_000  # observations up to which the slowest searches take only minutes


def plan(panel: Panel, profile: pd.DataFrame, workspace: Workspace) -> Plan:
    """The candidates of each series; the baseline is always one.

    A workspace's own list is tried on every series. `default` chooses: trees and ridge regression over all series, and
    of the models of single series those that suit the demand class (`profile`: `unique_id, n, demand_class`), the
    length and the seasons, unless the panel is so large that these cost more than they improve.
    """
    if not workspace.by_default:
        return dict.fromkeys(dict.fromkeys([*workspace.models, BASELINE]), panel.ids)
    known = profile.set_index(UNIQUE_ID).reindex(panel.ids)
    size = int(known["n"].sum())
    suited = {
        str(name): {*_EVERY, *_local(n, demand_class, panel.season_lengths, size)}
        for name, n, demand_class in zip(known.index, known["n"], known["demand_class"], strict=True)
    }
    return {name: ids for name in _ORDER if (ids := [one for one, names in suited.items() if name in names])}


def groups(plan: Plan) -> dict[tuple[str, ...], list[str]]:
    """Groups of series with the same candidates, keyed by the candidates."""
    candidates: dict[str, list[str]] = {}
    for model, ids in plan.items():
        for name in ids:
            candidates.setdefault(name, []).append(model)
    members: dict[tuple[str, ...], list[str]] = {}
    for name in sorted(candidates):
        members.setdefault(tuple(candidates[name]), []).append(name)
    return members


def _local(n: int, demand_class: str, season_lengths: tuple[int, ...], size: int) -> tuple[str, ...]:
    """The models of single series that suit `n` observations of this class, in a panel of `size` observations."""
    seasons = [m for m in season_lengths if m > 1 and n >= 2 * m]
    if demand_class in ("intermittent", "lumpy"):
        return ("moving_average", "croston") if size > _MANY else ("moving_average", "croston", "tsb")
    if n < _SHORT:
        return ("naive", "theta")
    if size > _MANY:
        return ("moving_average",)
    if len(seasons) > 1:
        return ("mstl",)
    if max(seasons, default=1) > _LONGEST:
        return ("theta", "mstl")
    if n > _ENOUGH:
        return ("theta",)
    return ("theta", "ets", "ces", "arima") if size <= _FEW else ("theta", "ets")
