"""Where work is done: here, in a few processes, or on Dask. The result does not know which."""

from __future__ import annotations

from skyassay.verify.errors import VerifyError
from skyassay.verify.executors.base import IN_FLIGHT, Executor, Serial, Workers
from skyassay.verify.executors.dask import Dask
from skyassay.verify.executors.processes import Processes

__all__ = ["IN_FLIGHT", "Dask", "Executor", "Processes", "Serial", "Workers", "executor"]

NAMES = ("serial", "processes", "dask")


def executor(
    workers: int | None = None,
    name: str | None = None,
    scheduler: str | None = None,
    task_timeout: float | None = None,
) -> Executor:
    """Return the executor that was asked for.

    Parameters
    ----------
    workers : int or None
        None: one, and two on Dask.
    name : str or None
        ``serial``, ``processes`` or ``dask``. None: Dask when there is a scheduler, processes
        when there are several workers, else serial.
    scheduler : str or None
        Address of a Dask scheduler.
    task_timeout : float or None
        Seconds for one partition. In one process nothing can be stopped, so serial work
        with a limit is done in one worker process.

    Raises
    ------
    VerifyError
        ``bad_workers``, ``unknown_executor``, ``bad_scheduler``, ``bad_timeout`` (exit code 4).
    """
    _check(workers, name, scheduler, task_timeout)
    if name == "dask" or (name is None and scheduler is not None):
        return Dask(workers or 2, scheduler, task_timeout)
    if name == "processes":
        return Processes(workers or 2, task_timeout)
    several = workers is not None and workers > 1
    if task_timeout is not None or several:
        return Processes(workers or 1, task_timeout)
    return Serial()


def _check(
    workers: int | None, name: str | None, scheduler: str | None, task_timeout: float | None
) -> None:
    """Refuse what cannot be meant."""
    if workers is not None and workers < 1:
        raise _wrong(f"{workers} workers cannot do anything.", "bad_workers", "At least one.")
    if name is not None and name not in NAMES:
        hint = "Choose " + ", ".join(NAMES) + "."
        raise _wrong(f"There is no executor {name!r}.", "unknown_executor", hint)
    if name == "serial" and (workers or 1) > 1:
        raise _wrong(
            f"Serial work has one worker, not {workers}.",
            "bad_workers",
            "Choose --executor processes or dask.",
        )
    if scheduler is not None and name not in (None, "dask"):
        hint = "Leave out --scheduler, or choose --executor dask."
        raise _wrong(f"The executor {name} has no scheduler.", "bad_scheduler", hint)
    if task_timeout is not None and not task_timeout > 0:
        hint = "Give the seconds one partition may take."
        raise _wrong(f"A time limit of {task_timeout:g} s is none.", "bad_timeout", hint)


def _wrong(message: str, code: str, hint: str) -> VerifyError:
    return VerifyError(message, code=code, hint=hint, exit_code=4)
