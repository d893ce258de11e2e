"""Jobs: submit, find and cancel the pipelines of the workspaces, wherever they run."""

import asyncio

from backend.core.access import Access
from backend.core.catalog import WorkspaceReader
from backend.core.errors import Problem
from backend.core.shutdown import Shutdown
from backend.jobs.cloud import CloudJobs
from backend.jobs.local import LocalJobs
from backend.jobs.record import Job, Kind, LogLine
from pipelines.core.errors import StoreError


class Jobs:
    """The jobs of every workspace, run by `backend`."""

    def __init__(self, backend: LocalJobs | CloudJobs, shutdown: Shutdown) -> None:
        self._backend, self._shutdown = backend, shutdown

    async def submit(self, access: Access, kind: Kind) -> Job:
        """Start a pipeline in the name of the caller. Problem 409 while the workspace has another job, 503 while too many run."""
        if self._shutdown.begun:
            raise Problem(
                503, "The service is being stopped. Try again in a few seconds.", headers={"Retry-After": "5"}
            )
        return await asyncio.to_thread(self._backend.start, access.workspace.name, kind, access.identity.name)

    async def page(self, workspace: WorkspaceReader, offset: int, limit: int) -> tuple[int, list[Job]]:
        """How many jobs the workspace has, and some of them, newest first."""

        def read() -> tuple[int, list[Job]]:
            ids = self._backend.ids(workspace.name)
            jobs = (self._backend.get(workspace.name, job_id) for job_id in ids[offset : offset + limit])
            return len(ids), [job for job in jobs if job is not None]  # one may have been swept away meanwhile

        return await asyncio.to_thread(read)

    async def find(self, access: Access, job_id: str) -> Job:
        """A job of the workspace that the request names, else of any that the caller may see. Problem 404."""
        if access.names_workspace:
            workspace = access.workspace.name
            job = await asyncio.to_thread(self._backend.get, workspace, job_id)
            if job is None:
                raise Problem(404, f"Workspace '{workspace}' has no job {job_id}.")
            return job
        for workspace in sorted(access.workspaces()):
            try:
                job = await asyncio.to_thread(self._backend.get, workspace, job_id)
            except StoreError:  # of another workspace it is no reason not to look further
                continue
            if job is not None:
                access.enter(workspace)
                return job
        raise Problem(404, f"There is no job {job_id}.")

    async def log(self, job: Job) -> list[LogLine]:
        """The newest lines that its script has printed."""
        return await asyncio.to_thread(self._backend.log, job)

    async def cancel(self, access: Access, job: Job) -> None:
        """Ask for the end of a job in the name of the caller. Problem 409 for one that has ended."""
        await asyncio.to_thread(self._backend.cancel, job, access.identity.name)
