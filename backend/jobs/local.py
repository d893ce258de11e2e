"""Jobs of every workspace on this machine. Their files hold all state; nothing is kept in this process."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import structlog

from backend.core.errors import Problem
from backend.jobs import record as files
from backend.jobs.processes import Launcher
from backend.jobs.record import Job, Kind, LogLine
from pipelines.core.errors import StoreError
from pipelines.core.names import is_version, new_version, oldest_first, safe_version
from pipelines.storage import layout
from pipelines.storage.catalog import Reader
from pipelines.storage.disk import failing_clearly, locked, make_folder

KEPT = 50  # newest jobs kept per workspace
LINES = 200  # lines of a log that are shown

SCRIPTS: dict[Kind, str] = {
    "etl": "scripts.run_etl",
    "train": "scripts.train",
    "inference": "scripts.inference",
    "monitor": "scripts.monitor",
    "run_all": "scripts.run_all",
}


@dataclass(frozen=True)
class LocalJobs:
    """Starts, lists and cancels jobs; at most one per workspace and `at_once` overall."""

    reader: Reader
    launcher: Launcher
    at_once: int

    def start(self, workspace: str, kind: Kind, by: str) -> Job:
        """Starts a job. Problem 409 if the workspace has another one, 503 if the maximum number of jobs is running."""
        above = self._above(workspace)
        with failing_clearly(str(above)):
            make_folder(str(above))
            # for all workspaces, as is `at_once`
            with locked(self.reader.artifacts.path(layout.JOBS_LOCK)):
                refuse_second(self, workspace)
                job = Job(new_version(), workspace, kind, by, files.now())
                command = [SCRIPTS[kind], "--workspace", workspace, "--json-log"]
                self.launcher.start(above / job.job_id, job, command)
                for old in self.ids(workspace)[KEPT:]:
                    if (kept := self.get(workspace, old)) and not kept.active:
                        shutil.rmtree(above / old, ignore_errors=True)
        return job

    def ids(self, workspace: str) -> list[str]:
        """The jobs of a workspace, newest first; IDs with a time in the future come last."""
        names = (path.parent.name for path in self._above(workspace).glob(f"*/{files.RECORD}"))
        return oldest_first(name for name in names if is_version(name))[::-1]

    def get(self, workspace: str, job_id: str) -> Job | None:
        """The current state of a job. If its process ended without recording a result, it has failed, or was cancelled
        on request.
        """
        folder = self.folder(workspace, job_id)
        job = Job.load(folder)
        if job is None or not job.active or self.launcher.state(folder) == "alive":
            return job
        job = Job.load(folder)  # it may have ended since the first read
        if job is None or not job.active:
            return job
        ended = files.last_sign_of_life(folder)
        if files.is_cancelled(folder):
            return replace(job, state="cancelled", finished_at=ended)
        return replace(job, state="failed", finished_at=ended, error=job.error or files.VANISHED)

    def log(self, job: Job) -> list[LogLine]:
        """The newest lines printed by the script."""
        return files.tail(self.folder(job.workspace, job.job_id), LINES)

    def cancel(self, job: Job, by: str) -> None:
        """Requests cancellation of a job. Problem 409 if it has ended."""
        if not job.active:
            raise Problem(409, f"Job {job.job_id} has ended already: {job.state}.")
        folder = self.folder(job.workspace, job.job_id)
        with failing_clearly(str(folder)):
            self.launcher.cancel(folder, by)

    def active(self, workspace: str) -> Job | None:
        """The running job of a workspace. It need not be the newest by ID, because clocks can be set back."""
        jobs = (self.get(workspace, job_id) for job_id in self.ids(workspace))
        return next((job for job in jobs if job is not None and job.active), None)

    def folder(self, workspace: str, job_id: str) -> Path:
        return self._above(workspace) / safe_version(job_id, "job")

    def _above(self, workspace: str) -> Path:
        artifacts = self.reader.artifacts
        if not artifacts.is_local:
            raise Problem(
                503,
                "Jobs need artifacts in a folder; these are on an object store. Run them on Cloud Run (API_JOBS_ON=cloud_run), or the scripts by hand.",
            )
        return Path(artifacts.path(self.reader.places(workspace).jobs))


class Followed(Protocol):
    """Jobs whose state can be queried, wherever they run."""

    @property
    def reader(self) -> Reader: ...

    @property
    def at_once(self) -> int: ...

    def active(self, workspace: str) -> Job | None: ...


def refuse_second(jobs: Followed, workspace: str) -> None:
    """Raises Problem 409 if the workspace has a running job, 503 if the maximum number of jobs runs in other
    workspaces.
    """
    if running := jobs.active(workspace):
        detail = f"Workspace '{workspace}' has a job already: {running.kind} {running.job_id} is {running.state}. Wait or cancel it."
        raise Problem(409, detail, job_id=running.job_id)
    others = []
    for name in jobs.reader.workspaces():
        try:
            others += [job] if (job := jobs.active(name)) else []
        except StoreError as error:  # damage in one workspace must not block the others
            structlog.get_logger("backend").error("unreadable jobs", workspace=name, reason=str(error))
    if len(others) >= jobs.at_once:
        raise full(len(others))


def full(running: int) -> Problem:
    """Problem 503: the maximum number of jobs runs in other workspaces."""
    detail = f"{running} jobs run in other workspaces, as many as this service allows. Try again later."
    return Problem(503, detail, headers={"Retry-After": "30"})
