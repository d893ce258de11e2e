"""Champion-challenger test: a run replaces production unless it is worse on the same windows."""

from dataclasses import dataclass
from typing import Self

import pandas as pd

from pipelines.core import plugins
from pipelines.core.errors import ConfigError
from pipelines.core.figures import known
from pipelines.core.plugins import Params
from pipelines.forecasting import payload
from pipelines.forecasting.evaluation import report, select
from pipelines.forecasting.evaluation.backtest import Build
from pipelines.forecasting.evaluation.candidates import build
from pipelines.forecasting.evaluation.ensemble import combine
from pipelines.forecasting.evaluation.report import Evaluation
from pipelines.forecasting.evaluation.strategy import Plan
from pipelines.forecasting.figures import Verdict
from pipelines.forecasting.promotion.card import figure
from pipelines.forecasting.settings import Workspace
from pipelines.storage.folders import Folder
from pipelines.tables.schema import MEMBER, METRIC, MODEL, UNIQUE_ID, VALUE, WEIGHT

_PRODUCTION = "production"
_PREFIX = "production:"  # prefix of a model with production's settings, if these differ


@dataclass(frozen=True)
class Rival:
    """The production run as a further model in the new run's backtest, combined from its members."""

    run_id: str | None
    config: Workspace | None
    served: pd.DataFrame  # unique_id, member, weight of production, under the names in the new backtest
    extra: tuple[str, ...]  # members that only production has
    plan: Plan  # what must be backtested for it
    obstacle: str | None = None

    @classmethod
    def of(cls, run: Folder | None, workspace: Workspace, plan: Plan) -> Self:
        """The rival for a new run with `workspace` and `plan`; none without a comparable production run."""
        nobody = pd.DataFrame({UNIQUE_ID: [], MEMBER: [], WEIGHT: []}).astype({UNIQUE_ID: object, MEMBER: object})
        if run is None:
            return cls(None, None, nobody, (), {}, "the first successful run")
        served = payload.weights_of(run)
        names = set(served[MEMBER])
        if obstacle := _obstacle(run, workspace, names):
            return cls(run.name, None, nobody, (), {}, f"not comparable with production: {obstacle}")
        config = payload.workspace_of(run)
        differs = {n for n in names if n not in plan or _params(config, n) != _params(workspace, n)}
        renamed = served[MEMBER].where(~served[MEMBER].isin(differs), _PREFIX + served[MEMBER])
        served = served.assign(**{MEMBER: renamed})
        current = {name for ids in plan.values() for name in ids}
        needed = {
            str(name): sorted({*rows[UNIQUE_ID], *plan.get(str(name), [])} & current)
            for name, rows in served.groupby(MEMBER)
        }
        return cls(run.name, config, served, tuple(sorted(differs)), {n: ids for n, ids in needed.items() if ids})

    def builds(self) -> dict[str, Build]:
        """The candidates to backtest in addition to the new run's own."""
        extra = [name for name in self.extra if _PREFIX + name in self.plan]
        return {_PREFIX + name: build(name, self.config) for name in extra if self.config is not None}

    def forecasts(self, backtest: pd.DataFrame) -> pd.DataFrame:
        """Production's forecasts on the windows of `backtest`, as rows of the model `production`."""
        return combine(backtest, self.served, _PRODUCTION)

    def verdict(self, evaluation: Evaluation, metric: str) -> Verdict:
        """Compares the mean of `metric` over the series that both serve. `evaluation` includes this rival's rows."""
        if self.obstacle:
            return Verdict(True, self.obstacle)
        values = report.mean_by_series(evaluation.metrics, metric)
        theirs = values[values[MODEL] == _PRODUCTION]
        champions = evaluation.champions
        ours = champions[champions[METRIC] == metric]
        passed, challenger, production = select.no_worse(ours[[UNIQUE_ID, VALUE]], theirs[[UNIQUE_ID, VALUE]])
        errors = f"{metric} {figure(challenger, metric)} against {figure(production, metric)}"
        figures = f"{errors} of run {self.run_id} on the same windows"
        reason = ("no worse: " if passed else "worse: ") + figures
        return Verdict(passed, reason, known(challenger), known(production))


def _obstacle(run: Folder, workspace: Workspace, names: set[str]) -> str | None:
    """Why the new run of `workspace` cannot be compared with `run`, which uses the models `names`; None if it can."""
    if gone := names - set(plugins.names("pipelines.forecasting.models")):
        return f"it uses {', '.join(sorted(gone))}, which is gone"
    try:
        config = payload.workspace_of(run)
    except ConfigError as error:
        return str(error)
    differs = [what for what in ("frequency", "target") if getattr(config, what) != getattr(workspace, what)]
    return f"its {differs[0]} differs" if differs else None


def _params(workspace: Workspace, name: str) -> tuple[Params, tuple[int, ...] | None]:
    return workspace.model_params.get(name, {}), workspace.season_lengths
