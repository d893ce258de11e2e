"""Local copies of tables on an object store. Tables never change, so each is fetched once per machine."""

import contextlib
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

from pipelines.core.errors import StoreError

LARGEST = 512 * 2**20  # bytes of all copies; uses memory where the temporary folder does, as on Cloud Run


class Copies:
    """The most recently used files by digest of their content, in a folder that only this user can read."""

    def __init__(self, folder: Path | None = None, largest: int = LARGEST) -> None:
        self.folder = folder or Path(tempfile.gettempdir()) / f"forecast-copilot-{os.getuid()}"
        self.largest = largest

    def get(self, digest: str, size: int, fetch: Callable[[str], None]) -> str:
        """The path of the copy; `fetch` writes the file to the given path. Callers must verify the content."""
        path = self.folder / digest
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size == size:
                os.utime(path)
                return str(path)
        self._make_folder()
        fresh = self.folder / f"{digest}.{secrets.token_hex(4)}.tmp"
        try:
            fetch(str(fresh))
            os.replace(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)
        self._trim(path)
        return str(path)

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = self.folder.stat()
        if about.st_uid != os.getuid() or about.st_mode & 0o077:
            raise StoreError(
                f"{self.folder} can be written by others, so no copy is kept there", remedy="Remove it, or set TMPDIR."
            )

    def forget(self, digest: str) -> None:
        """Removes a damaged copy."""
        (self.folder / digest).unlink(missing_ok=True)

    def _trim(self, newest: Path) -> None:
        """Removes the least recently used copies. Open files stay readable."""
        copies = []
        for path in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # other processes also trim
                about = path.stat()
                copies.append((about.st_mtime, about.st_size, path))
        total = sum(size for _, size, _ in copies)
        for _, size, path in sorted(copies):
            if total > self.largest and path != newest:
                path.unlink(missing_ok=True)
                total -= size
