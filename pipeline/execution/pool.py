"""Where jobs run: in this process, on Dask workers of this machine, on a Dask scheduler."""

from __future__ import annotations

import concurrent.futures
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from skyassay.pipeline.execution.errors import ExecutionError

SETTINGS: dict[str, Any] = {
    # The driver hears at once of a death: it does the retries, and can tell a culprit from a
    # bystander.
    "distributed.scheduler.allowed-failures": 0,
    # After a death the cluster gives a worker up for good if it is not back in this time; the
    # 15 s it has otherwise are too close to what a new process needs for its imports.
    "distributed.deploy.lost-worker-timeout": "1 hour",
    # The sampling profiler costs some 10 % of short tasks.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.limit": "60s",
    # Images are no data of Dask's that it could spill; a worker that it pauses would hang the run.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.nanny.pre-spawn-environ": {
        "OMP_NUM_THREADS": 1,
        "OPENBLAS_NUM_THREADS": 1,
        "MKL_NUM_THREADS": 1,
        "NUMBA_NUM_THREADS": 1,
        # Freed memory stays with the process: Dask's own 64 KiB gives every image back to the
        # kernel, and a third of a night's time went into clearing the pages of the next one.
        "MALLOC_TRIM_THRESHOLD_": 1 << 30,
        "MALLOC_MMAP_THRESHOLD_": 32 << 20,  # the largest that glibc takes
    },
}

CONNECT_SECONDS = 30

# "The process that had this job is gone", by name: other schedulers have their own classes.
LOSSES = {"KilledWorker", "CancelledError", "FutureCancelledError", "BrokenExecutor"}


class Pool(Protocol):
    """What the driver asks of a pool of workers."""

    def submit(self, function: Callable[..., Any], *args: Any) -> concurrent.futures.Future[Any]:
        """Begin a call elsewhere."""

    def size(self) -> int:
        """Return how many jobs can run at once, now."""


class InProcess:
    """Runs each job at once, in this thread: for debuggers and small jobs."""

    def submit(self, function: Callable[..., Any], *args: Any) -> concurrent.futures.Future[Any]:
        """Call and return what came of it."""
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            future.set_result(function(*args))
        except Exception as err:  # noqa: BLE001 - as any pool does
            future.set_exception(err)
        return future

    def size(self) -> int:
        """Return 1."""
        return 1


class DaskPool:
    """Dask workers with one thread each: log capture hooks the root logger of a process.

    Parameters
    ----------
    client : distributed.Client
        A client of the scheduler.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._executor = client.get_executor(pure=False)

    def submit(self, function: Callable[..., Any], *args: Any) -> concurrent.futures.Future[Any]:
        """Begin a call on a worker."""
        future: concurrent.futures.Future[Any] = self._executor.submit(function, *args)
        return future

    def size(self) -> int:
        """Return the number of threads of all workers that are there now."""
        return sum(self._client.nthreads().values())


@contextmanager
def open_pool(workers: int, scheduler: str | None = None) -> Iterator[Pool]:
    """Start workers, or connect to some.

    Parameters
    ----------
    workers : int
        Processes on this machine; 0: run everything in this process.
    scheduler : str, optional
        Address of a Dask scheduler; its workers are used, with one thread each, and stay.
    """
    if scheduler is None and workers == 0:
        from skyassay.pipeline.execution.worker import close_context

        try:
            yield InProcess()
        finally:
            close_context()
        return
    try:
        import dask
        import distributed
    except ImportError as err:
        raise ExecutionError(
            "Dask is not installed.",
            code="NO_DASK",
            hint="pip install 'skyassay[images]', or run with workers=0 in one process.",
            exit_code=4,
        ) from err

    with dask.config.set(SETTINGS):
        if scheduler is not None:
            try:
                client = distributed.Client(scheduler, timeout=CONNECT_SECONDS)
            except OSError as err:
                raise ExecutionError(
                    f"No Dask scheduler answers at {scheduler}.",
                    code="NO_SCHEDULER",
                    hint="Start one with `dask scheduler`, and workers with `--nthreads 1`.",
                    exit_code=4,
                ) from err
            with client:
                yield DaskPool(client)
            return
        with (
            distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                # Without it the scheduler wants port 8787, which another run may have.
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                silence_logs=logging.ERROR,  # the driver says what a death means
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield DaskPool(client)
