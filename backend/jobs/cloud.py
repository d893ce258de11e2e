"""Jobs that run on Cloud Run. Their records are kept in the store, so that every instance of the service sees them."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from pydantic import AwareDatetime, Field, TypeAdapter

from backend.core.errors import Problem
from backend.jobs import record as files
from backend.jobs.google import CloudRun, Execution
from backend.jobs.local import KEPT, LINES, SCRIPTS, full, refuse_second
from backend.jobs.log import Log
from backend.jobs.record import Job, Kind, LogLine
from pipelines.core.documents import Stored
from pipelines.core.errors import Conflict, NotFound, StoreError
from pipelines.core.names import new_version, safe_version
from pipelines.storage import layout
from pipelines.storage.catalog import Reader
from pipelines.storage.pointers import Pointer
from pipelines.storage.records import Version
from pipelines.storage.store import Stores

_UNKNOWN = timedelta(minutes=2)  # within this time, a job without an execution may still get one
_NEVER = "It was never started: the service ended in between, or Cloud Run refused."
_FORGOTTEN = "Cloud Run does not know its execution any more."
_LOG = "log.jsonl"


@dataclass(frozen=True)
class Record(Job):
    """A job, with the name of its execution once there is one."""

    execution: str | None = None

    @classmethod
    def of(cls, job: Job, execution: str | None) -> Self:
        return cls(**asdict(job), execution=execution)

    @property
    def job(self) -> Job:
        """The job without its execution, as routes return it."""
        return Job(**{field.name: getattr(self, field.name) for field in fields(Job)})


class Records(Pointer):
    """`cloud_run.json` of a workspace."""

    remedy = "Restore it from a backup, or delete it: the jobs themselves are on Cloud Run."
    jobs: list[Record] = Field(default_factory=list)


class Slot(Stored):
    """A job that is running or starting."""

    workspace: str
    job_id: Version
    at: AwareDatetime


class Slots(Pointer):
    """The running jobs of all workspaces, which share one limit."""

    remedy = "Delete it: the next job that is started makes it again."
    slots: list[Slot] = Field(default_factory=list)


_LOG_LINES = TypeAdapter(list[LogLine])


@dataclass(frozen=True)
class CloudJobs:
    """Jobs on Cloud Run, with the interface of `LocalJobs`: at most one job per workspace and `at_once` overall."""

    stores: Stores
    cloud: CloudRun
    at_once: int

    @property
    def reader(self) -> Reader:
        return self.stores

    def start(self, workspace: str, kind: Kind, by: str) -> Job:
        """Starts a job. Problem 409 if the workspace has another one, 503 if the maximum number of jobs is running."""
        refuse_second(self, workspace)
        job = Job(new_version(), workspace, kind, by, files.now())
        known = next(iter(self.ids(workspace)), None)

        def add(records: list[Record]) -> list[Record]:
            if known != (records[0].job_id if records else None):
                raise Problem(409, f"Workspace '{workspace}' was given a job just now. Wait or cancel it.")
            return [Record.of(job, None), *records[:KEPT]]

        self._take_slot(job)
        try:
            self._change(workspace, add)
        except BaseException:
            self._move_slots(lambda slots: [one for one in slots if one.job_id != job.job_id])
            raise
        try:
            command = [SCRIPTS[kind], "--workspace", workspace, "--json-log"]
            execution = self.cloud.start(kind, job.job_id, command)
        except StoreError as error:
            self._put(replace(job, state="failed", finished_at=files.now(), error=str(error)), None)
            raise Problem(503, f"The job could not be started. {error}", headers={"Retry-After": "30"}) from error
        self._put(job, execution)
        return job

    def ids(self, workspace: str) -> list[str]:
        """The jobs of a workspace, newest first."""
        return [record.job_id for record in self._records(workspace)]

    def get(self, workspace: str, job_id: str) -> Job | None:
        """The current state of a job. When it ends, its result and log are saved before Cloud Run deletes them."""
        safe_version(job_id, "job")
        record = next((one for one in self._records(workspace) if one.job_id == job_id), None)
        if record is None:
            return None
        job = record.job
        if not job.active:
            return job
        execution = record.execution or self.cloud.find(job.kind, job_id)
        if execution is None:
            if datetime.now(UTC) - datetime.fromisoformat(job.created_at) < _UNKNOWN:
                return job
            return self._put(replace(job, state="failed", finished_at=files.now(), error=_NEVER), None)
        try:
            status = self.cloud.look(execution)
        except NotFound:
            return self._put(replace(job, state="failed", finished_at=files.now(), error=_FORGOTTEN), None)
        return self._follow(job, status)

    def log(self, job: Job) -> list[LogLine]:
        """The newest lines printed by the script."""
        try:
            folder = self.reader.artifacts.folder(self.reader.places(job.workspace).job(job.job_id))
            return _LOG_LINES.validate_json(folder.read_text(_LOG))
        except NotFound:
            execution = self._execution(job)
            return self._read(execution)[1] if execution else []

    def cancel(self, job: Job, by: str) -> None:
        """Requests cancellation of a job. Problem 409 if it has ended."""
        if not job.active:
            raise Problem(409, f"Job {job.job_id} has ended already: {job.state}.")
        execution = self._execution(job) or self.cloud.find(job.kind, job.job_id)
        if execution is None:
            raise Problem(409, f"Job {job.job_id} is only being started. Try again in a few seconds.")
        self.cloud.cancel(execution)

    def active(self, workspace: str) -> Job | None:
        """The running job of a workspace."""
        jobs = (self.get(workspace, one.job_id) for one in self._records(workspace) if one.active)
        return next((job for job in jobs if job is not None and job.active), None)

    def _take_slot(self, job: Job) -> None:
        """Reserves a slot for one more job, across all workspaces and instances of the service. Problem 503 if none is
        free.
        """

        def take(slots: list[Slot]) -> list[Slot]:
            held = [one for one in slots if self._holds(one)]
            if len(held) >= self.at_once:
                raise full(len(held))
            return [*held, Slot(workspace=job.workspace, job_id=job.job_id, at=datetime.fromisoformat(job.created_at))]

        self._move_slots(take)

    def _holds(self, slot: Slot) -> bool:
        """Whether the job of a slot is running or starting."""
        job = self.get(slot.workspace, slot.job_id)
        if job is None:
            return abs(datetime.now(UTC) - slot.at) < _UNKNOWN
        return job.active

    def _move_slots(self, change: Callable[[list[Slot]], list[Slot]]) -> None:
        self.stores.artifacts.move_pointer(layout.JOBS_RUNNING, Slots, lambda now: now.changed(slots=change(now.slots)))

    def _follow(self, job: Job, execution: Execution) -> Job:
        """The job, updated from its execution and its log."""
        log, lines = self._read(execution.name)
        changed = replace(job, state=execution.state, started_at=execution.started_at, progress=log.progress)
        if execution.state in files.ACTIVE:
            return changed
        error = None
        if execution.state == "failed":
            error = log.error or execution.message or "Cloud Run ended it without a word."
        changed = replace(changed, finished_at=execution.finished_at, error=error)
        draft = self.stores.artifacts.draft(self.reader.places(job.workspace).job(job.job_id))
        try:
            draft.write_json(_LOG, [line.model_dump() for line in lines])
            draft.publish()
        except Conflict:
            pass  # another instance of the service has recorded the end
        return self._put(changed, execution.name)

    def _read(self, execution: str) -> tuple[Log, list[LogLine]]:
        """The log as clients may see it. It is redacted here, because this process has the secrets."""
        with tempfile.TemporaryDirectory() as folder:
            log = Log(Path(folder), os.environ)
            for line in self.cloud.lines(execution):
                log.add(line)
            return log, files.tail(Path(folder), LINES)

    def _execution(self, job: Job) -> str | None:
        return next((one.execution for one in self._records(job.workspace) if one.job_id == job.job_id), None)

    def _records(self, workspace: str) -> list[Record]:
        return self.reader.artifacts.read_pointer(self.reader.places(workspace).cloud_jobs, Records).jobs

    def _put(self, job: Job, execution: str | None) -> Job:
        """Replaces the record of a job; once its end is recorded, the record no longer changes."""

        def put(records: list[Record]) -> list[Record]:
            return [
                Record.of(job, execution or one.execution) if one.job_id == job.job_id and one.active else one
                for one in records
            ]

        self._change(job.workspace, put)
        return job

    def _change(self, workspace: str, change: Callable[[list[Record]], list[Record]]) -> None:
        store, places = self.stores.artifacts, self.reader.places(workspace)
        moved = store.move_pointer(places.cloud_jobs, Records, lambda now: now.changed(jobs=change(now.jobs)))
        kept = {one.job_id for one in moved.jobs}
        for old in store.folders(places.jobs):
            if old not in kept:
                store.remove(places.job(old))
