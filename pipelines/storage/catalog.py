"""Read-only catalog of data versions, runs, aliases and forecast sets, always via pointers and verified."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pipelines.core import config
from pipelines.core.config import Project
from pipelines.core.errors import NotFound
from pipelines.core.names import is_safe
from pipelines.storage import units
from pipelines.storage.folders import Folder
from pipelines.storage.layout import DEFAULT_TENANT, Places
from pipelines.storage.pointers import Aliases, CurrentData, CurrentMonitoring
from pipelines.storage.records import Etl, Quality
from pipelines.storage.roots import Root

if TYPE_CHECKING:  # takes a second to import, only needed for frames
    import pandas as pd


CALIBRATION = "calibration.parquet"


_places = lru_cache(maxsize=1024)(Places)  # used several times per request


@dataclass(frozen=True)
class Dataset:
    """One processed data version."""

    folder: Folder

    @property
    def version(self) -> str:
        return self.folder.name

    @property
    def info(self) -> Etl:
        """Its source, frequency, counts and inferred settings."""
        return Etl.of(self.folder)

    @property
    def quality(self) -> Quality:
        """Its checks, and row counts by outcome."""
        return Quality.of(self.folder)

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
    """Reads the published data of every workspace of a tenant."""

    data: Root
    artifacts: Root
    tenant: str = DEFAULT_TENANT

    def places(self, workspace: str) -> Places:
        """The storage places of a workspace; ConfigError for a name that is not safe in a path."""
        return _places(workspace, self.tenant)

    def workspaces(self) -> list[str]:
        """Names of configured workspaces that are safe in paths, sorted."""
        return sorted(name for name in config.workspace_files() if is_safe(name))

    def current_data(self, workspace: str) -> CurrentData:
        """The pointer to the data version in use."""
        return self.data.read_pointer(self.places(workspace).current_dataset, CurrentData)

    def current(self, workspace: str) -> str:
        """The name of the current data version; NotFound with the command that creates one."""
        version = self.current_data(workspace).data_version
        if version is None:
            raise NotFound(
                f"workspace {workspace} has no data yet",
                code="no_data",
                found=workspace,
                remedy=f"Run: python scripts/run_etl.py --workspace {workspace}",
            )
        return version

    def dataset(self, workspace: str) -> Dataset:
        """The current data version."""
        return self.dataset_version(workspace, self.current(workspace))

    def dataset_version(self, workspace: str, version: str) -> Dataset:
        return Dataset(self.data.folder(self.places(workspace).dataset(version)))

    def pointers(self, workspace: str) -> Aliases:
        """The runs of the aliases, and the published forecast set."""
        return self.artifacts.read_pointer(self.places(workspace).pointers, Aliases)

    def runs(self, workspace: str) -> list[str]:
        """Finished runs, successful or failed, oldest first."""
        return self.artifacts.folders(self.places(workspace).runs)

    def run(self, workspace: str, run_id: str) -> Folder:
        """A finished run; NotFound if it does not exist or never finished."""
        return self.artifacts.folder(self.places(workspace).run(run_id), record=units.RUN)

    def production(self, workspace: str) -> Folder:
        """The run of the alias `production`; NotFound with the command that creates one."""
        alias = self.pointers(workspace).production
        if alias is None:
            raise NotFound(
                f"workspace {workspace} has no production run yet",
                code="no_production_run",
                found=workspace,
                remedy=f"Run: python scripts/train.py --workspace {workspace}",
            )
        return self.run(workspace, alias.run_id)

    def calibration(self, workspace: str, run_id: str) -> "pd.DataFrame":
        """`level, by, group, n, coverage, msis` of a run's intervals, the coverage as a fraction.

        NotFound for older runs without these measurements.
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
        return self.artifacts.folders(self.places(workspace).forecast_sets)

    def forecast_set(self, workspace: str, forecast_id: str) -> Folder:
        return self.artifacts.folder(self.places(workspace).forecast_set(forecast_id))

    def published(self, workspace: str) -> Folder:
        """The served forecast set; NotFound with the command that creates one."""
        served = self.pointers(workspace).published
        if served is None:
            raise NotFound(
                f"workspace {workspace} has no forecasts yet",
                code="no_forecasts",
                found=workspace,
                remedy=f"Run: python scripts/inference.py --workspace {workspace}",
            )
        return self.forecast_set(workspace, served.forecast_id)

    def current_monitoring(self, workspace: str) -> CurrentMonitoring:
        """The pointer to the newest monitoring."""
        return self.artifacts.read_pointer(self.places(workspace).current_monitoring, CurrentMonitoring)

    def monitored(self, workspace: str) -> str:
        """The name of the newest monitoring; NotFound with the command that creates one."""
        newest = self.current_monitoring(workspace).monitoring_id
        if newest is None:
            raise NotFound(
                f"workspace {workspace} was not monitored yet",
                code="not_monitored",
                found=workspace,
                remedy=f"Run: python scripts/monitor.py --workspace {workspace}",
            )
        return newest

    def monitoring(self, workspace: str, monitoring_id: str | None = None) -> Folder:
        """A monitoring by name, by default the newest one."""
        place = self.places(workspace).monitoring(monitoring_id or self.monitored(workspace))
        return self.artifacts.folder(place, record=units.MONITORING)


def reader(project: Project, signing_key: str | None = None, require_signature: bool = False) -> Reader:
    """A reader over the project's data and artifacts."""
    signed = signing_key, require_signature
    return Reader(Root(project.data_dir, *signed), Root(project.artifacts_dir, *signed))
