"""File layout: the only module that makes paths below the data root and the artifacts root.

Below data:       raw/<workspace>/<version>   processed/<workspace>/<version>   uploads/<workspace>/<version>
Below artifacts:  <workspace>/{runs,forecasts,monitoring,jobs}/<version>   <workspace>/knowledge/…

These are the paths of the tenant `default`. Other tenants have the same paths below `@<tenant>/`, which is not a valid
workspace name. Names of files within a directory are defined by the code that writes them.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from pipelines.core.names import safe_name, safe_version

DEFAULT_TENANT = "default"
_CURRENT = "current.json"
_AUDIT = "audit.jsonl"


@dataclass(frozen=True)
class Place:
    """A file or directory below a root, as the parts of its path. Stores accept only places, which only this module
    makes.
    """

    parts: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.parts[-1]

    def __str__(self) -> str:
        return "/".join(self.parts)

    def file(self, name: str) -> "Place":
        """A file of the directory; `name` may contain slashes."""
        return Place((*self.parts, name))


@dataclass(frozen=True)
class Places:
    """The places of one workspace; ConfigError for a name that is not safe in a path.

    `raw`, `processed`, `uploads` and related places are below the data root, all others below the artifacts root.
    """

    workspace: str
    tenant: str = DEFAULT_TENANT

    def __post_init__(self) -> None:
        safe_name(self.workspace, "workspace")
        safe_name(self.tenant, "tenant")

    # Below the data root.

    @property
    def raw(self) -> Place:
        """Unprocessed rows from the source, one directory per version."""
        return self._data("raw")

    def snapshot(self, version: str) -> Place:
        return self._version(self.raw, version, "raw version")

    @property
    def processed(self) -> Place:
        """Processed data for models, one directory per version."""
        return self._data("processed")

    def dataset(self, version: str) -> Place:
        return self._version(self.processed, version, "data version")

    @property
    def current_dataset(self) -> Place:
        """The pointer to the data version in use."""
        return self.processed.file(_CURRENT)

    @property
    def uploads(self) -> Place:
        """Tables uploaded over HTTP, one directory each."""
        return self._data("uploads")

    def upload(self, upload_id: str) -> Place:
        return self.uploads.file(safe_name(upload_id, "upload"))

    @property
    def uploads_audit(self) -> Place:
        """Log with one line per change that an upload made to the workspace's file."""
        return self.uploads.file(_AUDIT)

    @property
    def uploads_lock(self) -> Place:
        return self.uploads.file("lock")

    # Below the artifacts root.

    @cached_property
    def pointers(self) -> Place:
        """The runs of the aliases, and the published forecast set."""
        return self._own("pointers.json")

    @property
    def audit(self) -> Place:
        """Log with one line per move of an alias."""
        return self._own(_AUDIT)

    @property
    def runs(self) -> Place:
        return self._own("runs")

    def run(self, run_id: str) -> Place:
        return self._version(self.runs, run_id)

    @property
    def forecast_sets(self) -> Place:
        return self._own("forecasts")

    def forecast_set(self, forecast_id: str) -> Place:
        return self._version(self.forecast_sets, forecast_id, "forecast set")

    @property
    def monitorings(self) -> Place:
        return self._own("monitoring")

    def monitoring(self, monitoring_id: str) -> Place:
        return self._version(self.monitorings, monitoring_id, "monitoring")

    @property
    def current_monitoring(self) -> Place:
        """The pointer to the newest monitoring."""
        return self.monitorings.file(_CURRENT)

    @property
    def alerts(self) -> Place:
        """The log of alerts: raised, acknowledged, sent."""
        return self.monitorings.file("alerts.jsonl")

    @property
    def dead_letters(self) -> Place:
        """Alerts that could not be delivered."""
        return self.monitorings.file("dead_letters.jsonl")

    @property
    def jobs(self) -> Place:
        return self._own("jobs")

    def job(self, job_id: str) -> Place:
        return self._version(self.jobs, job_id, "job")

    @property
    def cloud_jobs(self) -> Place:
        """The newest jobs that ran on Cloud Run."""
        return self.jobs.file("cloud_run.json")

    @property
    def notes(self) -> Place:
        """Notes added by people, one directory each."""
        return self._own("knowledge", "notes")

    def note(self, version: str) -> Place:
        return self._version(self.notes, version, "note")

    @property
    def current_notes(self) -> Place:
        """The pointer that lists the notes."""
        return self._own("knowledge", "notes.json")

    @property
    def index(self) -> Place:
        """The vector index for search; rebuilt if missing."""
        return self._own("knowledge", "index")

    def _data(self, kind: str) -> Place:
        return Place((*_prefix(self.tenant), kind, self.workspace))

    def _own(self, *parts: str) -> Place:
        return Place((*_prefix(self.tenant), self.workspace, *parts))

    def _version(self, above: Place, version: str, what: str = "run") -> Place:
        return above.file(safe_version(version, what))


# Shared by all workspaces, whose names cannot start with a dot.
JOBS_LOCK = Place((".jobs.lock",))  # held while starting a job on this machine
JOBS_RUNNING = Place((".jobs", "running.json"))  # jobs running on Cloud Run
PROJECT_INDEX = Place((".project", "index"))  # search index of the product's own documentation; rebuilt if missing
BENCHMARKS = Place(("benchmarks",))  # below artifacts: benchmark results, one directory per attempt


def all_uploads(tenant: str = DEFAULT_TENANT) -> Place:
    """The uploads of all workspaces, below the data root."""
    return Place((*_prefix(tenant), "uploads"))


def uploads_in(text: str) -> set[str]:
    """The uploads referenced as source in the text of a workspace's file."""
    return set(re.findall(r"uploads/[^/]+/([^/]+)/", text))


def download(name: str) -> Place:
    """The copy of a downloaded file, below the data root. Identified by content, so tenants share it."""
    return Place(("cache", name))


def source(path: str) -> Place:
    """A file below the data root that is the source of a workspace. Stores refuse paths that lead out of the root."""
    return Place((path,))


def _prefix(tenant: str) -> tuple[str, ...]:
    return () if tenant == DEFAULT_TENANT else (f"@{safe_name(tenant, 'tenant')}",)
