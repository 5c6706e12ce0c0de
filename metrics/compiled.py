"""Loops compiled by numba, which is imported only where there are rows enough to pay for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Return the function compiled; what was compiled is kept on disk where that is possible.

    Floating arithmetic is done as written: no reordering, no fused products. The same input
    gives the same bits as numpy does.
    """
    from numba import njit

    try:
        made: F = njit(function, cache=True, nogil=True)
    except RuntimeError:  # no folder can be written: it is compiled again in each process
        made = njit(function, nogil=True)
    return made


def plain(column: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    """Return a column as numba knows it best: contiguous, of one type, not to be written."""
    made = np.ascontiguousarray(column, dtype=dtype).view()
    made.flags.writeable = False
    return made
