"""Dask: workers of this machine, or of any scheduler that has an address."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from skyassay.verify.errors import VerifyError
from skyassay.verify.executors.base import (
    IN_FLIGHT,
    R,
    T,
    Workers,
    took_too_long,
    worker_died,
)

if TYPE_CHECKING:
    from distributed import Client

#: Seconds to wait for a scheduler's answer, and for its first worker.
CONNECT_SECONDS = 10.0
#: A worker that dies is not tried again and again on the same item. States of many stars
#: are large, and only a few items are under way at a time: no warning for each of them.
_SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.admin.large-graph-warning-threshold": "10GB",
}


@dataclass(frozen=True)
class Dask:
    """Workers of `dask.distributed`.

    Attributes
    ----------
    workers : int
        Processes of the local cluster; a scheduler given by address has its own.
    scheduler : str or None
        Its address, e.g. ``tcp://host:8786``; None starts a cluster on this machine.
    task_timeout : float or None
        Seconds one item may take once those before it are done; None waits for ever.
    """

    workers: int = 2
    scheduler: str | None = None
    task_timeout: float | None = None

    @contextmanager
    def session(self) -> Iterator[Workers]:
        """Yield the workers of a cluster.

        Raises
        ------
        VerifyError
            ``no_dask``, ``scheduler_unreachable``, ``no_workers`` (exit code 4);
            ``worker_died``, ``scheduler_lost``, ``task_timeout``.
        """
        distributed = _distributed()
        import dask

        with ExitStack() as stack:
            stack.enter_context(dask.config.set(_SETTINGS))
            client = (
                _connect(distributed, self.scheduler)
                if self.scheduler
                else _local(distributed, self.workers, stack)
            )
            stack.callback(client.close, timeout=5)
            yield DaskWorkers(client, self.task_timeout)


def _distributed() -> Any:
    """Return the package, or say how to get it."""
    try:
        import distributed
    except ImportError as error:
        raise VerifyError(
            "Dask is not installed.",
            code="no_dask",
            hint="pip install 'skyassay[scale]'",
            exit_code=4,
        ) from error
    return distributed


def _local(distributed: Any, workers: int, stack: ExitStack) -> Client:
    """Start a cluster on this machine that ends with the stack."""
    cluster = distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=":0", silence_logs=50
    )
    stack.callback(cluster.close, timeout=5)
    client: Client = distributed.Client(cluster, set_as_default=False)
    return client


def _connect(distributed: Any, address: str) -> Client:
    """Reach a scheduler that has at least one worker, within seconds."""
    try:
        _probe(address)
        client: Client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise VerifyError(
            f"No Dask scheduler answers at {address}.",
            code="scheduler_unreachable",
            hint="Check the address (tcp://HOST:8786) and that the scheduler runs.",
            exit_code=4,
        ) from error
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError as error:
        client.close(timeout=5)
        raise VerifyError(
            f"The Dask scheduler at {address} has no worker.",
            code="no_workers",
            hint=f"Start one: dask worker {address}",
            exit_code=4,
        ) from error
    return client


def _probe(address: str) -> None:
    """Knock before a client is made: one that never got an answer is slow to close."""
    parts = urlsplit(address)
    if not parts.hostname or not parts.port:
        raise ValueError(address)
    with socket.create_connection((parts.hostname, parts.port), CONNECT_SECONDS):
        pass


@dataclass(frozen=True)
class DaskWorkers:
    """The workers behind a client (see `base.Workers`)."""

    client: Client
    task_timeout: float | None = None

    @property
    def count(self) -> int:
        """Workers of the scheduler, at present."""
        return max(1, len(self.client.scheduler_info(n_workers=-1)["workers"]))

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield ``task(item)`` for every item, at most a few per worker under way."""
        bound = IN_FLIGHT * self.count
        waiting: deque[Any] = deque()
        try:
            for item in items:
                waiting.append(self.client.submit(task, item, pure=False))
                if len(waiting) >= bound:
                    yield self._result(waiting.popleft())
            while waiting:
                yield self._result(waiting.popleft())
        finally:
            for future in waiting:
                future.cancel()

    def compute(self, delayed: Sequence[Any]) -> Sequence[Any]:
        """Return the values of delayed objects."""
        waiting = self.client.compute(list(delayed))
        return [self._result(future) for future in waiting]

    def _result(self, future: Any) -> Any:
        """Wait for the oldest item, and say in one sentence why there is nothing to wait for."""
        from concurrent.futures import CancelledError

        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        try:
            return future.result(timeout=self.task_timeout)
        except KilledWorker as error:
            raise worker_died("A Dask worker") from error
        except (CancelledError, CommClosedError) as error:
            raise VerifyError(
                "The Dask scheduler went away.",
                code="scheduler_lost",
                hint="Look at its log; with --resume what was done is not done again.",
            ) from error
        except TimeoutError:
            if self.task_timeout is None or future.done():
                raise  # the task's own
            future.cancel(force=True)
            raise took_too_long(self.task_timeout) from None
        finally:
            future.release()
