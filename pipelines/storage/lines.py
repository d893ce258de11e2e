"""Append-only files of lines: a line is added completely or not at all, and is not affected by a torn previous one.

A killed process or a full disk may leave an incomplete (torn) line. The next writer copies that piece to a file aside
and terminates it, so that the next line is separate; readers skip only the piece.
"""

import contextlib
import errno
import os
import re

from pipelines.core import documents
from pipelines.core.documents import Json
from pipelines.storage import disk

_BLOCK = 1 << 16  # bytes per step when searching for the last line end
_OBJECT = re.compile(r'(?=(\{\s*"[^"]*"))')  # may start within a torn object


def aside(path: str) -> str:
    """The path of a file's torn pieces."""
    return f"{path}.torn"


def append(path: str, line: str, patience: float) -> None:
    """Adds a line and waits until it is on disk. On OSError the file is unchanged.

    Writers take turns; Conflict after `patience` seconds.
    """
    folder = os.path.dirname(os.path.abspath(path))
    disk.make_folder(folder)
    fresh = not os.path.exists(path)
    with disk.locked(path, patience), open(path, "ab+", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        piece = _unfinished(file.fileno(), size)
        if piece:
            _write(aside(path), piece + b"\n")
        _add(file.fileno(), (b"\n" if piece else b"") + f"{line}\n".encode(), size)
    if fresh:
        disk.sync_folder(folder)


def added(content: bytes, line: str) -> tuple[bytes, bytes]:
    """The content with one more line, and the torn piece at its previous end, for stores that replace whole objects."""
    piece = content[content.rfind(b"\n") + 1 :]
    return content + (b"\n" if piece else b"") + f"{line}\n".encode(), piece


def finished(content: bytes) -> list[str]:
    """The complete lines. Bytes that are not UTF-8 are replaced."""
    return content[: content.rfind(b"\n") + 1].decode(errors="replace").split("\n")[:-1]


def objects(content: bytes) -> list[Json]:
    """The JSON object of each complete line. Lines without one are skipped.

    A complete object after a torn piece on the same line, as written by earlier versions, is read.
    """
    return [record for line in finished(content) if (record := _object(line)) is not None]


def _object(line: str) -> Json | None:
    """The object of a line, or the one after a torn piece, which starts with the same key as all lines of a file."""
    for match in _OBJECT.finditer(line):
        start, head = match.start(), match.group(1)
        if line.startswith(head) or head.startswith(line[:start]):
            with contextlib.suppress(ValueError):
                return documents.parse_object(line[start:])
    return None


def _unfinished(descriptor: int, size: int) -> bytes:
    """The bytes after the last line end."""
    start = size
    while start > 0:
        start = max(0, start - _BLOCK)
        end = os.pread(descriptor, min(_BLOCK, size - start), start).rfind(b"\n")
        if end >= 0:
            start += end + 1
            break
    return os.pread(descriptor, size - start, start)


def _add(descriptor: int, content: bytes, size: int) -> None:
    """Appends to a file of `size` bytes; on any failure it is truncated to that size."""
    try:
        if os.write(descriptor, content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def _write(path: str, content: bytes) -> None:
    with open(path, "ab", buffering=0) as file:
        _add(file.fileno(), content, os.fstat(file.fileno()).st_size)
