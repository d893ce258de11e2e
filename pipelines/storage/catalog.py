"""Data versions, runs, aliases and forecast sets: always by pointer, always verified."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.core import config
from pipelines.core.config import Project
from pipelines.core.errors import NotFound
from pipelines.core.names import is_safe, safe_name, safe_version
from pipelines.storage import pointers, units
from pipelines.storage.folders import Folder
from pipelines.storage.store import Store

if TYPE_CHECKING:  # a second to import: who reads no frame does without
    import pandas as pd


POINTERS = "pointers.json"
CURRENT = "current.json"
MONITORING = "monitoring"
CALIBRATION = "calibration.parquet"


@dataclass(frozen=True)
class Dataset:
    """One processed data version."""

    folder: Folder

    @property
    def version(self) -> str:
        return self.folder.name

    @property
    def info(self) -> dict[str, Any]:
        """`etl.json`: source, frequency, counts, what was inferred, and the SHA-256 of the raw rows."""
        info: dict[str, Any] = self.folder.read_json("etl.json")
        return info

    @property
    def quality(self) -> dict[str, Any]:
        quality: dict[str, Any] = self.folder.read_json("quality.json")
        return quality

    @property
    def observations(self) -> "pd.DataFrame":
        return self.folder.read_parquet("observations.parquet")

    @property
    def series(self) -> "pd.DataFrame":
        return self.folder.read_parquet("series.parquet")

    @property
    def rejected(self) -> "pd.DataFrame":
        return self.folder.read_parquet("rejected.parquet")


@dataclass(frozen=True)
class Reader:
    """Reads what is published of every workspace."""

    data: Store
    artifacts: Store

    def workspaces(self) -> list[str]:
        """Workspaces that are configured under a usable name, sorted."""
        return sorted(name for name in config.workspace_files() if is_safe(name))

    def current(self, workspace: str) -> str:
        """The name of the current data version; NotFound with the command that makes one."""
        current = self.data.read_pointer("processed", safe_name(workspace, "workspace"), CURRENT, shape=pointers.Data)
        if current.get("data_version") is None:
            raise NotFound(
                f"workspace {workspace} has no data yet",
                code="no_data",
                found=workspace,
                remedy=f"Run: python scripts/run_etl.py --workspace {workspace}",
            )
        return str(current["data_version"])

    def dataset(self, workspace: str) -> Dataset:
        """The current data version."""
        return self.dataset_version(workspace, self.current(workspace))

    def dataset_version(self, workspace: str, version: str) -> Dataset:
        return Dataset(
            self.data.folder("processed", safe_name(workspace, "workspace"), safe_version(version, "data version"))
        )

    def pointers(self, workspace: str) -> dict[str, Any]:
        """`{version, aliases: {name: {run_id, at, by, reason}}, published: {forecast_id, run_id, as_of} or null}`."""
        values = self.artifacts.read_pointer(safe_name(workspace, "workspace"), POINTERS, shape=pointers.Aliases)
        return {"aliases": {}, "published": None, **values}

    def runs(self, workspace: str) -> list[str]:
        """Finished runs, successful or failed, oldest first."""
        return self.artifacts.folders(safe_name(workspace, "workspace"), "runs")

    def run(self, workspace: str, run_id: str) -> Folder:
        """A finished run; NotFound if it was never finished."""
        return self.artifacts.folder(safe_name(workspace, "workspace"), "runs", safe_version(run_id), record=units.RUN)

    def production(self, workspace: str) -> Folder:
        """The run that the alias `production` names; NotFound with the command that makes one."""
        alias = self.pointers(workspace)["aliases"].get("production")
        if alias is None:
            raise NotFound(
                f"workspace {workspace} has no production run yet",
                code="no_production_run",
                found=workspace,
                remedy=f"Run: python scripts/train.py --workspace {workspace}",
            )
        return self.run(workspace, alias["run_id"])

    def calibration(self, workspace: str, run_id: str) -> "pd.DataFrame":
        """`level, by, group, n, coverage, msis` of a run's intervals, the coverage as a fraction.

        NotFound if the run was made before that was measured.
        """
        run = self.run(workspace, run_id)
        if CALIBRATION not in run.files:
            raise NotFound(
                f"run {run.name} of workspace {workspace} has no {CALIBRATION}: "
                "it was not measured then, or the run failed",
                code="no_calibration",
                found=run.name,
                remedy=f"Run: python scripts/train.py --workspace {workspace}",
            )
        return run.read_parquet(CALIBRATION)

    def forecast_sets(self, workspace: str) -> list[str]:
        """Finished forecast sets, oldest first."""
        return self.artifacts.folders(safe_name(workspace, "workspace"), "forecasts")

    def forecast_set(self, workspace: str, forecast_id: str) -> Folder:
        name = safe_version(forecast_id, "forecast set")
        return self.artifacts.folder(safe_name(workspace, "workspace"), "forecasts", name)

    def published(self, workspace: str) -> Folder:
        """The forecast set that is served; NotFound with the command that makes one."""
        pointer = self.pointers(workspace)["published"]
        if pointer is None:
            raise NotFound(
                f"workspace {workspace} has no forecasts yet",
                code="no_forecasts",
                found=workspace,
                remedy=f"Run: python scripts/inference.py --workspace {workspace}",
            )
        return self.forecast_set(workspace, pointer["forecast_id"])

    def monitored(self, workspace: str) -> str:
        """The name of the newest monitoring; NotFound with the command that makes one."""
        where = (safe_name(workspace, "workspace"), MONITORING, CURRENT)
        pointer = self.artifacts.read_pointer(*where, shape=pointers.Monitoring)
        if pointer.get("monitoring_id") is None:
            raise NotFound(
                f"workspace {workspace} was not monitored yet",
                code="not_monitored",
                found=workspace,
                remedy=f"Run: python scripts/monitor.py --workspace {workspace}",
            )
        return str(pointer["monitoring_id"])

    def monitoring(self, workspace: str, monitoring_id: str | None = None) -> Folder:
        """What a monitoring has found, without a name the newest one."""
        name = safe_version(monitoring_id or self.monitored(workspace), "monitoring")
        return self.artifacts.folder(safe_name(workspace, "workspace"), MONITORING, name, record=units.MONITORING)


def reader(project: Project, signing_key: str | None = None, require_signature: bool = False) -> Reader:
    """A reader over the project's data and artifacts."""
    return Reader(
        Store(project.data_dir, signing_key, require_signature),
        Store(project.artifacts_dir, signing_key, require_signature),
    )
