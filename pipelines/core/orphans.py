"""Child processes that end together with their owner, even if the owner is killed."""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time

OWNER = "PIPELINE_OWNER"  # environment variable with the id of the process that a script must not outlive
_LOOK = 0.5  # seconds between checks of the parent
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded at import: after a fork, loading may deadlock


def die_with_parent() -> None:
    """On Linux, asks the kernel to end this process as soon as the thread that started it ends. Safe after a fork."""
    if _LIBC is not None:
        _LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def end_with(owner: int) -> None:
    """Ends this process within one second after its parent `owner` ends, whatever it is doing."""
    die_with_parent()
    threading.Thread(target=_watch, args=(owner,), name="end with owner", daemon=True).start()


def end_with_owner() -> None:
    """`end_with` for the owner named in the environment, if any; child processes do not inherit the variable."""
    if owner := os.environ.pop(OWNER, ""):
        end_with(int(owner))


def _watch(owner: int) -> None:
    """Polls the parent: for systems other than Linux, and for owners that ended before the kernel was asked."""
    while os.getppid() == owner:
        time.sleep(_LOOK)
    with contextlib.suppress(OSError):
        os.kill(os.getpid(), signal.SIGKILL)
