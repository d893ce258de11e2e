"""The test that a run must pass to replace production: no worse on the same windows."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import pandas as pd

from pipelines import plugins
from pipelines.errors import ConfigError
from pipelines.evaluation import report, select
from pipelines.evaluation.backtest import Build
from pipelines.evaluation.candidates import build, candidates
from pipelines.evaluation.metrics import METRIC, VALUE
from pipelines.evaluation.report import Evaluation
from pipelines.registry import runs
from pipelines.registry.card import number
from pipelines.schema import MODEL, UNIQUE_ID
from pipelines.settings import Workspace
from pipelines.store import Folder

_PREFIX = "production:"  # before the name of a model as production configures it, where that differs


@dataclass(frozen=True)
class Verdict:
    """Whether a run may replace production, why, and the two means of the metric over the common series."""

    passed: bool
    reason: str
    challenger: float | None = None
    production: float | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Rival:
    """The production run as a set of further candidates of the new run's backtest."""

    run_id: str | None
    config: Workspace | None
    served: pd.DataFrame  # unique_id, model: what production uses, by the name it has in the new backtest
    extra: tuple[str, ...]  # models that only production has
    obstacle: str | None = None

    @classmethod
    def of(cls, run: Folder | None, workspace: Workspace) -> Self:
        """`workspace` is the new run's. Without a production run, or one that answers another question, no rival."""
        nobody = pd.DataFrame({UNIQUE_ID: [], MODEL: []}, dtype=object)
        if run is None:
            return cls(None, None, nobody, (), "the first successful run")
        served = run.read_parquet("champions.parquet")[[UNIQUE_ID, MODEL]]
        names = set(served[MODEL])
        if obstacle := _obstacle(run, workspace, names):
            return cls(run.name, None, nobody, (), f"not comparable with production: {obstacle}")
        config = runs.workspace_of(run)
        ours = set(candidates(workspace))
        differs = {n for n in names if n not in ours or _params(config, n) != _params(workspace, n)}
        renamed = served[MODEL].where(~served[MODEL].isin(differs), _PREFIX + served[MODEL])
        return cls(run.name, config, served.assign(**{MODEL: renamed}), tuple(sorted(differs)))

    def builds(self) -> dict[str, Build]:
        """The candidates to backtest beside the new run's own."""
        return {_PREFIX + name: build(name, self.config) for name in self.extra if self.config is not None}

    def verdict(self, evaluation: Evaluation, metric: str) -> Verdict:
        """Compares the mean of `metric` over the series that both serve. `evaluation` includes this rival's models."""
        if self.obstacle:
            return Verdict(True, self.obstacle)
        values = report.mean_by_series(evaluation.metrics, metric)
        theirs = values.merge(self.served, on=[UNIQUE_ID, MODEL])
        champions = evaluation.champions
        ours = champions[champions[METRIC] == metric]
        passed, challenger, production = select.no_worse(ours[[UNIQUE_ID, VALUE]], theirs[[UNIQUE_ID, VALUE]])
        figures = f"{metric} {number(challenger)} against {number(production)} of run {self.run_id} on the same windows"
        reason = ("no worse: " if passed else "worse: ") + figures
        return Verdict(passed, reason, report.known(challenger), report.known(production))


def _obstacle(run: Folder, workspace: Workspace, names: set[str]) -> str | None:
    """Why the new run of `workspace` cannot be compared with `run`, which serves the models `names`; or None."""
    if gone := names - set(plugins.names("pipelines.models")):
        return f"it uses {', '.join(sorted(gone))}, which is gone"
    try:
        config = runs.workspace_of(run)
    except ConfigError as error:
        return str(error)
    differs = [what for what in ("frequency", "target") if getattr(config, what) != getattr(workspace, what)]
    return f"its {differs[0]} differs" if differs else None


def _params(workspace: Workspace, name: str) -> tuple[dict[str, Any], tuple[int, ...] | None]:
    return workspace.model_params.get(name, {}), workspace.season_lengths
