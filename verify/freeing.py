"""Memory that is free goes back to the system: several processes share one machine.

Allocators keep what was freed, up to some hundred MB in each process, and hand it out again in
other sizes. Giving it back costs a few per cent of the time of a large partition.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

import pyarrow as pa

#: Bytes: below this it is not worth the call.
LARGE = 16 * 2**20


def hand_back() -> None:
    """Give back what Arrow and the C library keep though nobody needs it."""
    pa.default_memory_pool().release_unused()
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """Return glibc's ``malloc_trim``; None where the C library has none."""
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return trim
