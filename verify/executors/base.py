"""What every executor is: workers for one run that apply a function lazily and in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from skyassay.verify.errors import VerifyError

T = TypeVar("T")
R = TypeVar("R")
#: Tasks under way per worker: enough to keep it busy, few enough to bound the memory.
IN_FLIGHT = 2


class Workers(Protocol):
    """Applies a function to items, lazily and in order."""

    @property
    def count(self) -> int:
        """How many work at the same time."""
        ...

    @property
    def task_timeout(self) -> float | None:
        """Seconds one item may take; None is no limit."""
        ...

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield ``task(item)`` for every item, in the order of the items."""
        ...

    def compute(self, delayed: Sequence[Any]) -> Sequence[Any]:
        """Return the values of delayed objects of Dask, made by these workers."""
        ...


class Executor(Protocol):
    """Where work is done."""

    def session(self) -> AbstractContextManager[Workers]:
        """Return the workers for one run; they stop when the context ends."""
        ...


@dataclass(frozen=True)
class Serial:
    """One item after the other, in this process: the reference."""

    @property
    def count(self) -> int:
        """One."""
        return 1

    @property
    def task_timeout(self) -> None:
        """None: nothing can be stopped."""
        return

    @contextmanager
    def session(self) -> Iterator[Workers]:
        """Yield this process."""
        yield self

    def map(self, task: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield ``task(item)`` for every item."""
        return map(task, items)

    def compute(self, delayed: Sequence[Any]) -> Sequence[Any]:
        """Return the values of delayed objects of Dask, one after the other."""
        import dask

        made: Sequence[Any] = dask.compute(*delayed, scheduler="synchronous")
        return made


def worker_died(what: str) -> VerifyError:
    """Return the error of a worker that is no more."""
    return VerifyError(
        f"{what} died: a metric crashed it, or memory ran out.",
        code="worker_died",
        hint="Try --executor serial, or --metric one by one to find the culprit.",
    )


def took_too_long(seconds: float) -> VerifyError:
    """Return the error of a task that is not done in time."""
    return VerifyError(
        f"A partition was not done within {seconds:g} s: a metric hangs, or partitions are large.",
        code="task_timeout",
        hint="Raise --task-timeout or --partitions, or try --metric one by one.",
    )
