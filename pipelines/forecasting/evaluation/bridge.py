"""Decomposes the change since the previous forecast set by forecasting its dates again, one change at a time."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import pandas as pd

from pipelines.core.documents import Json
from pipelines.forecasting.evaluation import explain
from pipelines.forecasting.panel import Panel
from pipelines.tables.schema import KEY, MEMBER, UNIQUE_ID, WEIGHT

_REFITS = 50  # most models that are fitted only for this explanation

Forecast = Callable[[Panel, int], pd.DataFrame]


@dataclass(frozen=True)
class Previous:
    """The previously published forecasts, and how to compute them again on newer data.

    `forecasts`: `unique_id, ds, y_hat` as published. `weights`: `unique_id, member, weight` of its run. `panel`: the
    newest data as that run's settings read them, with the future covariates as known now; `known`: `unique_id, ds` and
    the covariates as known then, None if no longer stored. `predict(panel, h)` forecasts with that run's fitted models,
    `refit(panel, h)` with its models fitted again, both as they would be published. `cheap`: members that can be fitted
    quickly for a few series; `altered`: members that have other settings in the new run.
    """

    forecasts: pd.DataFrame
    weights: pd.DataFrame
    panel: Panel
    known: pd.DataFrame | None
    predict: Forecast
    refit: Forecast
    cheap: Collection[str] = ()
    altered: Collection[str] = ()


@dataclass(frozen=True)
class Bridge:
    """`table`: `unique_id, ds, part, value` as `explain.bridge` gives it; `notes`: what could not be separated.

    `since`: the previous forecast set; None, with an empty table, if nothing was published before.
    """

    table: pd.DataFrame
    notes: tuple[str, ...] = ()
    since: str | None = None

    def as_json(self) -> Json:
        return {"since": self.since, "notes": list(self.notes)}


def replay(previous: Previous, forecasts: pd.DataFrame, weights: pd.DataFrame, *, same_run: bool) -> Bridge:
    """Why `forecasts` (`unique_id, ds, y_hat`, about to be published) differ from the previous ones.

    `weights`: `unique_id, member, weight` of their run. For the same run, `refit` and `model` are 0 by definition. A
    series whose members changed is refitted with the old ones only if that is cheap; otherwise that share counts as
    `model`, as does the whole change of a series without a model in the previous run.
    """
    steps = forecasts[KEY].assign(step=forecasts.groupby(UNIQUE_ID).cumcount() + 1).merge(previous.forecasts, on=KEY)
    if steps.empty:
        return Bridge(explain.bridge(previous.forecasts, forecasts, forecasts, forecasts, forecasts))
    h, notes = int(steps["step"].max()), []
    panel = previous.panel.select(set(steps[UNIQUE_ID]) & set(previous.weights[UNIQUE_ID]))
    then = as_known(panel, previous.known)
    covariates = forecasts if same_run or not panel.ids else previous.predict(panel, h)
    moved = differing(panel, then, h)
    actuals = _instead(covariates, previous.predict(then.select(moved), h)) if moved else covariates
    if panel.future and previous.known is None:
        notes.append("What was known of the covariates then is not stored any more; their share counts as new actuals.")
    if same_run:
        return Bridge(explain.bridge(previous.forecasts, actuals, covariates, forecasts, forecasts), tuple(notes))
    changed = [name for name in other_members(previous.weights, weights, previous.altered) if name in set(panel.ids)]
    refit = forecasts[forecasts[UNIQUE_ID].isin(set(panel.ids) - set(changed))]
    old = previous.weights[previous.weights[UNIQUE_ID].isin(changed)]
    if changed and len(old) <= _REFITS and set(old[MEMBER]) <= set(previous.cheap):
        refit = _instead(refit, previous.refit(panel.select(changed), h))
    elif changed:
        notes.append(f"{len(changed):,} series changed their model; what a refit of the old one does counts as model.")
    return Bridge(explain.bridge(previous.forecasts, actuals, covariates, refit, forecasts), tuple(notes))


def as_known(panel: Panel, known: pd.DataFrame | None) -> Panel:
    """The panel with the future covariates of `known` (`unique_id, ds` + covariates) at the steps listed there."""
    if known is None or panel.known is None:
        return panel
    now = panel.known.set_index(KEY)
    then = known.set_index(KEY).reindex(now.index)
    listed = now.index.isin(pd.MultiIndex.from_frame(known[KEY]))
    columns = {name: now[name].where(~listed, then[name]) for name in panel.future if name in known}
    return replace(panel, known=now.assign(**columns).reset_index())


def differing(panel: Panel, other: Panel, h: int) -> list[str]:
    """The series whose future covariates differ over the first `h` known steps; `other` has the same rows."""
    if panel.known is None or other.known is None:
        return []
    ours, theirs = panel.known[list(panel.future)], other.known[list(panel.future)]
    unlike = (ours.ne(theirs) & ~(ours.isna() & theirs.isna())).any(axis=1)
    near = panel.known.groupby(UNIQUE_ID).cumcount() < h
    return sorted(panel.known.loc[unlike & near, UNIQUE_ID].unique())


def other_members(before: pd.DataFrame, now: pd.DataFrame, altered: Collection[str] = ()) -> list[str]:
    """The common series whose members or their settings differ; different weights of the same members do not count.

    Both: `unique_id, member, weight`.
    """
    old, new = (table[table[WEIGHT] != 0].groupby(UNIQUE_ID)[MEMBER].agg(frozenset) for table in (before, now))
    both = old.index.intersection(new.index)
    return [name for name in both if old[name] != new[name] or old[name] & set(altered)]


def _instead(paths: pd.DataFrame, newer: pd.DataFrame) -> pd.DataFrame:
    """`paths`, with the rows of the series in `newer` replaced."""
    return pd.concat([paths[~paths[UNIQUE_ID].isin(newer[UNIQUE_ID])], newer], ignore_index=True)
