"""A program of its own, measured: its seconds, and the most memory that it and its children held together."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROCESSES = 2  # what everyone may use
_EVERY = 0.25  # seconds between two looks at the memory


@dataclass(frozen=True)
class Cost:
    """What a program took; `peak_mb` is in MiB."""

    seconds: float
    peak_mb: float


class TooLong(Exception):
    """The program was ended after the time it was given."""


def measure(
    command: Sequence[str],
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> Cost:
    """Runs the command to its end. RuntimeError with what it wrote if it fails, TooLong after `timeout` seconds."""
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
            with contextlib.suppress(ProcessLookupError):  # its workers too, whatever ended it
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"{' '.join(command)} failed:\n{output.read()}")
    return Cost(time.perf_counter() - start, peak)


def _family_mb(root: int) -> float:
    """Resident memory of a process and its descendants now, added up, in MiB; 0 where there is no /proc."""
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
