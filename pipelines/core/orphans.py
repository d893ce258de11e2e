"""Processes that end with the one that owns them, also when that is killed and can tell nobody."""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time

OWNER = "PIPELINE_OWNER"  # the variable that tells a script whose it is: the process that must not be outlived
_LOOK = 0.5  # seconds between two looks at the parent
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded here: after a fork it may wait for ever


def die_with_parent() -> None:
    """On Linux, has the kernel end this process as soon as the thread that started it is gone. Safe after a fork."""
    if _LIBC is not None:
        _LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def end_with(owner: int) -> None:
    """Ends this process, whatever it is doing, within a second of its parent `owner`."""
    die_with_parent()
    threading.Thread(target=_watch, args=(owner,), name="end with owner", daemon=True).start()


def end_with_owner() -> None:
    """The same with the process that the environment names, if any; what this one starts does not inherit it."""
    if owner := os.environ.pop(OWNER, ""):
        end_with(int(owner))


def _watch(owner: int) -> None:
    """For other systems, and for an owner that ended before the kernel was asked."""
    while os.getppid() == owner:
        time.sleep(_LOOK)
    with contextlib.suppress(OSError):
        os.kill(os.getpid(), signal.SIGKILL)
