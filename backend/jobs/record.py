"""The record of a job: a folder with `job.json`, the log of its script, and a lock held by its process."""

import fcntl
import json
import os
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic requires this one before Python 3.12

from pipelines.core import documents
from pipelines.storage import disk
from pipelines.storage.disk import replace_file

Kind = Literal["etl", "train", "inference", "monitor", "run_all"]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Unknown = Literal["unknown"]  # kind of a job with a damaged record
ACTIVE: tuple[State, ...] = ("queued", "running")
VANISHED = "Its process ended without a word: it was killed, or the machine was restarted."

RECORD, LOG, CANCEL, LOCK, TRACE = "job.json", "log.jsonl", "cancel.json", "lock", "trace.txt"
_TAIL = 256 * 1024  # bytes read from the end of the log


class Progress(TypedDict):
    """Progress of the script; `done` and `total` if it counts steps."""

    stage: str
    done: int | None
    total: int | None


class LogLine(BaseModel):
    """A line printed by the script, with its fields."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Any]
    timestamp: str = ""
    level: str = ""
    event: str


@dataclass(frozen=True)
class Job:
    """State of a job. Only one process writes it at a time: first the launcher, then the supervisor."""

    job_id: str
    workspace: str
    kind: Kind | Unknown
    by: str
    created_at: str
    state: State = "queued"
    started_at: str | None = None
    finished_at: str | None = None
    progress: Progress | None = None
    error: str | None = None

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    def save(self, folder: Path) -> None:
        """Replaces the record atomically."""
        replace_file(str(folder / RECORD), json.dumps(asdict(self), indent=1).encode())

    @classmethod
    def load(cls, folder: Path) -> "Job | None":
        """The record; None if the job was never started. For a damaged record, what the folder name shows.

        A job with a damaged record counts as running while its process holds the lock, so that no second job starts
        next to it.
        """
        try:
            return _JOB.validate_python(documents.parse_object((folder / RECORD).read_bytes()))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValidationError as error:
            first = error.errors()[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        except ValueError as error:
            reason = documents.why(error)
        except OSError as error:
            reason = disk.remedy(error)
        told = f"Its record {RECORD} cannot be read ({reason}). Start the pipeline again."
        return cls(folder.name, folder.parents[1].name, "unknown", "", _moment(folder.name), "running", error=told)


_JOB = TypeAdapter(Job)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def ask_to_cancel(folder: Path, by: str) -> None:
    """Writes a cancellation request for the supervisor. It needs no process ID, which might have been reused."""
    replace_file(str(folder / CANCEL), json.dumps({"by": by, "at": now()}).encode())


def is_cancelled(folder: Path) -> bool:
    return (folder / CANCEL).exists()


def hold(folder: Path) -> int:
    """A descriptor that holds the folder's lock until every process that has inherited it has ended.

    Not a FileLock: child processes do not inherit those, and this lock must outlive the service that takes it.
    """
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock


def is_held(folder: Path) -> bool:
    """Whether a process still holds the lock. The lock belongs to an open file, so it is released even after kill -9 or
    a restart.
    """
    try:
        with (folder / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def tail(folder: Path, lines: int) -> list[LogLine]:
    """The newest lines of the log; invalid lines are skipped."""
    try:
        with (folder / LOG).open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - _TAIL))
            if size > _TAIL:
                log.readline()  # skips a partial line
            newest = deque(log, maxlen=lines)
    except FileNotFoundError:
        return []
    return [event for line in newest if line.endswith(b"\n") and (event := _event(line))]


def _event(line: bytes) -> LogLine | None:
    """A line of the log; None if it is invalid, for example cut off by a full disk or edited by hand."""
    try:
        return LogLine.model_validate(documents.parse_object(line))
    except ValueError:  # includes ValidationError
        return None


def _moment(job_id: str) -> str:
    """When a job was started, from its ID."""
    return datetime.strptime(job_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).isoformat(timespec="milliseconds")


def last_sign_of_life(folder: Path) -> str:
    """When a vanished job last wrote a file."""
    times = [(folder / name).stat().st_mtime for name in (RECORD, LOG) if (folder / name).exists()]
    return datetime.fromtimestamp(max(times, default=folder.stat().st_mtime), UTC).isoformat(timespec="milliseconds")
