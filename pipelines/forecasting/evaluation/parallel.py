"""Parallel execution of one call on many inputs, on this machine or on a cluster."""

import logging
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from pipelines.core.config import Engine
from pipelines.core.errors import ConfigError
from pipelines.core.orphans import end_with
from pipelines.core.progress import Progress

A = TypeVar("A")
R = TypeVar("R")
Options = dict[str, Any]  # options of a cluster library

_TIMEOUT = 20  # seconds for a cluster to answer
_PER_CORE = 4  # tasks per core and batch, for backends that return results only when all are done


@dataclass(frozen=True)
class _Cluster:
    """The cluster opened by `engine`; `pool`: reused workers, for the backend that starts new ones for every call."""

    pool: Any = None


_cluster: ContextVar[_Cluster | None] = ContextVar("cluster", default=None)


def run(call: Callable[[A], R], tasks: Iterable[A], n_jobs: int, stage: str, progress: Progress) -> Iterator[R]:
    """Yields `call(task)` in the order of `tasks`. `n_jobs` is as in joblib; a cluster is always used completely.

    On this machine, a single task runs without a second process.
    """
    from joblib import Parallel, delayed

    todo = list(tasks)
    calls, cluster = [delayed(call)(task) for task in todo], _cluster.get()
    jobs = -1 if cluster else n_jobs if len(todo) > 1 else 1
    if cluster and cluster.pool:
        results = _in_parts(calls, cluster.pool)
    else:
        # Local workers end with this process; otherwise they would wait five minutes for further tasks.
        ours = {} if cluster else {"initializer": end_with, "initargs": (os.getpid(),)}
        results = Parallel(n_jobs=jobs, return_as="generator", **ours)(calls)
    yield from progress.track(results, stage, len(todo))


def buckets(ids: list[str], size: int) -> list[list[str]]:
    """The series in groups of at most `size`, which bounds the memory of one task."""
    return [ids[start : start + size] for start in range(0, len(ids), size)]


@contextmanager
def engine(settings: Engine, n_jobs: int) -> Iterator[None]:
    """Context in which `run` uses the configured cluster, or a temporary one on this machine.

    ConfigError if the cluster's library is not installed, or the cluster does not answer.
    """
    if settings.backend == "local":
        yield
        return
    from joblib import Parallel, effective_n_jobs, parallel_config

    with ExitStack() as stack:
        try:
            options = stack.enter_context(_CLUSTERS[settings.backend](settings.address, effective_n_jobs(n_jobs)))
        except ImportError as error:
            raise ConfigError(
                f"{settings.backend} is not installed ({error})",
                code="engine_not_installed",
                field="engine.backend",
                found=settings.backend,
                remedy=f"Install it: pip install -e .[{settings.backend}]",
            ) from error
        except (OSError, ValueError, RuntimeError) as error:
            raise ConfigError(
                f"{settings.address or 'a cluster of this machine'} cannot be used with {settings.backend} "
                f"({type(error).__name__}: {error})",
                code="engine_unreachable",
                field="engine.address",
                found=settings.address,
                remedy="Start it and correct engine.address, or leave the address out.",
            ) from error
        stack.enter_context(parallel_config(settings.backend, n_jobs=-1, **options))
        pool = stack.enter_context(Parallel(n_jobs=-1)) if settings.backend == "ray" else None
        stack.callback(_cluster.reset, _cluster.set(_Cluster(pool)))
        yield


@contextmanager
def _dask(address: str | None, n_jobs: int) -> Iterator[Options]:
    """A cluster client as joblib options: one thread per worker, since some model libraries share a process badly."""
    from distributed import Client, LocalCluster

    with ExitStack() as stack:
        where = address or stack.enter_context(
            LocalCluster(n_workers=n_jobs, threads_per_worker=1, dashboard_address=None, silence_logs=logging.ERROR)
        )
        client = stack.enter_context(Client(where, timeout=_TIMEOUT, set_as_default=False))
        client.wait_for_workers(1, timeout=_TIMEOUT)
        yield {"client": client}


@contextmanager
def _ray(address: str | None, n_jobs: int) -> Iterator[Options]:
    """A connection to the cluster on which joblib starts its workers."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # would report every start to the vendor
    import ray
    from ray.util.joblib import register_ray

    register_ray()
    if address and address != "auto":
        _knock(address)
    own: Options = {} if address else {"num_cpus": n_jobs, "include_dashboard": False}
    ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **own)
    try:
        yield {}
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raises OSError or ValueError at once for an unreachable address, which Ray would retry for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError("use host:port, ray://host:port or auto")
    socket.create_connection((host, int(port)), _TIMEOUT).close()


_CLUSTERS: dict[str, Callable[[str | None, int], AbstractContextManager[Options]]] = {"dask": _dask, "ray": _ray}


def _in_parts(calls: list[Any], pool: Any) -> Iterator[Any]:
    """Runs calls in batches, for a backend that returns only when all are done: shows progress and bounds memory."""
    from joblib import effective_n_jobs

    size = _PER_CORE * effective_n_jobs(-1)
    for start in range(0, len(calls), size):
        yield from pool(calls[start : start + size])
