"""Evaluation of a backtest: metrics, a champion per series, interval quantiles, and the summary figures of a run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import pandas as pd

from pipelines.core.figures import known
from pipelines.forecasting.evaluation import calibration, ensemble, intervals, metrics, select, strategy
from pipelines.forecasting.evaluation.backtest import ordered
from pipelines.forecasting.evaluation.ensemble import ENSEMBLE
from pipelines.forecasting.evaluation.metrics import SCALE_MAE, SCALE_RMSE, SQUARED
from pipelines.forecasting.evaluation.strategy import Plan
from pipelines.forecasting.figures import Figures, Verdict
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.settings import Workspace
from pipelines.tables.schema import BASELINE, CUTOFF, DS, METRIC, MODEL, PHASE, UNIQUE_ID, VALUE

_ALL = "champion"  # the champions of all series, evaluated as one model


@dataclass(frozen=True)
class Evaluation:
    """The tables of a run (`backtest`, `metrics`, `champions`, `weights`, `calibration`), the inputs of its intervals,
    and notes.
    """

    backtest: pd.DataFrame
    metrics: pd.DataFrame
    champions: pd.DataFrame
    weights: pd.DataFrame
    scales: pd.DataFrame
    quantiles: pd.DataFrame
    phases: pd.DataFrame
    calibration: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def coverage(self) -> dict[int, float | None]:
        """The share of all points that the champions' intervals cover, by level; None without intervals."""
        overall = self.calibration[self.calibration["by"] == calibration.ALL]
        return {int(row["level"]): known(float(row["coverage"])) for _, row in overall.iterrows()}

    def leaderboard(self) -> pd.DataFrame:
        """`model` and one column per metric: the mean over series and windows, best MASE first."""
        wide = self.metrics.groupby([MODEL, METRIC], observed=True)[VALUE].mean().unstack(METRIC)
        shown = ["mase", "rmsse", "mae", "smape", "wape", "bias"]
        return wide[shown].sort_values("mase").rename_axis(columns=None).reset_index()

    def of_models(self, models: Sequence[str]) -> "Evaluation":
        """The same evaluation with tables restricted to these models."""
        return replace(self, backtest=_of(models, self.backtest), metrics=_of(models, self.metrics))


def evaluate(
    panel: Panel, backtest: pd.DataFrame, workspace: Workspace, plan: Plan, profile: pd.DataFrame
) -> Evaluation:
    """Evaluates every model of `backtest`, chooses among those of `plan`, and calibrates the champions' intervals.

    With a workspace's own list, the best model of each series is chosen. The `default` strategy combines the models of
    each group of series into an ensemble, and a series gets another model only on evidence. `workspace` is complete.
    The calibration is measured on windows that the intervals were not computed from. `profile`: one row per series.
    """
    horizon, levels, floor = workspace.horizon or 1, workspace.levels, workspace.target.non_negative
    cutoffs = sorted(backtest[CUTOFF].unique())
    folds = metrics.scales_at(panel.history, cutoffs, panel.season_length)
    fold_scales = folds.rename(columns={SCALE_MAE: intervals.SCALE})[[UNIQUE_ID, CUTOFF, intervals.SCALE]]
    weights, together = _together(backtest, folds, workspace, plan)

    def phased(rows: pd.DataFrame) -> pd.DataFrame:
        return intervals.with_phase(rows, panel.frequency, panel.season_lengths)

    def with_bounds(rows: pd.DataFrame) -> pd.DataFrame:
        return intervals.cross(phased(rows), fold_scales, levels, horizon, floor).drop(columns=PHASE)

    # Model by model, since all intermediate tables of a large panel at once would need too much memory.
    models = (backtest[backtest[MODEL] == name] for name in backtest[MODEL].unique())
    parts = [with_bounds(rows) for rows in chain(models, [together]) if len(rows)]
    values = ordered(pd.concat([metrics.evaluate(part, folds, levels) for part in parts]), [UNIQUE_ID, CUTOFF, MODEL])
    table = pd.concat(parts, ignore_index=True)
    del parts
    table = ordered(table, [UNIQUE_ID, CUTOFF, MODEL, DS])
    champions = _champions(values, weights, workspace, plan, panel.ids)
    won = phased(table[list(backtest.columns)].merge(champions[[UNIQUE_ID, MODEL]], on=[UNIQUE_ID, MODEL]))
    newest = metrics.seasonal_scales(panel.history, panel.season_length).rename(columns={SCALE_MAE: intervals.SCALE})
    quantiles, scales, phases = intervals.calibrate(won, fold_scales, newest, levels, horizon)
    as_one = intervals.cross(won.assign(**{MODEL: _ALL}), fold_scales, levels, horizon, floor)
    segments, left_out = calibration.segments(profile, workspace.covariates.static)
    measured = calibration.measure(as_one, fold_scales, segments, levels, horizon)
    notes = (*calibration.notes(measured), *left_out)
    ladder = intervals.cross(won.assign(**{MODEL: _ALL}), fold_scales, calibration.LADDER, horizon, floor)
    measured = pd.concat([measured, calibration.curve(ladder, fold_scales, horizon)], ignore_index=True)
    members = ensemble.members(champions, weights)
    return Evaluation(table, values, champions, members, scales, quantiles, phases, measured, notes)


