"""What the routes ask: the reader behind a cache, and errors in the words of a client."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from time import monotonic
from typing import Any, TypeVar

from backend.compute.pool import Workers
from backend.core.cache import Cache
from backend.core.errors import Problem
from backend.core.lane import Lane
from backend.core.metrics import Metrics
from backend.jobs.cloud import CloudJobs
from backend.jobs.local import Jobs
from backend.knowledge.embeddings import Embedding, Lexical
from backend.knowledge.knowledge import Knowledge
from backend.uploads.room import Room
from backend.workspaces.standings import Standings
from pipelines.core.errors import ConfigError, NotFound, StoreError, Untrusted
from pipelines.forecasting.read.clock import Clock
from pipelines.forecasting.read.forecasts import Forecasts
from pipelines.forecasting.read.monitoring import Monitored
from pipelines.forecasting.read.portfolio import Portfolio
from pipelines.forecasting.read.series import SeriesTable
from pipelines.storage.catalog import Dataset, Reader
from pipelines.storage.folders import Folder

T = TypeVar("T")

_AHEAD: ContextVar[dict[str, dict[str, Any]]] = ContextVar("pointers of this request", default={})  # noqa: B039 - never changed
_KNOWN_FOR = 1.0  # seconds that the list of the configured workspaces is good for
_ANSWERS_MB = 32


@dataclass(frozen=True)
class Run:
    """A finished run."""

    folder: Folder
    info: dict[str, Any]

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def succeeded(self) -> bool:
        return bool(self.info.get("status") == "success")

    @property
    def config(self) -> dict[str, Any]:
        found: dict[str, Any] = self.info["config"]
        return found

    @cached_property
    def clock(self) -> Clock:
        return Clock.of(self.config)


@dataclass(frozen=True)
class Published:
    """The forecast set that is served, in memory."""

    folder: Folder
    info: dict[str, Any]
    run: Run
    forecasts: Forecasts

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def nbytes(self) -> int:
        return self.forecasts.nbytes


@dataclass
class Service:
    """Everything a route needs."""

    reader: Reader
    workers: Workers  # compute forecasts
    previewers: Workers  # look at uploads
    jobs: Jobs | CloudJobs
    metrics: Metrics
    cache_mb: float
    room: Room
    stopping: bool = False
    embedding: Embedding = field(default_factory=Lexical)
    uploading: Lane = field(default_factory=lambda: Lane("uploads", threads=2, most=32))
    verifying: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    _workspaces: tuple[float, frozenset[str]] = (0.0, frozenset())
    tables: Cache = field(init=False)
    answers: Cache = field(init=False)

    def __post_init__(self) -> None:
        self.tables = Cache(self.cache_mb, self.metrics)
        self.answers = Cache(_ANSWERS_MB, self.metrics)

    @cached_property
    def standings(self) -> Standings:
        """How each workspace stands."""
        return Standings(self.reader)

    @cached_property
    def knowledge(self) -> Knowledge:
        """What can be looked up, for the routes and the copilot alike."""
        return Knowledge(self)

    def stop(self) -> None:
        """What is running may end; nothing new is begun."""
        self.stopping = self.workers.stopping = self.previewers.stopping = True

    def close(self) -> None:
        """Gives back what is held for requests."""
        self.uploading.close()
        if "knowledge" in vars(self):  # it was used
            self.knowledge.close()

    def workspaces(self) -> frozenset[str]:
        """The configured workspaces."""
        now = monotonic()
        if now - self._workspaces[0] > _KNOWN_FOR or not self._workspaces[1]:
            self._workspaces = (now, frozenset(self.reader.workspaces()))
        return self._workspaces[1]

    def forget_workspaces(self) -> None:
        """There is a new one."""
        self._workspaces = (0.0, frozenset())

    def refuse_unknown(self, workspace: str) -> None:
        """Problem 404 for a workspace that is not configured."""
        if workspace not in self.workspaces():
            raise Problem(404, f"There is no workspace '{workspace}'.")

    def pointers(self, workspace: str) -> dict[str, Any]:
        """What is in production and what is published; Problem 404 for a workspace that is not configured."""
        self.refuse_unknown(workspace)
        return _AHEAD.get().get(workspace) or self.reader.pointers(workspace)

    async def read_ahead(self, workspace: str) -> None:
        """Reads the pointers once for all of a request that changes nothing: on an object store each reading waits for the network."""
        if not self.reader.artifacts.is_local and workspace in self.workspaces():
            _AHEAD.set({workspace: await asyncio.to_thread(self.reader.pointers, workspace)})

    async def run(self, workspace: str, run_id: str) -> Run:
        """A finished run of the workspace; Problem 404."""
        self.pointers(workspace)

        def load() -> Run:
            folder = self.reader.run(workspace, run_id)
            return Run(folder, _whole(folder, "run.json", status=str, config=dict))

        missing = f"Workspace '{workspace}' has no run {run_id}."
        return await self._get(self.tables, "run", (workspace, run_id), load, missing)

    async def aliased(self, workspace: str, alias: str = "production") -> Run:
        """The run that an alias names; Problem 404."""
        named = self.pointers(workspace)["aliases"].get(alias)
        if named is None:
            raise Problem(404, f"Workspace '{workspace}' has no {alias} run yet.")
        return await self.run(workspace, named["run_id"])

    async def published(self, workspace: str, forecast_id: str | None = None) -> Published:
        """The forecast set that is served, or an earlier one; Problem 404."""
        pointer = self.pointers(workspace)["published"]
        if forecast_id is None and pointer is None:
            raise Problem(404, f"Workspace '{workspace}' has no published forecasts yet.")
        wanted = forecast_id or pointer["forecast_id"]

        def load() -> Published:
            folder = self.reader.forecast_set(workspace, wanted)
            info = _whole(folder, "inference.json", run_id=str, as_of=str, horizon=int)
            run_folder = self.reader.run(workspace, info["run_id"])
            run = Run(run_folder, _whole(run_folder, "run.json", status=str, config=dict))
            return Published(folder, info, run, Forecasts.of(folder, run.clock))

        missing = f"Workspace '{workspace}' has no forecast set {wanted}."
        return await self._get(self.tables, "forecasts", (workspace, wanted), load, missing)

    async def dataset(self, workspace: str) -> Dataset:
        """The current data version; Problem 404."""
        self.pointers(workspace)
        try:
            read = self.reader.current
            version = read(workspace) if self.reader.data.is_local else await asyncio.to_thread(read, workspace)
        except NotFound:
            raise Problem(404, f"Workspace '{workspace}' has no data yet.") from None
        missing = f"Workspace '{workspace}' has no data version {version} any more."
        load = lambda: self.reader.dataset_version(workspace, version)  # noqa: E731 - what the cache calls
        return await self._get(self.tables, "dataset", (workspace, version), load, missing)

    async def info(self, dataset: Dataset) -> dict[str, Any]:
        """`etl.json` of a data version."""
        return await self.tables.get(
            "etl", dataset.folder.parts, lambda: _whole(dataset.folder, "etl.json", frequency=str, horizon=int)
        )

    async def clock(self, workspace: str, dataset: Dataset) -> Clock:
        """How the workspace's times are written: by its production run, or while there is none, by its data."""
        if self.pointers(workspace)["aliases"].get("production"):
            return (await self.aliased(workspace)).clock
        return Clock((await self.info(dataset))["frequency"])

    async def series(self, workspace: str) -> SeriesTable:
        """The series of the current data with their champions and forecasts."""
        dataset, pointers = await self.dataset(workspace), self.pointers(workspace)
        clock = await self.clock(workspace, dataset)
        run = await self.aliased(workspace) if pointers["aliases"].get("production") else None
        served = await self.published(workspace) if pointers["published"] else None
        monitored = await self._monitored_of(workspace, run)

        def load() -> SeriesTable:
            forecasts, info = (served.forecasts, served.info) if served else (None, {})
            return SeriesTable(dataset, run.folder if run else None, forecasts, info, clock, monitored)

        key = (
            workspace,
            dataset.version,
            run.id if run else None,
            served.id if served else None,
            monitored.id if monitored else None,
        )
        return await self.tables.get("series", key, load)

    async def portfolio(self, workspace: str) -> Portfolio:
        """The series of the published forecasts, all together."""
        served, dataset = await self.published(workspace), await self.dataset(workspace)
        table, config = await self.series(workspace), served.run.config
        summed, horizon = config["target"]["aggregate"] == "sum", served.info["horizon"]

        def load() -> Portfolio:
            return Portfolio(table, dataset, served.folder, served.run.clock, horizon, summed)

        return await self.tables.get("portfolio", (workspace, table.version, served.id), load)

    async def monitored(self, workspace: str) -> Monitored:
        """What monitoring has found last; Problem 404."""
        self.pointers(workspace)
        try:
            newest = self.reader.monitored(workspace)
        except NotFound:
            raise Problem(404, f"Workspace '{workspace}' was not monitored yet.") from None
        clock = await self.clock(workspace, await self.dataset(workspace))
        load = lambda: Monitored(self.reader.monitoring(workspace, newest), clock)  # noqa: E731 - what the cache calls
        missing = f"Workspace '{workspace}' has no monitoring {newest} any more."
        return await self._get(self.tables, "monitoring", (workspace, newest), load, missing)

    async def _monitored_of(self, workspace: str, run: Run | None) -> Monitored | None:
        """What monitoring has found last, if it looked at this run: what it said of another one is no news of this."""
        try:
            found = await self.monitored(workspace)
        except (Problem, StoreError):  # damaged, it is told on its own page, and hides no forecast
            return None
        return found if run and found.run_id == run.id else None

    async def _get(self, cache: Cache, kind: str, key: tuple[str, ...], load: Callable[[], T], missing: str) -> T:
        try:
            return await cache.get(kind, key, load)
        except (NotFound, ConfigError):
            raise Problem(404, missing) from None
        except (LookupError, TypeError, AttributeError, ValueError) as error:  # JSON of another shape
            raise StoreError(
                f"What is stored under {'/'.join(key)} is not as it was written ({type(error).__name__}: {error}). Restore it from a backup, or make it again: python scripts/run_all.py --workspace {key[0]}"
            ) from error


def _whole(folder: Folder, name: str, **types: type) -> dict[str, Any]:
    """The JSON object in a file that must have keys of these types; Untrusted if it has them not."""
    found = folder.read_json(name)
    if wrong := [key for key, kind in types.items() if not isinstance(found.get(key), kind)]:
        raise Untrusted(
            f"{folder.where}/{name} cannot be used ({', '.join(wrong)} is missing or wrong). Use another run."
        )
    return found
