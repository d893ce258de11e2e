"""Where jobs run: never in the service's own process."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from backend.jobs import record as jobs
from backend.jobs.record import Job

_OURS = ("API_", "OTEL_")  # settings of the service, its keys among them: no script needs them


class Launcher(Protocol):
    """Runs the scripts of jobs; whoever has these methods is one."""

    def start(self, folder: Path, job: Job, command: Sequence[str]) -> None:
        """Saves the record of a job and begins `python -m <command>`; OSError where that cannot be done."""
        ...

    def state(self, folder: Path) -> Literal["alive", "gone"]:
        """Whether something still works on the job, and will record its end."""
        ...

    def cancel(self, folder: Path, by: str) -> None:
        """Asks for the end of a job and of all that it has started; it may take some seconds."""
        ...


class LocalProcess:
    """A supervisor on this machine, in a session of its own: it outlives the service and notes how the script ends."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, folder: Path, job: Job, command: Sequence[str]) -> None:
        self._started = [process for process in self._started if process.poll() is None]  # no zombies
        folder.mkdir(parents=True)
        lock = jobs.hold(folder)  # before there is a record: a job that is known is alive until its lock is free
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
            os.close(lock)  # the supervisor has it by now, or nobody

    def state(self, folder: Path) -> Literal["alive", "gone"]:
        return "alive" if jobs.is_held(folder) else "gone"

    def cancel(self, folder: Path, by: str) -> None:
        jobs.ask_to_cancel(folder, by)
