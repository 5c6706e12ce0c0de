"""Where work is done: here, or in a few processes. The result does not know which."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from skyassay.verify.errors import VerifyError

T = TypeVar("T")
R = TypeVar("R")
#: Tasks under way per worker: enough to keep it busy, few enough to bound the memory.
IN_FLIGHT = 2


class Workers(Protocol):
    """Applies a function to items, lazily and in order."""

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield ``task(item)`` for every item, in the order of the items."""
        ...


class Executor(Protocol):
    """Where work is done."""

    def session(self) -> AbstractContextManager[Workers]:
        """Return the workers for one run; they stop when the context ends."""
        ...


@dataclass(frozen=True)
class Serial:
    """One item after the other, in this process: the reference."""

    @contextmanager
    def session(self) -> Iterator[Workers]:
        """Yield this process."""
        yield self

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield ``task(item)`` for every item."""
        return map(task, items)


@dataclass(frozen=True)
class Processes:
    """Spawned worker processes; the task and its items travel to them.

    Attributes
    ----------
    workers : int
    """

    workers: int

    @contextmanager
    def session(self) -> Iterator[Workers]:
        """Yield a pool of processes.

        Raises
        ------
        VerifyError
            ``worker_died``: a worker that dies is an error with a name.
        """
        from multiprocessing import get_context

        try:
            with ProcessPoolExecutor(self.workers, mp_context=get_context("spawn")) as pool:
                yield _Pool(pool, IN_FLIGHT * self.workers)
        except BrokenProcessPool as error:
            raise VerifyError(
                "A worker process died: a metric crashed it, or memory ran out.",
                code="worker_died",
                hint="Try --workers 1, or --metric one by one to find the culprit.",
            ) from error


@dataclass(frozen=True)
class _Pool:
    """A pool that never holds more than `bound` items."""

    pool: ProcessPoolExecutor
    bound: int

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield ``task(item)`` for every item."""
        waiting: deque[Future[R]] = deque()
        try:
            for item in items:
                waiting.append(self.pool.submit(task, item))
                if len(waiting) >= self.bound:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def executor(workers: int) -> Executor:
    """Return the executor for a number of workers.

    Raises
    ------
    VerifyError
        ``bad_workers`` (exit code 4).
    """
    if workers < 1:
        raise VerifyError(
            f"{workers} workers cannot do anything.",
            code="bad_workers",
            hint="At least one.",
            exit_code=4,
        )
    return Serial() if workers == 1 else Processes(workers)
