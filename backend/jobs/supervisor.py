"""Runs the script of one job and records how it ended: `python -m backend.jobs.supervisor <folder> <module> [argument
…]`.

The supervisor has its own session, so it outlives the service that started it. It inherits the job's lock and holds it
until it exits. The script runs in a child process group, which ends whenever the supervisor does.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from backend.jobs import record as jobs
from backend.jobs.log import Log
from backend.jobs.record import Job, State
from pipelines.core.errors import StoreError
from pipelines.core.orphans import OWNER, die_with_parent

GRACE = 5.0  # seconds from asking a script to stop until it is killed
_LOOK = 0.1  # seconds between checks of the script, its progress and cancellation requests
_DRAIN = 5.0  # seconds to read the last output of a script that has ended


class Supervisor:
    """Supervisor of one job; `run` returns once the job has ended and its end is recorded."""

    def __init__(self, folder: Path, job: Job, command: list[str]) -> None:
        self.folder = folder
        self.job = job
        self.command = command
        self.log = Log(folder, os.environ)
        self.told_to_stop = False

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._stop)
        if self._unwanted:
            self._end(-signal.SIGTERM)
            return
        self._record(state="running", started_at=jobs.now())
        try:
            script = self._start()
        except OSError as error:
            self._record(state="failed", finished_at=jobs.now(), error=f"It could not be started ({error.strerror}).")
            return
        self._end(self._watch(script))

    @property
    def _unwanted(self) -> bool:
        return self.told_to_stop or jobs.is_cancelled(self.folder)

    def _stop(self, *_: object) -> None:
        self.told_to_stop = True

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - the command passed to the launcher
            [sys.executable, "-m", *self.command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "TERM": "dumb", OWNER: str(os.getpid())},
            start_new_session=True,
            preexec_fn=die_with_parent,  # safe here: the process has no other thread that could hold a lock
        )  # fmt: skip

    def _watch(self, script: "subprocess.Popen[bytes]") -> int:
        """Waits for the script and returns its exit code; all its child processes have ended by then."""
        assert script.stdout is not None  # noqa: S101 - a pipe
        reading = threading.Thread(target=self._read, args=(script.stdout,), daemon=True)
        reading.start()
        deadline = None
        while os.waitid(os.P_PID, script.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if deadline is None and self._unwanted:
                deadline = time.monotonic() + GRACE
                _signal(script, signal.SIGTERM)
            elif deadline is not None and time.monotonic() > deadline:
                _signal(script, signal.SIGKILL)
            if self.log.progress != self.job.progress:
                self._record(progress=self.log.progress)
            time.sleep(_LOOK)
        _signal(script, signal.SIGKILL)  # the exit code is not collected yet, so the group ID cannot have been reused
        reading.join(_DRAIN)
        return script.wait()

    def _read(self, output: IO[bytes]) -> None:
        for line in output:
            with contextlib.suppress(OSError):  # a full disk must not stop the script
                self.log.add(line)

    def _end(self, code: int) -> None:
        if code == 0:
            self._finish("succeeded")
        elif jobs.is_cancelled(self.folder):
            self._finish("cancelled")
        else:
            self._finish("failed", self._why(code))

    def _finish(self, state: State, error: str | None = None) -> None:
        self._record(state=state, error=error, finished_at=jobs.now(), progress=self.log.progress)

    def _why(self, code: int) -> str:
        if self.told_to_stop:
            return "The machine stopped it before it had finished."
        if self.log.error:
            return self.log.error
        if code == -signal.SIGKILL:
            return "It was killed, perhaps because the memory ran out."
        return f"The script was ended by signal {-code}." if code < 0 else f"The script ended with code {code}."

    def _record(self, **changed: Any) -> None:
        self.job = replace(self.job, **changed)
        with contextlib.suppress(OSError, StoreError):  # a full disk must not end a script that may still succeed
            self.job.save(self.folder)


def _signal(script: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    """Signals the script and all its child processes."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(script.pid, number)


def main() -> None:
    folder = Path(sys.argv[1])
    job = Job.load(folder)
    if job is None:
        sys.exit(f"error: {folder} holds no job")
    Supervisor(folder, job, sys.argv[2:]).run()


if __name__ == "__main__":
    main()
