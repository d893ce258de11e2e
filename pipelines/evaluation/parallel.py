"""The same call on many inputs, over the cores that are given."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from pipelines.progress import Progress

A = TypeVar("A")
R = TypeVar("R")


def run(call: Callable[[A], R], tasks: Iterable[A], n_jobs: int, stage: str, progress: Progress) -> Iterator[R]:
    """`call` of each task, in the order of `tasks`; n_jobs as in joblib. A single task needs no second process."""
    from joblib import Parallel, delayed

    todo = list(tasks)
    jobs = n_jobs if len(todo) > 1 else 1
    results = Parallel(n_jobs=jobs, return_as="generator")(delayed(call)(task) for task in todo)
    yield from progress.track(results, stage, len(todo))


def buckets(ids: list[str], size: int) -> list[list[str]]:
    """The series in groups of at most `size`: what one task holds in memory."""
    return [ids[start : start + size] for start in range(0, len(ids), size)]
