"""Errors of running a pipeline, and how an exception of a task becomes a reason code."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from skyassay.pipeline.products.errors import ProductError

DISK_FULL = "DISK_FULL"
STOPPED = "STOPPED"
WORKER_LOST = "WORKER_LOST"
UPSTREAM_FAILED = "UPSTREAM_FAILED"
WORKER_ERROR = "WORKER_ERROR"

# EFBIG: the limit of a process or of a file system instead of that of the disk.
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SQLITE_FULL = "database or disk is full"
# What numpy says, without a number, where an array does not fit; astropy writes images with it.
_ARRAY_CUT = re.compile(r"\d+ requested and \d+ written")


class ExecutionError(ProductError):
    """A run that could not be made or finished; parameters as in `ProductError`."""


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what it was raised from or during, the last raised first."""
    seen: set[int] = set()
    todo: list[BaseException] = [error]
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        todo += [other for other in (one.__context__, one.__cause__) if other is not None]


def _is_out_of_space(error: BaseException) -> bool:
    """Return whether a file could not be written for want of room."""
    if not isinstance(error, OSError):
        return False
    return error.errno in _NO_SPACE or _ARRAY_CUT.search(str(error)) is not None


def reason_code(error: BaseException) -> str:
    """Return the stable code of an exception.

    A full disk is looked for first and anywhere in the chain of exceptions: the repository
    wraps what a formatter raises, and writing the log of the failure fails for the same reason.
    Otherwise the first exception of the chain with a text attribute `code` decides, and the
    name of the class where there is none.
    """
    chain = list(chain_of(error))
    if any(_is_out_of_space(one) or _SQLITE_FULL in str(one) for one in chain):
        return DISK_FULL
    for one in chain:
        code = getattr(one, "code", None)
        if isinstance(code, str) and code:
            return code
    return type(error).__name__


def sentence(error: BaseException) -> str:
    """Return one line: the exception that began it, by type and message.

    The repository says only that a dataset could not be written; why is in the exception
    it was raised from.
    """
    full = reason_code(error) == DISK_FULL
    chain = list(chain_of(error))
    first = next(
        (one for one in chain if full and _is_out_of_space(one)),
        error,
    )
    text = " ".join(str(first).split())
    return f"{type(first).__name__}: {text}" if text else type(first).__name__


@contextmanager
def named(message: str, code: str) -> Iterator[None]:
    """Turn what goes wrong with files and databases into an error with words.

    Parameters
    ----------
    message : str
        What could not be done.
    code : str
        Reason code, where the disk is not full.

    Raises
    ------
    ExecutionError
        `DISK_FULL` or `code`; one that has words already passes.
    """
    try:
        yield
    except ExecutionError:
        raise
    except Exception as err:
        raise ExecutionError(
            f"{message}: {sentence(err)}",
            code=DISK_FULL if reason_code(err) == DISK_FULL else code,
            hint="Mend that and run the same again: what is finished is taken up.",
        ) from err
