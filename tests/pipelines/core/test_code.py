"""Which code this is: in a build, in a checkout, and outside both."""

import subprocess
from pathlib import Path

import pytest

from pipelines import __version__
from pipelines.core import code

BAKED = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package outside any checkout."""
    folder = tmp_path / "project/pipelines"
    folder.mkdir(parents=True)
    return folder


def checkout(package: Path) -> str:
    """Makes a git checkout of the package's folder; returns the commit."""
    root = package.parent
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *command], cwd=root, check=True)
    found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True)
    return found.stdout.strip()


def test_a_build_names_the_commit_that_it_was_given(package: Path) -> None:
    """Images have no git history; the file that the build wrote is read."""
    (package / code.COMMIT).write_text(f"{BAKED}\n", encoding="utf-8")
    assert code.commit_of(package) == BAKED[:12]


@pytest.mark.parametrize("baked", ["", "\n", "main", "0123456", "$COMMIT_SHA", "0123456789AB"])
def test_a_build_that_was_given_no_commit_names_none(package: Path, baked: str) -> None:
    """An argument that was left out, or anything but a commit, is not passed on."""
    (package / code.COMMIT).write_text(baked, encoding="utf-8")
    assert code.commit_of(package) is None


def test_a_checkout_names_its_commit(package: Path) -> None:
    """As git has it; a build inside of it goes first."""
    commit = checkout(package)
    assert code.commit_of(package) == commit[:12]
    (package / code.COMMIT).write_text(BAKED, encoding="utf-8")
    assert code.commit_of(package) == BAKED[:12]


def test_outside_both_there_is_no_commit(package: Path) -> None:
    """Nor where git fails."""
    assert code.commit_of(package) is None
    (package.parent / ".git").write_text("gitdir: nowhere", encoding="utf-8")
    assert code.commit_of(package) is None


def test_the_version_is_followed_by_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version alone where no commit is known."""
    monkeypatch.setattr(code, "commit", lambda: BAKED[:12])
    assert code.version() == f"{__version__}+{BAKED[:12]}"
    monkeypatch.setattr(code, "commit", lambda: None)
    assert code.version() == __version__


def test_a_digest_depends_on_names_and_contents_of_its_parts_only(package: Path) -> None:
    """An edit, a new file or another name changes it; other parts and other kinds of files do not."""
    (package / "models").mkdir()
    (package / "models/naive.py").write_text("a = 1\n", encoding="utf-8")
    (package / "panel.py").write_text("b = 1\n", encoding="utf-8")
    parts = ("panel.py", "models")
    first = code.digest(package, parts)
    (package / "other.py").write_text("c = 1\n", encoding="utf-8")
    (package / "models/notes.md").write_text("text\n", encoding="utf-8")
    assert code.digest(package, reversed(parts)) == first
    (package / "models/naive.py").write_text("a = 2\n", encoding="utf-8")
    edited = code.digest(package, parts)
    (package / "models/naive.py").rename(package / "models/plain.py")
    renamed = code.digest(package, parts)
    (package / "models/theta.py").write_text("", encoding="utf-8")
    assert len({first, edited, renamed, code.digest(package, parts)}) == 4
