"""Launchers in the place of the one that runs the pipelines: jobs in any state, and tiny scripts."""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from backend.jobs import record as jobs
from backend.jobs.processes import LocalProcess
from backend.jobs.record import Job, State


class Instant:
    """Runs nothing: a job is in the given state as soon as it is started, and cancelled when that is asked."""

    def __init__(self, state: State = "succeeded") -> None:
        self._state = state

    def start(self, folder: Path, job: Job, command: Sequence[str]) -> None:
        folder.mkdir(parents=True)
        replace(job, state=self._state, finished_at=None if self._state in jobs.ACTIVE else jobs.now()).save(folder)

    def state(self, folder: Path) -> Literal["alive", "gone"]:
        return "gone" if jobs.is_cancelled(folder) else "alive"

    def cancel(self, folder: Path, by: str) -> None:
        jobs.ask_to_cancel(folder, by)


class Tiny(LocalProcess):
    """The real supervisor over a few lines of Python in the place of a pipeline."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self._code = code

    def start(self, folder: Path, job: Job, command: Sequence[str]) -> None:
        super().start(folder, job, [__name__ if __name__ != "__main__" else "tests.support.launchers", self._code])


if __name__ == "__main__":
    exec(sys.argv[1], {"os": os, "sys": sys, "shutil": shutil})
