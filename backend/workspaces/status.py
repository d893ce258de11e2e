"""Cached status of each workspace: read once, and again when a file it depends on has changed.

A workspace with damaged files is `unreadable` with the reason, and never hides another one.
"""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from backend.core.catalog import Catalog
from backend.workspaces.schemas import WorkspaceOut
from pipelines.core import config
from pipelines.core.errors import ConfigError, ForecastError, NotFound, StoreError
from pipelines.core.names import is_safe, safe_name
from pipelines.forecasting.read.clock import Clock
from pipelines.forecasting.records import ForecastRun
from pipelines.storage import disk
from pipelines.storage.folders import Folder
from pipelines.storage.layout import Place
from pipelines.storage.records import Etl
from pipelines.storage.roots import Root
from pipelines.tables import parquet

_AT_ONCE = 16  # workspaces read concurrently from an object store, where each read waits for the network
_SETTLED = 50_000_000  # nanoseconds; a file rewritten within one tick of the disk's clock may have the same timestamp

Mark = tuple[Any, ...]


@dataclass
class Status:
    """`facts` as returned, except the age, which is computed from `end`; `files`: all files read for them."""

    facts: WorkspaceOut
    end: datetime | None = None
    files: list[str] = field(default_factory=list)

    def aged(self) -> WorkspaceOut:
        """The facts with the current age of the data. They are stale when two more values, or two days if longer,
        should have arrived.
        """
        if self.end is None or self.facts.frequency is None:
            return self.facts
        age = datetime.now(UTC).replace(tzinfo=None) - self.end
        patience = Clock(self.facts.frequency).patience
        return self.facts.model_copy(update={"age_days": round(age / timedelta(days=1), 2), "stale": age > patience})


