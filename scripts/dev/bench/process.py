"""Measurement of a program: its seconds, and the peak memory of the program and its children together."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROCESSES = 2  # cores that each method may use
_EVERY = 0.25  # seconds between two memory samples


@dataclass(frozen=True)
class Cost:
    """Cost of a program; `peak_mb` is in MiB."""

    seconds: float
    peak_mb: float


class TooLong(Exception):
    """The program exceeded its timeout and was ended."""


def measure(
    command: Sequence[str],
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> Cost:
    """Runs the command to its end. Raises RuntimeError with its output if it fails, TooLong after `timeout` seconds."""
    with tempfile.TemporaryFile("w+") as output:
        start, peak = time.perf_counter(), 0.0
        process = subprocess.Popen(  # noqa: S603 - our own scripts
            command, env=environ, cwd=cwd, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            while process.poll() is None:
                peak = max(peak, _family_mb(process.pid))
                if timeout is not None and time.perf_counter() - start > timeout:
                    raise TooLong(f"over {timeout:,.0f} s")
                time.sleep(_EVERY)
        finally:
            with contextlib.suppress(ProcessLookupError):  # ends its workers too, in any case
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"{' '.join(command)} failed:\n{output.read()}")
    return Cost(time.perf_counter() - start, peak)


def _family_mb(root: int) -> float:
    """Current resident memory of a process and its descendants, in MiB; 0 without /proc."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    family = {root}
    while grown := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= grown
    return sum(map(_resident_mb, family))


def _resident_mb(pid: int) -> float:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024**2
    return 0.0