def _together(
    backtest: pd.DataFrame, folds: pd.DataFrame, workspace: Workspace, plan: Plan
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The ensemble's weights and its backtest rows; both are empty if the workspace lists its models."""
    if not workspace.by_default:
        return pd.DataFrame(), backtest.head(0)
    squared = workspace.metric in SQUARED
    size = folds.rename(columns={SCALE_RMSE if squared else SCALE_MAE: intervals.SCALE})
    weights = ensemble.find(backtest, size[[UNIQUE_ID, CUTOFF, intervals.SCALE]], strategy.groups(plan), squared)
    return weights, ensemble.combine(backtest, weights, ENSEMBLE)


def _champions(
    values: pd.DataFrame, weights: pd.DataFrame, workspace: Workspace, plan: Plan, ids: list[str]
) -> pd.DataFrame:
    """The model of each series: with `weights` the ensemble, unless evidence favours another or the series has no
    weights.
    """
    if weights.empty:
        return select.champions(values, workspace.metric, list(plan), BASELINE, ids)
    champions = select.robust(values, workspace.metric, list(plan), ENSEMBLE, BASELINE, ids)
    weighted = champions[UNIQUE_ID].isin(weights[UNIQUE_ID])
    champions[MODEL] = champions[MODEL].where((champions[MODEL] != ENSEMBLE) | weighted, BASELINE)
    return champions


def figures(evaluation: Evaluation, workspace: Workspace, notes: Sequence[str], against_production: Verdict) -> Figures:
    """The figures of `run.json`: means over the series for which the workspace's metric is defined.

    The skill is 1 minus a ratio of means, not a mean of ratios (docs/decisions/0018).
    """
    judged = evaluation.champions[evaluation.champions[METRIC] == workspace.metric]
    champion = judged[VALUE].mean()
    values = mean_by_series(evaluation.metrics, workspace.metric)
    baseline = values.loc[values[MODEL] == BASELINE, VALUE].mean()
    cutoffs = sorted(evaluation.backtest[CUTOFF].unique())
    return Figures(
        n_series=len(evaluation.champions),
        n_judged=int(judged[VALUE].notna().sum()),
        metric=workspace.metric,
        champion=known(champion),
        baseline=known(baseline),
        skill=known(1 - champion / baseline) if baseline else None,
        coverage={str(level): value for level, value in evaluation.coverage.items()},
        windows=len(cutoffs),
        cutoffs=[f"{pd.Timestamp(cutoff):%Y-%m-%d %H:%M}" for cutoff in cutoffs],
        champions={str(name): int(count) for name, count in evaluation.champions[MODEL].value_counts().items()},
        leaderboard={
            str(row[MODEL]): {name: known(float(row[name])) for name in row.index.drop(MODEL)}
            for _, row in evaluation.leaderboard().iterrows()
        },
        notes=list(notes),
        against_production=against_production,
    )


def _of(models: Sequence[str], table: pd.DataFrame) -> pd.DataFrame:
    """The rows of these models; the table itself if it has no others."""
    wanted = table[MODEL].isin(models)
    return table if wanted.all() else table[wanted].reset_index(drop=True)


def mean_by_series(values: pd.DataFrame, metric: str) -> pd.DataFrame:
    """`unique_id, model, value`: one metric, averaged over the windows."""
    rows = values[values[METRIC] == metric]
    return rows.groupby([UNIQUE_ID, MODEL], observed=True)[VALUE].mean().reset_index()
