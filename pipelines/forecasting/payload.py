"""What a run of forecasting holds: fitted models, who serves which series, and the settings that it was made with."""

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from pipelines.core import code
from pipelines.core.documents import Json
from pipelines.core.errors import ConfigError
from pipelines.core.secrets import address
from pipelines.forecasting.evaluation.ensemble import ENSEMBLE
from pipelines.forecasting.evaluation.fit import Fitted
from pipelines.forecasting.settings import Workspace
from pipelines.runs import pickles
from pipelines.runs.recording import Recording, digest
from pipelines.storage.folders import Folder
from pipelines.storage.records import Data, Run
from pipelines.storage.store import Stores
from pipelines.tables.schema import MEMBER, MODEL, PHASE, SIZE, UNIQUE_ID, WEIGHT

MODELS = "model/models.parquet"
WEIGHTS = "weights.parquet"
PHASES = "phases.parquet"
# The code that decides what a run and its forecasts hold.
_MODEL_CODE = ("evaluation", "features", "flows.py", "models", "panel.py", "predict.py", "prepare.py", "promotion")


def begin(stores: Stores, workspace: Workspace, data: Data, parent: str | None) -> Recording:
    """Return the recording of a run of *workspace*, which is complete."""
    places, config = stores.places(workspace.name), config_of(workspace)
    return Recording(stores.artifacts, places, config, data, parent, model_code())


@functools.cache
def model_code() -> str:
    """The digest of the code that decides what a run and its forecasts hold: with other code, `run_all` trains again."""
    return code.digest(Path(__file__).parent, _MODEL_CODE)


def save_models(record: Recording, fitted: Iterator[Fitted]) -> pd.DataFrame:
    """Write each fitted model into a run; return `unique_id, model, file`."""
    rows = []
    for number, one in enumerate(fitted):
        file = f"model/{number:05d}.pkl"
        record.draft.write_bytes(file, pickles.dump(one.forecaster))
        rows += [(name, one.model, file) for name in one.ids]
    table = pd.DataFrame(rows, columns=[UNIQUE_ID, MODEL, "file"]).sort_values(UNIQUE_ID, ignore_index=True)
    record.draft.write_parquet(MODELS, table)
    return table


def load_models(run: Folder, ids: Iterable[str], model: str | None = None) -> Iterator[Fitted]:
    """Yield the run's models for those of *ids* that it serves, one file at a time; with *model*, those of that name.

    Raises Untrusted before anything is executed that is not what was written.
    """
    table = run.read_parquet(MODELS)
    table = table[table[UNIQUE_ID].isin(set(ids))]
    if model is not None:
        table = table[table[MODEL] == model]
    for file, rows in table.groupby("file", sort=True):
        yield Fitted(str(rows[MODEL].iloc[0]), tuple(rows[UNIQUE_ID]), pickles.load(run, str(file)))


def weights_of(run: Folder) -> pd.DataFrame:
    """`unique_id, member, weight`: what each series' forecast is made of; a single champion has weight 1."""
    if WEIGHTS in run.files:
        return run.read_parquet(WEIGHTS)
    served = run.read_parquet(MODELS)  # of a run from before there were ensembles
    return served[[UNIQUE_ID, MODEL]].rename(columns={MODEL: MEMBER}).assign(**{WEIGHT: 1.0})


def champions_of(run: Folder) -> pd.DataFrame:
    """`champions.parquet`, the ensemble of the `default` strategy by its present name; it was once `ensemble`."""
    champions, weights = run.read_parquet("champions.parquet"), weights_of(run)
    served = pd.MultiIndex.from_frame(weights[[UNIQUE_ID, MEMBER]])
    alone = pd.MultiIndex.from_frame(champions[[UNIQUE_ID, MODEL]]).isin(served)
    return champions.assign(**{MODEL: champions[MODEL].where(alone, ENSEMBLE)})


def phases_of(run: Folder) -> pd.DataFrame:
    """`phase, size`: how large errors are at each phase of the season; none of a run from before this was learnt."""
    return run.read_parquet(PHASES) if PHASES in run.files else pd.DataFrame({PHASE: [], SIZE: []}, dtype=float)


def n_model_files(run: Folder) -> int:
    """How many files `load_models` will read."""
    return sum(name.startswith("model/") and name.endswith(".pkl") for name in run.files)


def config_of(workspace: Workspace) -> Json:
    """The resolved configuration as JSON values, but for what changes no run, monitoring and descriptions, and for secrets."""
    config = workspace.model_dump(mode="json", exclude={"monitoring", "descriptions"})
    if "url" in config["source"]:
        config["source"]["url"] = address(config["source"]["url"])
    return config


def workspace_of(run: Folder) -> Workspace:
    """The settings that a run was made with; ConfigError if this version of the code does not know them any more."""
    try:
        return Workspace.model_validate(Run.of(run).config)
    except ValidationError as error:
        keys = sorted({".".join(map(str, problem["loc"])) for problem in error.errors()})
        raise ConfigError(
            f"run {run.name} was made with settings that are not valid any more ({', '.join(keys)})",
            code="settings_of_run_outdated",
            found=keys,
            remedy="Train again.",
        ) from None


def config_hash(workspace: Workspace) -> str:
    """SHA-256 of the resolved configuration."""
    return digest(config_of(workspace))
