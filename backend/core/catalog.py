"""Cached read access to everything that is published in a workspace, with errors worded for clients."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from time import monotonic
from typing import Self, TypeVar

from backend.core.cache import Cache
from backend.core.errors import Problem
from backend.core.metrics import Metrics
from pipelines.core import config
from pipelines.core.errors import ConfigError, NotFound, StoreError
from pipelines.forecasting.figures import Figures
from pipelines.forecasting.read.clock import Clock
from pipelines.forecasting.read.forecasts import Forecasts
from pipelines.forecasting.read.monitoring import Monitored
from pipelines.forecasting.read.portfolio import Portfolio
from pipelines.forecasting.read.series import SeriesTable
from pipelines.forecasting.records import ForecastRun, Settings
from pipelines.storage.catalog import Dataset, Reader
from pipelines.storage.folders import Folder
from pipelines.storage.pointers import Aliases
from pipelines.storage.records import Etl, ForecastSet
from pipelines.storage.roots import Root

T = TypeVar("T")

_KNOWN_FOR = 1.0  # seconds for which the list of configured workspaces is cached
_ANSWERS_MB = 32


@dataclass(frozen=True)
class Run:
    """A finished run."""

    folder: Folder
    info: ForecastRun

    @classmethod
    def of(cls, folder: Folder) -> Self:
        """The run in a directory; Untrusted unless the directory has the record of a run."""
        return cls(folder, ForecastRun.of(folder))

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def settings(self) -> Settings:
        """The settings of the run."""
        return self.info.settings

    @property
    def figures(self) -> Figures:
        """The backtest figures of the run."""
        return self.info.figures

    @cached_property
    def clock(self) -> Clock:
        return Clock.of(self.settings)


@dataclass(frozen=True)
class Published:
    """The forecast set that is served, in memory."""

    folder: Folder
    info: ForecastSet
    run: Run
    forecasts: Forecasts

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def nbytes(self) -> int:
        return self.forecasts.nbytes


class Catalog:
    """The configured workspaces; `tables` and `answers` cache the most recently used data."""

    def __init__(self, reader: Reader, cache_mb: float, metrics: Metrics) -> None:
        self.reader = reader
        self.tables = Cache(cache_mb, metrics)
        self.answers = Cache(_ANSWERS_MB, metrics)
        self._workspaces: tuple[float, frozenset[str]] = (0.0, frozenset())

    def workspaces(self) -> frozenset[str]:
        """The configured workspaces."""
        now = monotonic()
        if now - self._workspaces[0] > _KNOWN_FOR or not self._workspaces[1]:
            self._workspaces = (now, frozenset(self.reader.workspaces()))
        return self._workspaces[1]

    def forget_workspaces(self) -> None:
        """Read the list of workspaces again: a new one was added."""
        self._workspaces = (0.0, frozenset())

    def open(self, name: str) -> "WorkspaceReader":
        """One workspace, to read. Problem 404 for one that is not configured."""
        if name not in self.workspaces():
            raise unknown(name)
        return WorkspaceReader(self, name)

    def public(self, text: str) -> str:
        """A message without the paths of this machine."""
        settings = config.config_dir()
        for root in (self.reader.artifacts.root, self.reader.data.root, str(settings.absolute()), str(settings)):
            text = text.replace(f"{root}/", "")
        return text


class WorkspaceReader:
    """Reader of one workspace. Reads its pointers once, so that a response reflects one state; the rest goes through
    the cache.

    Callers must check first that the workspace is configured: `Catalog.open`, `Access.enter`. Missing data raise
    Problem 404.
    """

    def __init__(self, catalog: Catalog, name: str) -> None:
        self.catalog, self.name = catalog, name
        self._reader = catalog.reader
        self._pointers: Aliases | None = None

    async def pointers(self) -> Aliases:
        """The production run and the published forecast set."""
        if self._pointers is None:
            self._pointers = await self._small(self._reader.artifacts, lambda: self._reader.pointers(self.name))
        return self._pointers

    async def run(self, run_id: str) -> Run:
        """A finished run."""

        def load() -> Run:
            return Run.of(self._reader.run(self.name, run_id))

        return await self._get("run", run_id, load, f"Workspace '{self.name}' has no run {run_id}.")

    async def aliased(self, alias: str = "production") -> Run:
        """The run that an alias names."""
        named = (await self.pointers()).aliases.get(alias)
        if named is None:
            raise Problem(404, f"Workspace '{self.name}' has no {alias} run yet.")
        return await self.run(named.run_id)

    async def published(self, forecast_id: str | None = None) -> Published:
        """The forecast set that is served, or an earlier one."""
        if forecast_id is None:
            served = (await self.pointers()).published
            if served is None:
                raise Problem(404, f"Workspace '{self.name}' has no published forecasts yet.")
            forecast_id = served.forecast_id
        wanted = forecast_id

        def load() -> Published:
            folder = self._reader.forecast_set(self.name, wanted)
            info = ForecastSet.of(folder)
            run = Run.of(self._reader.run(self.name, info.run_id))
            return Published(folder, info, run, Forecasts.of(folder, run.clock))

        return await self._get("forecasts", wanted, load, f"Workspace '{self.name}' has no forecast set {wanted}.")

    async def dataset(self) -> Dataset:
        """The current data version."""
        try:
            version = await self._small(self._reader.data, lambda: self._reader.current(self.name))
        except NotFound:
            raise Problem(404, f"Workspace '{self.name}' has no data yet.") from None
        missing = f"Workspace '{self.name}' has no data version {version} any more."
        return await self._get("dataset", version, lambda: self._reader.dataset_version(self.name, version), missing)

    async def info(self, dataset: Dataset) -> Etl:
        """`etl.json` of a data version."""
        return await self.catalog.tables.get("etl", dataset.folder.place, lambda: dataset.info)

    async def clock(self, dataset: Dataset | None = None) -> Clock:
        """The format of the workspace's timestamps, from its production run or, without one, from its data."""
        if (await self.pointers()).production:
            return (await self.aliased()).clock
        return Clock((await self.info(dataset or await self.dataset())).frequency)

    async def series(self) -> SeriesTable:
        """The series of the current data with their champions and forecasts."""
        dataset, pointers = await self.dataset(), await self.pointers()
        clock = await self.clock(dataset)
        run = await self.aliased() if pointers.production else None
        served = await self.published() if pointers.published else None
        monitored = await self._monitored_of(run)

        def load() -> SeriesTable:
            forecasts, info = (served.forecasts, served.info) if served else (None, None)
            return SeriesTable(dataset, run.folder if run else None, forecasts, info, clock, monitored)

        key = (
            self.name,
            dataset.version,
            run.id if run else None,
            served.id if served else None,
            monitored.id if monitored else None,
        )
        return await self.catalog.tables.get("series", key, load)

    async def portfolio(self) -> Portfolio:
        """The series of the published forecasts, aggregated."""
        served, dataset = await self.published(), await self.dataset()
        table, summed = await self.series(), served.run.settings.target.sums_over_time
        horizon = served.info.horizon

        def load() -> Portfolio:
            return Portfolio(table, dataset, served.folder, served.run.clock, horizon, summed)

        return await self.catalog.tables.get("portfolio", (self.name, table.version, served.id), load)

    async def monitored(self) -> Monitored:
        """The latest results of monitoring."""
        try:
            newest = await self._small(self._reader.artifacts, lambda: self._reader.monitored(self.name))
        except NotFound:
            raise Problem(404, f"Workspace '{self.name}' was not monitored yet.") from None
        clock = await self.clock()
        missing = f"Workspace '{self.name}' has no monitoring {newest} any more."
        return await self._get(
            "monitoring", newest, lambda: Monitored(self._reader.monitoring(self.name, newest), clock), missing
        )

    async def _monitored_of(self, run: Run | None) -> Monitored | None:
        """The latest results of monitoring, if they are about this run; None if they are about another."""
        try:
            newest = await self.monitored()
        except (Problem, StoreError):  # damaged results are reported on their own page and hide no forecast
            return None
        return newest if run and newest.run_id == run.id else None

    async def _small(self, root: Root, read: Callable[[], T]) -> T:
        """The result of `read`: called directly for a local disk, where a thread would take longer, and in a thread for
        an object store.
        """
        return read() if root.is_local else await asyncio.to_thread(read)

    async def _get(self, kind: str, version: str, load: Callable[[], T], missing: str) -> T:
        try:
            return await self.catalog.tables.get(kind, (self.name, version), load)
        except (NotFound, ConfigError):
            raise Problem(404, missing) from None
        except (LookupError, TypeError, AttributeError, ValueError) as error:  # JSON of an unexpected shape
            raise StoreError(
                f"What is stored under {self.name}/{version} is not as it was written ({type(error).__name__}: {error})",
                remedy=f"Restore it from a backup, or make it again: python scripts/run_all.py --workspace {self.name}",
            ) from error


def unknown(workspace: str) -> Problem:
    """Problem 404 for a workspace that does not exist, or that the caller may not know about."""
    return Problem(404, f"There is no workspace '{workspace}'.")
