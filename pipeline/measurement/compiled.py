"""Loops over pixels compiled by numba, which is imported with the first of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Return the function compiled; what was compiled is kept on disk where that is possible.

    Floating arithmetic is done as written, so the same input gives the same bits in every
    process. A division by zero gives an infinity or NaN, as in numpy. What is kept on disk
    knows its own file only: after a change in a function that others call, touch their files.
    """
    from numba import njit

    try:
        made: F = njit(function, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:  # no folder can be written: it is compiled again in each process
        made = njit(function, nogil=True, error_model="numpy")
    return made
