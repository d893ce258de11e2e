"""Runs a script again and again, each time in a forked child: the libraries, slow to import, are imported once.

Reads one line a child, `<script> <workspace> <seconds until it is killed>`, and answers with its exit code (-9: killed)
and the seconds it took. What the children say goes to the file that is the first argument.
"""

import importlib
import multiprocessing
import os
import sys
import time

import statsforecast.models  # noqa: F401 - so that no child has to

import scripts.inference
import scripts.run_etl
import scripts.train  # noqa: F401


def run(script: str, workspace: str, log: str) -> None:
    """The script's command line, in this process."""
    opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(opened, 1)
    os.dup2(opened, 2)
    sys.argv = [script, "--workspace", workspace]
    importlib.import_module(f"scripts.{script}").main()


def answer(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    answer("ready")
    for line in sys.stdin:
        script, workspace, limit = line.split()
        child = multiprocessing.get_context("fork").Process(target=run, args=(script, workspace, sys.argv[1]))
        start = time.perf_counter()
        child.start()
        child.join(float(limit))
        child.kill()
        child.join()
        answer(child.exitcode, time.perf_counter() - start)
