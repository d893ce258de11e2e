"""Job service: submit, find and cancel the pipelines of all workspaces, on any launcher."""

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
        """Start a pipeline for the caller. Problem 409 if the workspace has another job, 503 if too many run."""
        if self._shutdown.begun:
            raise Problem(
                503, "The service is being stopped. Try again in a few seconds.", headers={"Retry-After": "5"}
            )
        return await asyncio.to_thread(self._backend.start, access.workspace.name, kind, access.identity.name)

    async def page(self, workspace: WorkspaceReader, offset: int, limit: int) -> tuple[int, list[Job]]:
        """The number of jobs of the workspace, and one page of them, newest first."""

        def read() -> tuple[int, list[Job]]:
            ids = self._backend.ids(workspace.name)
            jobs = (self._backend.get(workspace.name, job_id) for job_id in ids[offset : offset + limit])
            return len(ids), [job for job in jobs if job is not None]  # one may have been deleted meanwhile

        return await asyncio.to_thread(read)

    async def find(self, access: Access, job_id: str) -> Job:
        """A job of the requested workspace or, without one, of any workspace the caller may see. Problem 404."""
        if access.names_workspace:
            workspace = access.workspace.name
            job = await asyncio.to_thread(self._backend.get, workspace, job_id)
            if job is None:
                raise Problem(404, f"Workspace '{workspace}' has no job {job_id}.")
            return job
        for workspace in sorted(access.workspaces()):
            try:
                job = await asyncio.to_thread(self._backend.get, workspace, job_id)
            except StoreError:  # damage in another workspace must not stop the search
                continue
            if job is not None:
                access.enter(workspace)
                return job
        raise Problem(404, f"There is no job {job_id}.")

    async def log(self, job: Job) -> list[LogLine]:
        """The newest lines printed by its script."""
        return await asyncio.to_thread(self._backend.log, job)

    async def cancel(self, access: Access, job: Job) -> None:
        """Request cancellation of a job for the caller. Problem 409 if it has ended."""
        await asyncio.to_thread(self._backend.cancel, job, access.identity.name)
