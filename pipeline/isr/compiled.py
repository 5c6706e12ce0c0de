"""Loops over pixels, compiled by numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit
from numpy.typing import NDArray

#: Arguments of compiled loops: numba compiles them for whatever type comes.
Array = NDArray[Any]
F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Return the function compiled; what was compiled is kept on disk where that is possible.

    Floating arithmetic is done as written, so that the same pixels give the same bits.
    Divisions follow IEEE (no exception at zero): the loops can then use vector instructions.
    """
    try:
        made: F = njit(function, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:  # no folder can be written: it is compiled again in each process
        made = njit(function, nogil=True, error_model="numpy")
    return made
