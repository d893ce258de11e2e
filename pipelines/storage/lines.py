"""Files of lines that only ever grow: a line is added whole or not at all, and takes no damage from the one before.

A process that dies, or a disk that fills up, may leave a line without its end. Whoever writes next copies that piece to a
file aside and ends it, so that the next line is a line of its own; whoever reads skips the piece and nothing else.
"""

import contextlib
import errno
import os
import re

from pipelines.core import documents
from pipelines.core.documents import Json
from pipelines.storage import disk

_BLOCK = 1 << 16  # bytes that are looked at for the last end of a line
_OBJECT = re.compile(r'(?=(\{\s*"[^"]*"))')  # may begin within another one that is torn


def aside(path: str) -> str:
    """Where the torn pieces of a file are kept."""
    return f"{path}.torn"


def append(path: str, line: str, patience: float) -> None:
    """Adds a line and waits until it is on disk. OSError if it is not: then the file is as it was.

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
    """The content with one more line, and the torn piece that it ended with: for stores that replace whole objects."""
    piece = content[content.rfind(b"\n") + 1 :]
    return content + (b"\n" if piece else b"") + f"{line}\n".encode(), piece


def finished(content: bytes) -> list[str]:
    """The lines that have their end. Bytes that are no UTF-8 are replaced where they stand."""
    return content[: content.rfind(b"\n") + 1].decode(errors="replace").split("\n")[:-1]


def objects(content: bytes) -> list[Json]:
    """The JSON object of each finished line. A line that holds none is skipped.

    Where a whole object stands behind a torn piece on one line, as versions before this one left it, it is read.
    """
    return [record for line in finished(content) if (record := _object(line)) is not None]


def _object(line: str) -> Json | None:
    """The object of a line, or the one behind a torn piece: it begins with the same key, as all lines of a file do."""
    for match in _OBJECT.finditer(line):
        start, head = match.start(), match.group(1)
        if line.startswith(head) or head.startswith(line[:start]):
            with contextlib.suppress(ValueError):
                return documents.parse_object(line[start:])
    return None


def _unfinished(descriptor: int, size: int) -> bytes:
    """What stands behind the last end of a line."""
    start = size
    while start > 0:
        start = max(0, start - _BLOCK)
        end = os.pread(descriptor, min(_BLOCK, size - start), start).rfind(b"\n")
        if end >= 0:
            start += end + 1
            break
    return os.pread(descriptor, size - start, start)


def _add(descriptor: int, content: bytes, size: int) -> None:
    """Writes at the end of a file of `size` bytes; on any failure the file ends where it ended before."""
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
