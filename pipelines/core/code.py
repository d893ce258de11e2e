"""Which code this is: its version, its commit, and a digest of parts of it."""

import contextlib
import functools
import hashlib
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pipelines

COMMIT = "COMMIT"  # the file in the package `pipelines` that a build writes: images have no git history
_PACKAGE = Path(pipelines.__file__).parent


def version() -> str:
    """The package's version, and after a plus sign the commit if it is known: `0.2.0+1f0c3a9d27be`."""
    known = commit()
    return f"{pipelines.__version__}+{known}" if known else pipelines.__version__


@functools.cache  # the process keeps the code that it has imported, whatever is checked out later
def commit() -> str | None:
    """The first 12 digits of the commit: of the build that this code is in, else of its git checkout; None outside both."""
    return commit_of(_PACKAGE)


def commit_of(package: Path) -> str | None:
    """The same for the code in *package*."""
    with contextlib.suppress(OSError):
        baked = (package / COMMIT).read_text(encoding="utf-8").strip()
        if re.fullmatch(r"[0-9a-f]{12,64}", baked):
            return baked[:12]
    if not (package.parent / ".git").exists():
        return None
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        asked = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"],  # noqa: S607 - the git of the machine is meant
            cwd=package.parent,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
        return asked.stdout.strip()
    return None


def digest(package: Path, parts: Iterable[str]) -> str:
    """SHA-256 of the Python files among *parts*, files and folders of *package*: of their names and contents.

    Equal in an image and in a checkout of the same code; an edit counts before it is committed.
    """
    checksum = hashlib.sha256()
    for part in sorted(parts):
        path = package / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            content = file.read_bytes()
            checksum.update(f"{file.relative_to(package).as_posix()}\0{len(content)}\0".encode() + content)
    return checksum.hexdigest()
