"""Safe file operations on disks that may fill up, fail or lose power at any moment."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from typing import BinaryIO

import fsspec
from filelock import FileLock, Timeout

from pipelines.core.errors import Conflict, StoreError

_PATIENCE = 10.0  # seconds that a writer waits for another one

Looks = tuple[int, int, int]


def replace_file(path: str, content: bytes) -> None:
    """Replaces a file atomically: on any failure, `path` keeps its previous content."""
    with replacing(path) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """A file to write in pieces that becomes `path` once complete: write, fsync, replace, fsync the directory."""
    folder, temporary = os.path.dirname(os.path.abspath(path)), f"{path}.{secrets.token_hex(4)}.tmp"
    make_folder(folder)
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    try:
        sync_folder(folder)
    except OSError as error:
        raise StoreError(
            f"{path} was replaced, but the disk does not confirm that it will last", remedy=remedy(error)
        ) from error


def opened(path: str) -> BinaryIO:
    """Opens a file that is closed when garbage-collected, since pyarrow does not close files passed to it."""
    file: BinaryIO = fsspec.filesystem("file").open(path, "rb")
    return file


def looks(path: str) -> Looks | None:
    """A fingerprint that changes when a file is replaced: modification time in ns, inode, size; None without a file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


@contextlib.contextmanager
def locked(path: str, patience: float = _PATIENCE, what: str = "") -> Iterator[None]:
    """Allows one writer at a time by locking the file `path`, which is created if missing and not changed.

    Raises Conflict after `patience` seconds, with `what` or `path` as the file being written. The kernel frees the lock
    when the process ends for any reason, and child processes do not inherit it.
    """
    lock = FileLock(path, timeout=patience, poll_interval=0.01, preserve_lock_file=True)
    try:
        held = lock.acquire()
    except Timeout:
        raise Conflict(f"{what or path} is being written by another process", remedy="Try again.") from None
    with held:
        yield


def make_folder(folder: str) -> None:
    """Creates a folder and its parents so that they survive a power cut."""
    if not os.path.isdir(folder):
        above = os.path.dirname(folder)
        make_folder(above)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
        sync_folder(above)


def sync_folder(folder: str) -> None:
    """Syncs a folder, so that the names in it survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def failing_clearly(where: str) -> Iterator[None]:
    """Turns operating system errors into a StoreError with a remedy."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{where} could not be written", remedy=f"{remedy(error)} What was published before is untouched."
        ) from error


def remedy(error: OSError) -> str:
    return {
        errno.ENOSPC: "The disk is full: free some space and run again.",
        errno.EDQUOT: "The quota is used up: free some space and run again.",
        errno.EACCES: "Permission denied: check who owns the folder.",
        errno.EROFS: "The file system is read-only: choose another folder.",
        errno.EIO: "The disk reports an error: check it, then run again.",
    }.get(error.errno or 0, f"{error.strerror or error}.")


def lies_below(path: str, root: str) -> bool:
    """Whether `path` is below `root` after resolving all links."""
    real = os.path.realpath(root)
    return os.path.commonpath([real, os.path.realpath(path)]) == real
