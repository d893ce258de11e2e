"""Processes whose owner is killed end at once, whatever they are doing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pipelines.core import orphans

ROOT = Path(__file__).parents[3]
TRAINING = """
import os, time
from pipelines.forecasting.evaluation import parallel
from pipelines.core.progress import Silent
def work(n):
    print("worker", os.getpid(), flush=True)
    time.sleep(600 if n else 0)
print("owner", os.getpid(), flush=True)
list(parallel.run(work, [1, 1], 2, "fit", Silent()))
"""
OWNER = """
import os, subprocess, sys, time
from pipelines.core.orphans import OWNER
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], env={**os.environ, OWNER: str(os.getpid())})
time.sleep(600)
"""
SCRIPT = """
import os, time
from pipelines.core import orphans
orphans.die_with_parent = lambda: None  # as where there is no such call
orphans.end_with_owner()
assert orphans.OWNER not in os.environ
print("script", os.getpid(), flush=True)
while True: sum(range(10**5))  # it does not look at anything
"""


def started(*command: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}
    )


def names(process: "subprocess.Popen[str]", count: int) -> list[psutil.Process]:
    """The processes that the output names."""
    assert process.stdout is not None
    return [psutil.Process(int(process.stdout.readline().split()[1])) for _ in range(count)]


def check_all_end(process: "subprocess.Popen[str]", family: list[psutil.Process]) -> None:
    start = time.perf_counter()
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(family, timeout=10)
    for one in alive:
        one.kill()
    assert not alive
    assert time.perf_counter() - start < 10


def test_the_workers_of_a_training_end_with_it(tmp_path: Path) -> None:
    """Killed in the middle of its tasks, it leaves no process behind that waits for more."""
    (tmp_path / "training.py").write_text(TRAINING)
    process = started(str(tmp_path / "training.py"))
    owner, *workers = names(process, 3)
    check_all_end(process, [*workers, *owner.children(recursive=True)])


def test_a_script_ends_with_its_owner_on_any_system() -> None:
    """Without a call of the kernel it looks who its parent is, and forgets whose it is before it starts others."""
    process = started("-c", OWNER, SCRIPT)
    check_all_end(process, names(process, 1))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked on Linux only")
def test_on_linux_the_kernel_ends_it() -> None:
    """Also one that never gets to look."""
    code = SCRIPT.replace("orphans.die_with_parent =", "orphans._LOOK = 600; _ =")
    process = started("-c", OWNER, code)
    check_all_end(process, names(process, 1))


def test_an_owner_that_is_gone_already_ends_it() -> None:
    """Between the start and the first look."""
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    code = f"from pipelines.core import orphans; import time; orphans.end_with({int(gone.stdout)}); time.sleep(60)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=30)
    assert ended.returncode == -signal.SIGKILL


def test_without_an_owner_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that a person starts outlives its terminal if it is told to."""
    monkeypatch.delenv(orphans.OWNER, raising=False)
    monkeypatch.setattr(orphans, "end_with", lambda owner: pytest.fail("an owner was found"))
    orphans.end_with_owner()
