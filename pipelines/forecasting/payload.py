"""Contents of a forecasting run: fitted models, the models of each series, and its settings."""

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
# The code that determines a run and its forecasts.
_MODEL_CODE = ("evaluation", "features", "flows.py", "models", "panel.py", "predict.py", "prepare.py", "promotion")


def begin(stores: Stores, workspace: Workspace, data: Data, parent: str | None) -> Recording:
    """Return the recording of a run of *workspace*, whose settings are complete."""
    places, config = stores.places(workspace.name), config_of(workspace)
    return Recording(stores.artifacts, places, config, data, parent, model_code())


@functools.cache
def model_code() -> str:
    """Return the digest of the code that determines a run and its forecasts; if it changes, `run_all` trains again."""
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
    """Yield the run's models for those of *ids* that it serves, one file at a time; with *model*, only those of that
    name.

    Raises Untrusted, before anything is executed, if a file was changed.
    """
    table = run.read_parquet(MODELS)
    table = table[table[UNIQUE_ID].isin(set(ids))]
    if model is not None:
        table = table[table[MODEL] == model]
    for file, rows in table.groupby("file", sort=True):
        yield Fitted(str(rows[MODEL].iloc[0]), tuple(rows[UNIQUE_ID]), pickles.load(run, str(file)))


def weights_of(run: Folder) -> pd.DataFrame:
    """`unique_id, member, weight`: the members of each series' forecast; a single champion has weight 1."""
    if WEIGHTS in run.files:
        return run.read_parquet(WEIGHTS)
    served = run.read_parquet(MODELS)  # runs older than ensembles
    return served[[UNIQUE_ID, MODEL]].rename(columns={MODEL: MEMBER}).assign(**{WEIGHT: 1.0})


def champions_of(run: Folder) -> pd.DataFrame:
    """`champions.parquet`, with the `default` strategy's ensemble renamed from `ensemble` in older runs."""
    champions, weights = run.read_parquet("champions.parquet"), weights_of(run)
    served = pd.MultiIndex.from_frame(weights[[UNIQUE_ID, MEMBER]])
    alone = pd.MultiIndex.from_frame(champions[[UNIQUE_ID, MODEL]]).isin(served)
    return champions.assign(**{MODEL: champions[MODEL].where(alone, ENSEMBLE)})


def phases_of(run: Folder) -> pd.DataFrame:
    """`phase, size`: relative error size at each phase of the season; empty for runs that lack it."""
    return run.read_parquet(PHASES) if PHASES in run.files else pd.DataFrame({PHASE: [], SIZE: []}, dtype=float)


def n_model_files(run: Folder) -> int:
    """The number of files that `load_models` will read."""
    return sum(name.startswith("model/") and name.endswith(".pkl") for name in run.files)


def config_of(workspace: Workspace) -> Json:
    """The resolved configuration as JSON values, without monitoring and descriptions, which affect no run, and without
    secrets.
    """
    config = workspace.model_dump(mode="json", exclude={"monitoring", "descriptions"})
    if "url" in config["source"]:
        config["source"]["url"] = address(config["source"]["url"])
    return config


def workspace_of(run: Folder) -> Workspace:
    """The settings of a run; ConfigError if this version of the code no longer supports them."""
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
