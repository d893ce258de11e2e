"""Runs: one immutable training result each, recorded while it happens; the only place that unpickles."""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import pickle
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

import pipelines
from pipelines.errors import ConfigError, ForecastError, StoreError, Untrusted
from pipelines.evaluation.ensemble import ENSEMBLE
from pipelines.evaluation.fit import Fitted
from pipelines.folders import Draft, Folder
from pipelines.schema import MEMBER, MODEL, PHASE, SIZE, UNIQUE_ID, WEIGHT
from pipelines.secret import address
from pipelines.settings import Workspace
from pipelines.store import Store, new_version

MODELS = "model/models.parquet"
WEIGHTS = "weights.parquet"
PHASES = "phases.parquet"
_LIBRARIES = ("numpy", "pandas", "statsforecast", "pmdarima", "prophet", "scikit-learn", "statsmodels")


class Recording:
    """A run while it happens: pending, running, then success or failed, when it is finished and never changes again."""

    def __init__(self, store: Store, workspace: Workspace, data: dict[str, str], parent: str | None) -> None:
        self.run_id = new_version()
        self.draft: Draft = store.draft(workspace.name, "runs", self.run_id)
        self.info: dict[str, Any] = {
            "run_id": self.run_id,
            "workspace": workspace.name,
            "status": "pending",
            "started_at": _now(),
            "config": config_of(workspace),
            "config_hash": config_hash(workspace),
            "data": data,
            "code_version": code_version(),
            "python": platform.python_version(),
            "libraries": libraries(),
            "parent": parent,
            "stages": [],
        }
        self._write()

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Notes the seconds of a stage and the peak memory of the process and its children up to its end."""
        self.info["status"] = "running"
        self._write()
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds = round(time.perf_counter() - start, 3)
            self.info["stages"].append({"name": name, "seconds": seconds, "peak_mb": round(peak_memory_mb(), 1)})

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """Records an error as the run's end, and lets it pass on."""
        try:
            yield
        except Exception as error:
            with contextlib.suppress(StoreError):  # a full disk has no room for the reason either
                self.fail(error)
            raise

    def save_models(self, fitted: Iterator[Fitted]) -> pd.DataFrame:
        """Writes each fitted model; returns `unique_id, model, file`."""
        rows = []
        for number, one in enumerate(fitted):
            file = f"model/{number:05d}.pkl"
            self.draft.write_bytes(file, pickle.dumps(one.forecaster, protocol=pickle.HIGHEST_PROTOCOL))
            rows += [(name, one.model, file) for name in one.ids]
        table = pd.DataFrame(rows, columns=[UNIQUE_ID, MODEL, "file"]).sort_values(UNIQUE_ID, ignore_index=True)
        self.draft.write_parquet(MODELS, table)
        return table

    def succeed(self, summary: dict[str, Any]) -> Folder:
        """Finishes the run; from here on it exists."""
        return self._finish(status="success", summary=summary)

    def fail(self, error: BaseException) -> Folder:
        """Finishes the run as failed, with the reason."""
        reason = str(error) if isinstance(error, ForecastError) else f"{type(error).__name__}: {error}"
        return self._finish(status="failed", error=reason)

    def _finish(self, **facts: Any) -> Folder:
        self.draft.write_json("run.json", {**self.info, "finished_at": _now(), **facts})
        return self.draft.publish()

    def _write(self) -> None:
        self.draft.write_json("run.json", self.info)


def load_models(run: Folder, ids: Iterable[str], model: str | None = None) -> Iterator[Fitted]:
    """The run's models for those of `ids` that it serves, one file at a time; with `model`, those of that name.

    Pickles are programs: each is unpickled only here, from the very bytes whose checksum the manifest has, after the
    manifest's own signature was checked when `run` was opened. Raises Untrusted before anything is executed.
    """
    table = run.read_parquet(MODELS)
    table = table[table[UNIQUE_ID].isin(set(ids))]
    if model is not None:
        table = table[table[MODEL] == model]
    for file, rows in table.groupby("file", sort=True):
        content = run.read_bytes(str(file))
        try:
            forecaster = pickle.loads(content)  # noqa: S301 - verified above
        except Exception as error:  # classes that have changed answer with whatever they stumble over
            raise Untrusted(
                f"{run.where}/{file} cannot be loaded with this version of the code and its libraries ({error}). Train again."
            ) from error
        yield Fitted(str(rows[MODEL].iloc[0]), tuple(rows[UNIQUE_ID]), forecaster)


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


def config_of(workspace: Workspace) -> dict[str, Any]:
    """The resolved configuration as JSON values, but for what changes no run, monitoring and descriptions, and for secrets."""
    found: dict[str, Any] = workspace.model_dump(mode="json", exclude={"monitoring", "descriptions"})
    if "url" in found["source"]:
        found["source"]["url"] = address(found["source"]["url"])
    return found


def workspace_of(run: Folder) -> Workspace:
    """The settings that a run was made with; ConfigError if this version of the code does not know them any more."""
    try:
        return Workspace.model_validate(run.read_json("run.json")["config"])
    except ValidationError as error:
        keys = ", ".join(sorted({".".join(map(str, problem["loc"])) for problem in error.errors()}))
        raise ConfigError(
            f"run {run.name} was made with settings that are not valid any more ({keys}). Train again."
        ) from None


def config_hash(workspace: Workspace) -> str:
    """SHA-256 of the resolved configuration."""
    return digest(config_of(workspace))


def digest(values: Any) -> str:
    """SHA-256 of JSON values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def code_version() -> str:
    """The package's version, and the commit where the code lies in a git checkout."""
    root = Path(pipelines.__file__).parent.parent
    if not (root / ".git").exists():
        return pipelines.__version__
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        commit = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"],  # noqa: S607 - the git of the machine is meant
            cwd=root,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
        return f"{pipelines.__version__}+{commit.stdout.strip()}"
    return pipelines.__version__


def libraries() -> dict[str, str]:
    """Versions of the libraries that decide what a model forecasts."""
    found = {}
    for name in _LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def peak_memory_mb() -> float:
    """Peak resident memory of this process and its workers, in MiB, each at its own peak."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    return own + sum(_peak_of_children().values()) / 1024


def _peak_of_children() -> dict[int, int]:
    """Peak resident KiB of each descendant, by process; empty where there is no /proc."""
    parents, peaks = {}, {}
    for path in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            fields = dict(line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line)
            parents[int(path.parent.name)] = int(fields["PPid"])
            peaks[int(path.parent.name)] = int(fields.get("VmHWM", "0 kB").split()[0])
    family = {os.getpid()}
    while grown := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= grown
    return {pid: peaks[pid] for pid in family - {os.getpid()} if pid in peaks}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