class Statuses:
    """The status of every workspace of a catalog. Reading may take long: call it in a thread."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog, self.reader = catalog, catalog.reader
        self._known: dict[str, tuple[Mark, Mark, Status]] = {}
        self._told: dict[str, str] = {}  # reasons that are already logged
        self._lock = threading.Lock()

    def all(self) -> list[WorkspaceOut]:
        """Every workspace that has a file, by name."""
        files = config.workspace_files()
        with self._lock:
            for gone in self._known.keys() - files.keys():
                del self._known[gone]
            if self.reader.artifacts.is_local and self.reader.data.is_local:
                return [self._of(name, files) for name in sorted(files)]
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                return list(pool.map(lambda name: self._of(name, files), sorted(files)))

    def of(self, name: str) -> WorkspaceOut:
        """One workspace."""
        return self._of(name, config.workspace_files())

    def checks(self) -> list[dict[str, object]]:
        """Health checks: the storage is readable, and at least one workspace has a readable production run."""
        known = self.all()
        readable = [one.name for one in known if one.production_run]
        broken = [one.name for one in known if one.status == "unreadable" and not one.production_run]
        if known and len(broken) == len(known):
            return [{"name": "storage", "ok": False, "detail": "nothing in it can be read; the log has the reasons"}]
        detail = f"readable: {', '.join(readable) or 'none'}" + (f"; broken: {', '.join(broken)}" if broken else "")
        return [
            {"name": "storage", "ok": True, "detail": "readable"},
            {"name": "production run", "ok": bool(readable), "detail": detail},
        ]

    def _of(self, name: str, files: Mapping[str, Path]) -> WorkspaceOut:
        known = self._known.get(name)
        pointed = self._pointed(name, files)
        if known and known[0] == pointed and known[1] == _looks(known[2].files):
            return known[2].aged()
        status = self._read(name, files)
        if status.facts.reason is None:
            self._told.pop(name, None)
            looks = _looks(status.files)
            if _settled((*pointed, *looks)):
                self._known[name] = pointed, looks, status
        else:
            self._known.pop(name, None)  # the fix may be in any file, so the workspace is read again each time
        return status.aged()

    def _pointed(self, name: str, files: Mapping[str, Path]) -> Mark:
        """A value that changes when settings or pointers of the workspace do: file metadata on a disk, else the
        content.
        """
        written = tuple(disk.looks(str(path)) for path in config.places(name, files))
        looks: list[Any] = []
        for root, place in self._pointers(name):
            try:
                looks.append(root.looks(place) if root.is_local else root.read(place))
            except StoreError as error:
                looks.append(str(error))
        return (*written, *looks)

    def _pointers(self, name: str) -> list[tuple[Root, Place]]:
        """The places of its pointers; empty if the name of the workspace is not allowed."""
        if not is_safe(name):
            return []
        places = self.reader.places(name)
        return [(self.reader.artifacts, places.pointers), (self.reader.data, places.current_dataset)]

    def _read(self, name: str, files: Mapping[str, Path]) -> Status:
        unknown = dict.fromkeys(WorkspaceOut.model_fields)
        facts = WorkspaceOut.model_validate({**unknown, "name": name, "title": "", "status": "unreadable"})
        status, reasons = Status(facts), list[str]()
        for read in (self._settings, self._served):
            try:
                read(status, name, files)
            except ForecastError as error:
                reasons.append(self._catalog.public(str(error)))
            except Exception as error:  # noqa: BLE001 - a damaged file may raise anything; others are listed
                structlog.get_logger("backend").exception("unreadable workspace", workspace=name)
                reasons.append(
                    f"What is stored of it is not as it was written ({type(error).__name__}: {error}). Restore it from a backup, or make it again: python scripts/run_all.py --workspace {name}"
                )
        if reasons:
            reason = " ".join(reasons)
            status.facts = status.facts.model_copy(update={"status": "unreadable", "reason": reason})
            if self._told.get(name) != reason:
                self._told[name] = reason
                structlog.get_logger("backend").error("unreadable workspace", workspace=name, reason=reason)
        return status

    def _settings(self, status: Status, name: str, files: Mapping[str, Path]) -> None:
        title = config.as_written(safe_name(name, "workspace"), files=files).get("title", "")
        if not isinstance(title, str):
            raise ConfigError(
                f"found {title!r:.80}",
                code="setting_not_text",
                field="title",
                found=title,
                where=str(files[name]),
                remedy="Text is expected: put it in quotes.",
            )
        status.facts.title = _encodable(title)

    def _served(self, status: Status, name: str, _: Mapping[str, Path]) -> None:
        """Adds the stored and served data. If it fails part way, keeps what was found before."""
        reader = self.reader
        pointers = reader.pointers(name)
        try:
            version = reader.current(name)
        except NotFound:
            status.facts.status = "no data"
            return
        dataset = self._part("data version", version, lambda: reader.dataset_version(name, version).folder)
        info = Etl.of(dataset)
        series = dataset.open_parquet("series.parquet").read(columns=["last_ds"], use_threads=False)
        status.files += dataset.watched(Etl.file, "series.parquet")
        end = max((ds for ds in parquet.times(series["last_ds"]) if ds), default=None)
        clock = Clock(info.frequency)
        facts = {
            "status": "no run",
            "frequency": info.frequency,
            "horizon": info.horizon,
            "n_series": len(series),
            "data_version": version,
            "synthetic": info.synthetic,
        }
        alias, published = pointers.production, pointers.published
        if alias:
            run_id = alias.run_id
            run = self._part("production run", run_id, lambda: reader.run(name, run_id))
            told = ForecastRun.of(run)
            status.files += run.watched(ForecastRun.file)
            clock = Clock.of(told.settings)
            facts |= {"status": "no forecasts", "production_run": run_id, **_of_run(told)}
        if alias and published:
            forecast_id = published.forecast_id
            served = self._part("forecast set", forecast_id, lambda: reader.forecast_set(name, forecast_id))
            served.open_parquet("forecasts.parquet").close()
            status.files += served.watched("forecasts.parquet")
            facts |= {"status": "ready", "forecast_id": forecast_id, "as_of": published.as_of}
        facts["last_ds"] = clock.write(end) if end else None
        # Values of an unexpected shape are left out.
        status.facts = WorkspaceOut.model_validate({**status.facts.model_dump(), **facts})
        status.end = end

    def _part(self, what: str, name: str, read: Any) -> Folder:
        """The directory that a pointer names; StoreError with its kind if it is gone."""
        try:
            folder: Folder = read()
        except NotFound:
            raise StoreError(
                f"The {what} {name} is gone, and a pointer names it",
                remedy="Restore its folder from a backup, "
                "or make a new one on the page Data or with scripts/run_all.py.",
            ) from None
        return folder


def _of_run(told: ForecastRun) -> dict[str, object]:
    settings, figures = told.settings, told.figures
    return {
        "title": _encodable(settings.title),
        "frequency": settings.frequency,
        "timezone": settings.timezone,
        "target": _encodable(settings.target.name),
        "unit": _encodable(settings.target.unit),
        "horizon": settings.horizon,
        "levels": settings.levels,
        "aggregate": settings.target.aggregate,
        "models": sorted(figures.leaderboard),
        "accuracy": {
            **{key: getattr(figures, key) for key in ("champion", "baseline", "skill", "coverage")},
            "metric": figures.metric or settings.metric,
        },
    }


def _encodable(text: str) -> str:
    """The text with lone surrogates replaced: JSON may contain them, but no response can."""
    return text.encode(errors="replace").decode()


def _looks(files: list[str]) -> Mark:
    return tuple(map(disk.looks, files))


def _settled(mark: Mark) -> bool:
    """Whether every file of the mark is older than the resolution of the clock."""
    newest = max((one[0] for one in mark if isinstance(one, tuple)), default=0)
    return time.time_ns() - newest > _SETTLED
