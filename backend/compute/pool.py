"""Pool of worker processes that compute forecasts and preview uploads. Model code and pandas run only there, never in
this process.
"""

import asyncio
import contextlib
import json
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from pydantic import JsonValue

from backend.core.errors import Problem
from backend.core.metrics import Metrics
from backend.core.shutdown import Shutdown
from pipelines.core.pipe import Head

_LIMIT = 256 * 2**20  # bytes of a response
_STARTED = 120.0  # seconds for a worker to import its libraries
_STATUS = {
    "NotFound": 404, "UnknownName": 404, "DataError": 422, "ConfigError": 422, "ModelError": 422, "NotInstalled": 501
}  # fmt: skip


class Crashed(Exception):
    """A worker process ended before it answered."""


@dataclass
class _Worker:
    """One process, which handles one request at a time."""

    command: Sequence[str]
    process: asyncio.subprocess.Process | None = None
    ready: "asyncio.Task[None] | None" = None
    busy: bool = False  # whether it has a request whose response has not been read
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self) -> "asyncio.Task[None]":
        """Starts the process unless it is running; the returned task ends when its imports are done."""
        async with self.starting:
            if self.ready is not None and self.process is not None and self.process.returncode is None:
                return self.ready
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LIMIT,
                start_new_session=True,  # Ctrl-C in the terminal reaches the server only, which ends its workers
            )  # fmt: skip
            self.ready = asyncio.create_task(self._wait(self.process))
            return self.ready

    async def ask(self, request: Mapping[str, JsonValue]) -> tuple[Head, bytes]:
        """The head and the body of the response."""
        await asyncio.shield(await self.start())
        assert self.process is not None  # noqa: S101 - started above
        assert self.process.stdin is not None  # noqa: S101 - a pipe
        self.busy = True
        try:
            self.process.stdin.write(json.dumps(dict(request)).encode() + b"\n")
            await self.process.stdin.drain()
            answer = await _answer(self.process)
            self.busy = False
        except (ConnectionError, asyncio.IncompleteReadError, ValueError) as error:
            raise Crashed(str(error)) from error
        if answer[0].get("last"):  # the worker exits after this response: the next request starts another
            await self.stop()
        return answer

    async def stop(self) -> None:
        """Ends the process, even in the middle of a request."""
        if self.ready is not None:
            self.ready.cancel()
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        self.process, self.busy = None, False

    async def _wait(self, process: asyncio.subprocess.Process) -> None:
        async with asyncio.timeout(_STARTED):
            await _answer(process)


@dataclass
class Workers:
    """`count` processes with a queue of at most `queue` requests; a response takes at most `timeout` seconds."""

    count: int
    queue: int
    timeout: float
    metrics: Metrics
    command: Sequence[str] = (sys.executable, "-m", "pipelines.forecasting.worker")
    shutdown: Shutdown = field(default_factory=Shutdown)
    _idle: "deque[_Worker]" = field(default_factory=deque)
    _all: list[_Worker] = field(default_factory=list)
    _free: asyncio.Semaphore = field(init=False)
    _waiting: int = 0
    _starting: "asyncio.Task[None] | None" = None

    def __post_init__(self) -> None:
        self._free = asyncio.Semaphore(self.count)

    async def start(self, after: float | None = None) -> None:
        """Starts the processes after `after` seconds, one at a time, because the imports of each take a core for
        seconds.

        A request that arrives earlier starts a process itself; if `after` is None, only requests start them.
        """
        self._all = [_Worker(self.command) for _ in range(self.count)]
        self._idle.extend(self._all)
        if after is not None:
            self._starting = asyncio.create_task(self._start(after))

    async def _start(self, after: float) -> None:
        await asyncio.sleep(after)
        for worker in self._all:
            await asyncio.wait([await worker.start()])

    async def stop(self) -> None:
        """Ends the processes."""
        self.shutdown.begin()
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._all))

    async def compute(
        self,
        request: Mapping[str, JsonValue],
        what: str = "forecasts",
        less: str = "Ask for fewer series or steps.",
        crash: Problem | None = None,
    ) -> bytes:
        """The response of a worker. `what` names the work in messages, `less` tells the client how to make it faster.

        Problem 503 if the queue is full or the service stops, 504 on timeout, and `crash` (default: 503) if the process
        ends.
        """
        if self.shutdown.begun or (self._free.locked() and self._waiting >= self.queue):
            self.metrics.generated.labels("refused").inc()
            why = "The service is being stopped." if self.shutdown.begun else f"Too many {what} are being computed."
            raise Problem(503, f"{why} Try again in a few seconds.", headers={"Retry-After": "5"})
        try:
            async with asyncio.timeout(self.timeout), self._one() as worker:
                head, body = await worker.ask(request)
        except TimeoutError:
            self.metrics.generated.labels("timeout").inc()
            raise Problem(504, f"The {what} took longer than {self.timeout:g} s. {less}") from None
        except Crashed:
            self.metrics.generated.labels("crashed").inc()
            raise crash or Problem(
                503, f"The process that computes {what} ended. Try again.", headers={"Retry-After": "5"}
            ) from None
        if head["kind"] != "ok":
            self.metrics.generated.labels("failed").inc()
            raise _problem(head, what)
        self.metrics.generated.labels("computed").inc()
        return body

    @contextlib.asynccontextmanager
    async def _one(self) -> AsyncIterator[_Worker]:
        """An idle worker. A worker that is left in the middle of a request is replaced by a new process."""
        self._waiting += 1
        self.metrics.waiting.inc()
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
            self.metrics.waiting.dec()
        worker = self._idle.popleft()
        self.metrics.running.inc()
        try:
            yield worker
        finally:
            if worker.busy:
                await worker.stop()
                if not self.shutdown.begun:
                    await worker.start()
            self.metrics.running.dec()
            self._idle.append(worker)
            self._free.release()


async def _answer(process: asyncio.subprocess.Process) -> tuple[Head, bytes]:
    """Reads a response: one line of JSON with the number of bytes, then the bytes."""
    assert process.stdout is not None  # noqa: S101 - a pipe
    line = await process.stdout.readline()
    if not line:
        raise Crashed("the process ended")
    head: Head = json.loads(line)
    return head, await process.stdout.readexactly(head["bytes"])


def _problem(head: Head, what: str) -> Problem:
    """The problem that a worker reports; details of an unexpected error go to the log only."""
    status = _STATUS.get(head["kind"])
    if status is None:
        structlog.get_logger("backend").error("worker failed", kind=head["kind"], reason=head["message"])
        return Problem(500, f"The {what} could not be computed. The log has the reason.")
    return Problem(status, **head["problem"])
