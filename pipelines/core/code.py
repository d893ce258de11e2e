"""Version, commit and content digest of the running code."""

import contextlib
import functools
import hashlib
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pipelines

COMMIT = "COMMIT"  # a file that the build writes into the package `pipelines`: images have no git history
_PACKAGE = Path(pipelines.__file__).parent


def version() -> str:
    """The package version, followed by `+` and the commit if it is known: `0.2.0+1f0c3a9d27be`."""
    known = commit()
    return f"{pipelines.__version__}+{known}" if known else pipelines.__version__


@functools.cache  # a process keeps the code it has imported, even if another commit is checked out later
def commit() -> str | None:
    """The first 12 digits of the commit, taken from the build or else from the git checkout; None without either."""
    return commit_of(_PACKAGE)


def commit_of(package: Path) -> str | None:
    """The commit, as in `commit`, for the code in *package*."""
    with contextlib.suppress(OSError):
        baked = (package / COMMIT).read_text(encoding="utf-8").strip()
        if re.fullmatch(r"[0-9a-f]{12,64}", baked):
            return baked[:12]
    if not (package.parent / ".git").exists():
        return None
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        asked = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"],  # noqa: S607 - git from the PATH is intended
            cwd=package.parent,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
        return asked.stdout.strip()
    return None


def digest(package: Path, parts: Iterable[str]) -> str:
    """SHA-256 over names and contents of the Python files in *parts*, which are files and folders of *package*.

    An image and a checkout of the same code have the same digest; uncommitted edits change it.
    """
    checksum = hashlib.sha256()
    for part in sorted(parts):
        path = package / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            content = file.read_bytes()
            checksum.update(f"{file.relative_to(package).as_posix()}\0{len(content)}\0".encode() + content)
    return checksum.hexdigest()
