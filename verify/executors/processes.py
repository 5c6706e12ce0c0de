"""A few worker processes on this machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from skyassay.verify.executors.base import (
    IN_FLIGHT,
    R,
    T,
    Workers,
    took_too_long,
    worker_died,
)


@dataclass(frozen=True)
class Processes:
    """Spawned worker processes; the task and its items travel to them.

    Attributes
    ----------
    workers : int
    task_timeout : float or None
        Seconds one item may take once those before it are done; None waits for ever.
    """

    workers: int
    task_timeout: float | None = None

    @contextmanager
    def session(self) -> Iterator[Workers]:
        """Yield a pool of processes.

        Raises
        ------
        VerifyError
            ``worker_died``, ``task_timeout``: an error with a name, never a hang.
        """
        from multiprocessing import get_context

        try:
            with ProcessPoolExecutor(self.workers, mp_context=get_context("spawn")) as pool:
                yield _Pool(pool, self.workers, self.task_timeout)
        except BrokenProcessPool as error:
            raise worker_died("A worker process") from error


@dataclass(frozen=True)
class _Pool:
    """A pool of `count` processes that never holds more than a few items for each."""

    pool: ProcessPoolExecutor
    count: int
    task_timeout: float | None

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield ``task(item)`` for every item."""
        waiting: deque[Future[R]] = deque()
        try:
            for item in items:
                waiting.append(self.pool.submit(task, item))
                if len(waiting) >= IN_FLIGHT * self.count:
                    yield self._result(waiting.popleft())
            while waiting:
                yield self._result(waiting.popleft())
        finally:
            for future in waiting:
                future.cancel()

    def compute(self, delayed: Sequence[Any]) -> Sequence[Any]:
        """Return the values of delayed objects of Dask, made by the pool."""
        import dask

        made: Sequence[Any] = dask.compute(*delayed, scheduler="processes", pool=self.pool)
        return made

    def _result(self, future: Future[R]) -> R:
        """Wait for the oldest item; the pool is stopped when it takes too long."""
        try:
            return future.result(self.task_timeout)
        except TimeoutError:
            if self.task_timeout is None or future.done():
                raise  # the task's own
            self._kill()
            raise took_too_long(self.task_timeout) from None

    def _kill(self) -> None:
        """End the processes: a hanging one would keep the pool from closing."""
        for process in list((self.pool._processes or {}).values()):
            process.kill()
