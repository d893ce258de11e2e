"""The record of one job: a folder with `job.json`, the log of its script, and a lock that its process holds."""

import contextlib
import fcntl
import json
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pipelines.disk import replace_file

Kind = Literal["etl", "train", "inference", "monitor", "run_all"]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
ACTIVE: tuple[State, ...] = ("queued", "running")
VANISHED = "Its process ended without a word: it was killed, or the machine was restarted."

RECORD, LOG, CANCEL, LOCK, TRACE = "job.json", "log.jsonl", "cancel.json", "lock", "trace.txt"
_TAIL = 256 * 1024  # bytes of the log that are looked at for its newest lines


@dataclass(frozen=True)
class Job:
    """What is known of a job. One process writes it at a time: who starts it, then its supervisor."""

    job_id: str
    workspace: str
    kind: Kind
    by: str
    created_at: str
    state: State = "queued"
    started_at: str | None = None
    finished_at: str | None = None
    progress: dict[str, Any] | None = None
    error: str | None = None

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    def save(self, folder: Path) -> None:
        """Replaces the record in one step."""
        replace_file(str(folder / RECORD), json.dumps(asdict(self), indent=1).encode())

    @classmethod
    def load(cls, folder: Path) -> "Job | None":
        """The record; None where a job was never begun."""
        try:
            return cls(**json.loads((folder / RECORD).read_bytes()))
        except (FileNotFoundError, NotADirectoryError):
            return None


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def ask_to_cancel(folder: Path, by: str) -> None:
    """Leaves the wish where the supervisor looks for it; that needs no number of a process, which may be another's by now."""
    replace_file(str(folder / CANCEL), json.dumps({"by": by, "at": now()}).encode())


def is_cancelled(folder: Path) -> bool:
    return (folder / CANCEL).exists()


def hold(folder: Path) -> int:
    """A descriptor that holds the folder's lock until every process that has inherited it is gone."""
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock


def is_held(folder: Path) -> bool:
    """Whether some process still holds the lock. It belongs to an open file, so neither kill -9 nor a restart leaves it behind."""
    try:
        with (folder / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """One at a time, also among several services: the others wait."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def tail(folder: Path, lines: int) -> list[dict[str, Any]]:
    """The newest lines of the log."""
    try:
        with (folder / LOG).open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - _TAIL))
            if size > _TAIL:
                log.readline()  # the rest of a line
            newest = deque(log, maxlen=lines)
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in newest if line.endswith(b"\n")]


def last_sign_of_life(folder: Path) -> str:
    """When a vanished job wrote last."""
    times = [(folder / name).stat().st_mtime for name in (RECORD, LOG) if (folder / name).exists()]
    return datetime.fromtimestamp(max(times), UTC).isoformat(timespec="milliseconds")
