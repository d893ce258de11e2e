"""Combination of several registered models: the median, trimmed mean or weighted mean of their forecasts.

Models err in different ways, so a simple combination is hard to beat (Bates & Granger 1969). Petropoulos & Svetunkov
(2020) entered little more than the median of smoothing models in the M4 competition.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any, Literal, Self, cast, get_args

import numpy as np
import pandas as pd

from pipelines.core import plugins
from pipelines.core.errors import ConfigError, UnknownName
from pipelines.forecasting.models._local import Array
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.protocols import Explains, Forecaster
from pipelines.tables.schema import COMPONENT, KEY, UNIQUE_ID, VALUE, Y_HAT, Y

How = Literal["median", "trimmed_mean", "weights"]

_NEGLIGIBLE = 1e-6  # share of the members' mean error added to each, to bound the weights


def build(
    models: Sequence[str] = ("theta", "ets", "ces"),
    how: How = "median",
    weights: Mapping[str, float] | None = None,
    trim: float = 0.2,
    params: Mapping[str, Mapping[str, Any]] | None = None,
) -> Forecaster:
    """`params`: parameters by member; the workspace's `model_params` for a model of that name do not apply.

    `trim`: the share of the forecasts that `trimmed_mean` leaves out at each end (Jose & Winkler 2008), at least one of
    three. `weights`, by member and with any sum, are for `how: weights`; without them `fit` learns weights per series,
    for which it fits every member twice.
    """
    if isinstance(models, str) or not models:
        raise _wrong("models", models, "Use a list of models")
    if how not in get_args(How):
        raise _wrong("how", how, f"Use one of: {', '.join(get_args(How))}")
    if not 0 <= trim < 0.5:
        raise _wrong("trim", trim, "Use a share of at least 0 and less than 0.5")
    own = params or {}
    if strange := sorted(set(own) - set(models)):
        raise _wrong("params", ", ".join(strange), f"Name members of it: {', '.join(models)}")
    members = {name: _member(name, own.get(name, {})) for name in models}
    if how == "weights":
        given = None if weights is None else _normalised(weights, models)
        explaining = all(isinstance(member, Explains) for member in members.values())
        return ExplainingWeighted(members, given) if explaining else Weighted(members, given)
    if weights is not None:
        raise _wrong("weights", dict(weights), f"They go with how: weights, not {how}")
    return Ensemble(members, partial(np.median, axis=1) if how == "median" else partial(trimmed_mean, trim))


class Ensemble:
    """`combine` maps the members' forecasts (rows, members) to one forecast (rows,)."""

    def __init__(self, members: Mapping[str, Forecaster], combine: Callable[[Array], Array]) -> None:
        self.members = members
        self.combine = combine

    @property
    def scope(self) -> Literal["series", "panel"]:
        return "panel" if any(member.scope == "panel" for member in self.members.values()) else "series"

    @property
    def uses_future(self) -> bool:
        return any(member.uses_future for member in self.members.values())

    @property
    def fallbacks_(self) -> set[str]:
        """The series for which a member fell back on a simpler method."""
        return {name for member in self.members_.values() for name in getattr(member, "fallbacks_", ())}

    def fit(self, panel: Panel) -> Self:
        self.members_ = {name: deepcopy(member).fit(panel) for name, member in self.members.items()}
        return self

    def predict(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        return panel.grid(h).assign(**{Y_HAT: self.combine(_paths(self.members_, panel, h, future).to_numpy())})


class Weighted(Ensemble):
    """`weights` by member sum to 1; None: learnt per series. The fitted `weights_` has one row per series, one column
    per member.
    """

    def __init__(self, members: Mapping[str, Forecaster], weights: Mapping[str, float] | None) -> None:
        self.members = members
        self.weights = weights

    def fit(self, panel: Panel) -> Self:
        fixed = None if self.weights is None else pd.DataFrame(dict(self.weights), index=pd.Index(panel.ids))
        self.weights_ = _learnt(self.members, panel) if fixed is None else fixed
        return super().fit(panel)

    def predict(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        paths = _paths(self.members_, panel, h, future)
        weights = self.weights_.loc[paths.index.get_level_values(UNIQUE_ID), paths.columns]
        return panel.grid(h).assign(**{Y_HAT: (paths.to_numpy() * weights.to_numpy()).sum(axis=1)})


class ExplainingWeighted(Weighted):
    """A weighted mean whose members all explain their forecasts; its components are their weighted components."""

    def explain(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        """Components per step; a series is left out if a member with a weight leaves it out."""
        told, silent = [], set()
        for name, member in cast(dict[str, Explains], self.members_).items():
            table, weights = member.explain(panel, h, future), self.weights_.loc[panel.ids, name]
            silent |= set(weights.index[weights > 0]) - set(table[UNIQUE_ID])
            told.append(table.assign(**{VALUE: table[VALUE] * table[UNIQUE_ID].map(weights)}))
        rows = pd.concat(told)
        return rows[~rows[UNIQUE_ID].isin(silent)].groupby([*KEY, COMPONENT])[VALUE].sum().reset_index()


def trimmed_mean(trim: float, forecasts: Array) -> Array:
    """The mean of each row without the share `trim` at each end, rounded down, but at least one of three."""
    n = forecasts.shape[1]
    cut = max(math.floor(trim * n), 1) if trim and n > 2 else 0
    return np.asarray(np.sort(forecasts, axis=1)[:, cut : n - cut].mean(axis=1))


def _learnt(members: Mapping[str, Forecaster], panel: Panel) -> pd.DataFrame:
    """Weights by series, in inverse proportion to the mean squared error over its last steps (Bates & Granger 1969).

    A horizon, or a season without one, is held out within `panel`. A series shorter than two such spans, or without a
    value in them, gets equal weights.
    """
    h = panel.horizon or panel.season_length
    place = panel.history.groupby(UNIQUE_ID)[Y].cumcount(ascending=False)
    size = panel.history.groupby(UNIQUE_ID)[Y].transform("size")
    held, past = panel.history[(size >= 2 * h) & (place < h)], panel.history[(size >= 2 * h) & (place >= h)]
    errors = pd.DataFrame(columns=list(members), dtype=float)
    if len(past):
        trial = replace(
            panel.select(past[UNIQUE_ID].unique()), history=past.reset_index(drop=True), horizon=h, known=None
        )
        fitted = {name: deepcopy(member).fit(trial) for name, member in members.items()}
        paths = _paths(fitted, trial, h, held[[*KEY, *panel.future]].reset_index(drop=True))
        errors = paths.sub(held.set_index(KEY)[Y], axis=0).pow(2).groupby(level=UNIQUE_ID).mean()
    inverse = 1 / errors.add(_NEGLIGIBLE * errors.mean(axis=1), axis=0)
    weights = inverse.div(inverse.sum(axis=1), axis=0)
    return weights.reindex(panel.ids).fillna(1 / len(members))


def _paths(fitted: Mapping[str, Forecaster], panel: Panel, h: int, future: pd.DataFrame | None) -> pd.DataFrame:
    """The members' forecasts, one column each, indexed by `unique_id, ds` as `panel.grid(h)`."""
    return pd.DataFrame(
        {name: member.predict(panel, h, future).set_index(KEY)[Y_HAT] for name, member in fitted.items()}
    )


def _member(name: str, params: Mapping[str, Any]) -> Forecaster:
    try:
        forecaster: Forecaster = plugins.load("pipelines.forecasting.models", name).build(**params)
    except UnknownName as error:
        raise ConfigError(
            error.problem,
            code="wrong_model_params",
            field="model_params.ensemble.models",
            found=name,
            remedy=error.remedy,
        ) from None
    except TypeError as error:
        raise ConfigError(
            f"{error}",
            code="wrong_model_params",
            field=f"model_params.ensemble.params.{name}",
            found=dict(params),
            remedy="Correct or remove the parameter.",
        ) from None
    return forecaster


def _normalised(weights: Mapping[str, float], models: Sequence[str]) -> dict[str, float]:
    total = sum(weights.values())
    if set(weights) != set(models) or min(weights.values()) < 0 or not 0 < total < math.inf:
        raise _wrong(
            "weights", dict(weights), f"Give each of {', '.join(models)} a weight of at least 0, one of them more"
        )
    return {name: weights[name] / total for name in models}


def _wrong(option: str, setting: Any, remedy: str) -> ConfigError:
    return ConfigError(
        f"found {setting!r}",
        code="wrong_model_params",
        field=f"model_params.ensemble.{option}",
        found=setting,
        remedy=f"{remedy}.",
    )
