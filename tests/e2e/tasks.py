"""Tasks for the workers of a cluster, which import this file and little else."""

import os

from pipelines.core.errors import ModelError


def doubled(n: int) -> tuple[int, int]:
    return 2 * n, os.getpid()


def failing_at_3(n: int) -> int:
    if n == 3:
        raise ModelError("no 3 today")
    return n
