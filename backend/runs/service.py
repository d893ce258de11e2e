"""Run service: verify runs, list and move aliases."""

import asyncio

from backend.core.access import Access
from backend.core.catalog import Run, WorkspaceReader
from backend.core.errors import Problem
from pipelines.core.errors import Conflict
from pipelines.runs.aliases import promote
from pipelines.storage.pointers import Aliases
from pipelines.storage.store import Stores


class Runs:
    """The registry of runs."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._verifying = asyncio.Semaphore(1)

    async def finished(self, workspace: WorkspaceReader) -> list[Run]:
        """The finished runs, newest first."""
        names = await asyncio.to_thread(workspace.catalog.reader.runs, workspace.name)
        return [await workspace.run(name) for name in reversed(names)]

    async def aliases(self, workspace: WorkspaceReader) -> dict[str, str]:
        """The run of each alias."""
        return {name: alias.run_id for name, alias in (await workspace.pointers()).aliases.items()}

    async def verify(self, run: Run) -> list[str]:
        """Read every file of the run again; return the names of those that were changed or added since."""
        async with self._verifying:  # one at a time: it reads as fast as the disk allows
            return await asyncio.to_thread(run.folder.verify)

    async def move_alias(self, access: Access, name: str, run_id: str, reason: str, expected: int | None) -> Aliases:
        """Point an alias at a successful run; return the new pointers. The audit file records who and why.

        `expected` is the version of the pointers that the caller has seen, or None for any. Problem 404 if the run does
        not exist, 409 unless it succeeded, 412 if the pointers have changed since `expected`.
        """
        workspace = access.workspace
        run = await workspace.run(run_id)
        if not run.info.succeeded:
            raise Problem(409, f"Run {run_id} did not succeed and cannot become {name}.")
        stores, by = self._stores, access.identity.name
        try:
            return await asyncio.to_thread(promote, stores, workspace.name, run_id, reason, name, expected, by)
        except Conflict:
            if expected is None:
                raise  # kept busy by other writers; the version read is still current
            raise moved_on() from None


def moved_on() -> Problem:
    """Problem 412: the pointers have changed since the caller read them."""
    return Problem(412, "The aliases were changed since they were read. Read them and try again.")
