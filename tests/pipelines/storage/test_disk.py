"""Locks: who holds one keeps others out, and nobody holds one for ever."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.core.errors import Conflict
from pipelines.storage import disk

ROOT = Path(__file__).parents[3]
HOLD = (
    "import sys, time; from pipelines.storage import disk\nwith disk.locked(sys.argv[1]): print('held', flush=True); {}"
)


def test_a_second_writer_is_told_what_is_being_written(tmp_path: Path) -> None:
    """By the name that it was given, after its patience; and it may once the first one has finished."""
    path = str(tmp_path / "lock")
    told = r"^the page is being written by another process"
    with disk.locked(path), pytest.raises(Conflict, match=told), disk.locked(path, 0.05, "the page"):
        pytest.fail("two writers")
    with disk.locked(path, 0.05):
        pass


def test_what_is_locked_is_left_as_it_is(tmp_path: Path) -> None:
    """A file may be its own lock: neither its content nor the file itself changes."""
    path = tmp_path / "lines"
    path.write_text("kept")
    before = disk.looks(str(path))
    with disk.locked(str(path)):
        pass
    assert (disk.looks(str(path)), path.read_text()) == (before, "kept")


def test_an_error_within_frees_the_lock(tmp_path: Path) -> None:
    """And passes on as it is."""
    path = str(tmp_path / "lock")
    with pytest.raises(ValueError, match="mine"), disk.locked(path):
        raise ValueError("mine")
    with disk.locked(path, 0.05):
        pass


def test_a_killed_process_frees_its_lock(tmp_path: Path) -> None:
    """Without a word, and at once."""
    path = str(tmp_path / "lock")
    code = HOLD.format("time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", code, path], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(Conflict), disk.locked(path, 0.05):
            pytest.fail("two writers")
        process.send_signal(signal.SIGKILL)
        process.wait()
    with disk.locked(path, 0.05):
        pass


def test_a_child_does_not_inherit_the_lock(tmp_path: Path) -> None:
    """One that was forked meanwhile, and lives on, keeps nobody out."""
    path = str(tmp_path / "lock")
    fork = "child = __import__('os').fork(); child or time.sleep(60); print(child, flush=True)"
    code = HOLD.format(fork)
    with subprocess.Popen([sys.executable, "-c", code, path], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        child = int(process.stdout.readline())
        try:
            assert process.wait(30) == 0
            with disk.locked(path, 1.0):
                os.kill(child, 0)  # it is still there
        finally:
            os.kill(child, signal.SIGKILL)
