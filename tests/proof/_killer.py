"""Runs scripts in forked children, so that the libraries, slow to import, are imported once.

Reads a line of JSON a child, `{"script", "arguments", "seconds", "fault"}`, and answers with one: its exit code (-9: it was
killed after `seconds`), the seconds it took, and how often it used the call of its `fault`. What the children say goes to the
file that is the first argument.
"""

import builtins
import errno
import importlib
import io
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from multiprocessing.sharedctypes import Synchronized
from typing import Any

import statsforecast.models  # noqa: F401 - so that no child has to

import scripts.inference
import scripts.promote
import scripts.run_etl
import scripts.train  # noqa: F401


def run(script: str, arguments: list[str], log: str, fault: dict[str, Any], used: "Synchronized[int]") -> None:
    """The script's command line, in this process."""
    opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(opened, 1)
    os.dup2(opened, 2)
    sys.argv = [script, *arguments]
    if fault:
        Disk(used, **fault).spoil()
    importlib.import_module(f"scripts.{script}").main()


class Disk:
    """A disk below `folder` that fails once: at the `at`-th use of `call`, with the error named `code`."""

    def __init__(self, used: "Synchronized[int]", folder: str, call: str, at: int, code: str) -> None:
        self.used, self.folder, self.call, self.at, self.code = used, folder, call, at, getattr(errno, code)

    def spoil(self) -> None:
        """Puts itself between this process and the operating system."""
        if self.call == "write":
            self._spoil_writes()
            return
        real: Callable[..., Any] = getattr(os, self.call)

        def spoilt(target: Any, *others: Any, **named: Any) -> Any:
            self.meet(target)
            return real(target, *others, **named)

        setattr(os, self.call, spoilt)

    def meet(self, target: Any) -> None:
        """Counts a use of the call, and fails if it is the one."""
        path = (
            os.readlink(f"/proc/self/fd/{target}") if isinstance(target, int) else os.path.abspath(os.fsdecode(target))
        )
        if self.call == "mkdir" and os.path.isdir(path):  # EEXIST, whatever the disk is like
            return
        if path.startswith(self.folder):
            self.used.value += 1
            if self.used.value - 1 == self.at:
                raise OSError(self.code, os.strerror(self.code), path)

    def _spoil_writes(self) -> None:
        """A write that fails has written half of what it was given."""
        disk, real_open, real_write = self, builtins.open, os.write

        class Writer(io.BufferedWriter):
            def write(self, content: Any, /) -> int:
                try:
                    disk.meet(self.fileno())
                except OSError:
                    super().write(bytes(content)[: len(content) // 2])
                    super().flush()
                    raise
                return super().write(content)

        def opened(file: Any, mode: str = "r", *others: Any, **named: Any) -> Any:
            return Writer(io.FileIO(file, "w")) if mode == "wb" else real_open(file, mode, *others, **named)

        def written(descriptor: int, content: bytes, /) -> int:
            disk.meet(descriptor)
            return real_write(descriptor, content)

        builtins.open, os.write = opened, written  # type: ignore[assignment]


def answer(**told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    fork = multiprocessing.get_context("fork")
    answer(ready=True)
    for line in sys.stdin:
        asked = json.loads(line)
        used = fork.Value("i", 0)
        child = fork.Process(target=run, args=(asked["script"], asked["arguments"], sys.argv[1], asked["fault"], used))
        start = time.perf_counter()
        child.start()
        child.join(asked["seconds"])
        child.kill()
        child.join()
        answer(code=child.exitcode, seconds=time.perf_counter() - start, used=used.value)
