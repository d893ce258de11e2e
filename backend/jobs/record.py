"""The record of one job: a folder with `job.json`, the log of its script, and a lock that its process holds."""

import fcntl
import json
import os
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # of Python 3.12, which pydantic needs

from pipelines.core import documents
from pipelines.storage import disk
from pipelines.storage.disk import replace_file

Kind = Literal["etl", "train", "inference", "monitor", "run_all"]
State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Unknown = Literal["unknown"]  # of a job whose record is damaged
ACTIVE: tuple[State, ...] = ("queued", "running")
VANISHED = "Its process ended without a word: it was killed, or the machine was restarted."

RECORD, LOG, CANCEL, LOCK, TRACE = "job.json", "log.jsonl", "cancel.json", "lock", "trace.txt"
_TAIL = 256 * 1024  # bytes of the log that are looked at for its newest lines


class Progress(TypedDict):
    """Where the script is; `done` and `total` where it counts."""

    stage: str
    done: int | None
    total: int | None


class LogLine(BaseModel):
    """A line that the script has printed, with its facts."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Any]
    timestamp: str = ""
    level: str = ""
    event: str


@dataclass(frozen=True)
class Job:
    """What is known of a job. One process writes it at a time: who starts it, then its supervisor."""

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
        """Replaces the record in one step."""
        replace_file(str(folder / RECORD), json.dumps(asdict(self), indent=1).encode())

    @classmethod
    def load(cls, folder: Path) -> "Job | None":
        """The record; None where a job was never begun. Of one that is damaged, what its folder tells.

        Such a job counts as running for as long as its process holds the lock, so that no second one is begun beside it.
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
    """Leaves the wish where the supervisor looks for it; that needs no number of a process, which may be another's by now."""
    replace_file(str(folder / CANCEL), json.dumps({"by": by, "at": now()}).encode())


def is_cancelled(folder: Path) -> bool:
    return (folder / CANCEL).exists()


def hold(folder: Path) -> int:
    """A descriptor that holds the folder's lock until every process that has inherited it is gone.

    Not a FileLock: no child inherits those, and this one has to outlive the service that takes it.
    """
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


def tail(folder: Path, lines: int) -> list[LogLine]:
    """The newest lines of the log; what is none is skipped."""
    try:
        with (folder / LOG).open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - _TAIL))
            if size > _TAIL:
                log.readline()  # the rest of a line
            newest = deque(log, maxlen=lines)
    except FileNotFoundError:
        return []
    return [event for line in newest if line.endswith(b"\n") and (event := _event(line))]


def _event(line: bytes) -> LogLine | None:
    """A line of the log; None for one that a full disk or another hand has left."""
    try:
        return LogLine.model_validate(documents.parse_object(line))
    except ValueError:  # a ValidationError is one
        return None


def _moment(job_id: str) -> str:
    """When a job was begun, by its name."""
    return datetime.strptime(job_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).isoformat(timespec="milliseconds")


def last_sign_of_life(folder: Path) -> str:
    """When a vanished job wrote last."""
    times = [(folder / name).stat().st_mtime for name in (RECORD, LOG) if (folder / name).exists()]
    return datetime.fromtimestamp(max(times, default=folder.stat().st_mtime), UTC).isoformat(timespec="milliseconds")
