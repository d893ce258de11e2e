"""Job launchers. Jobs never run in the API process."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from backend.jobs import record as jobs
from backend.jobs.record import Job

_OURS = ("API_", "OTEL_")  # settings of the service, including its keys: no script needs them


class Launcher(Protocol):
    """Interface of a job launcher."""

    def start(self, folder: Path, job: Job, command: Sequence[str]) -> None:
        """Saves the record of a job and starts `python -m <command>`; OSError if that fails."""
        ...

    def state(self, folder: Path) -> Literal["alive", "gone"]:
        """Whether a process still works on the job and will record its end."""
        ...

    def cancel(self, folder: Path, by: str) -> None:
        """Requests cancellation of a job and all its child processes; this may take some seconds."""
        ...


class LocalProcess:
    """Starts a local supervisor in its own session: it outlives the service and records how the script ends."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, folder: Path, job: Job, command: Sequence[str]) -> None:
        self._started = [process for process in self._started if process.poll() is None]  # reaps zombies
        folder.mkdir(parents=True)
        lock = jobs.hold(folder)  # before the record exists: a recorded job counts as alive until its lock is free
        try:
            job.save(folder)
            process = subprocess.Popen(  # noqa: S603 - our own module; the names of job and workspace are checked
                [sys.executable, "-m", "backend.jobs.supervisor", str(folder), *command],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if not name.startswith(_OURS)},
                pass_fds=(lock,), start_new_session=True,
            )  # fmt: skip
            self._started.append(process)
        finally:
            os.close(lock)  # the supervisor has inherited it, or failed to start

    def state(self, folder: Path) -> Literal["alive", "gone"]:
        return "alive" if jobs.is_held(folder) else "gone"

    def cancel(self, folder: Path, by: str) -> None:
        jobs.ask_to_cancel(folder, by)
