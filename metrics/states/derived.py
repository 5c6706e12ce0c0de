"""What is made from one state by several metrics, kept while the state is: tables, pairs, splits.

It is no part of the state: not of its bytes, not of its equality, and it does not travel to
other processes. The oldest entries go when there is too much.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")
#: Bytes of arrays kept for one state.
BYTES = 384 * 1024 * 1024


class Derived:
    """A bounded memory of pure functions of one state.

    Parameters
    ----------
    bound : int
        Bytes of arrays kept; what was used longest ago goes first.
    """

    def __init__(self, bound: int = BYTES) -> None:
        self._bound = bound
        self._made: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._size = 0

    def once(self, key: Hashable, work: Callable[[], T]) -> T:
        """Return what `work` makes, made once for each key.

        Parameters
        ----------
        key : hashable
            Names the function and everything it depends on besides the state.
        work : callable
            Pure; what it returns is never changed. When it raises, nothing is kept.
        """
        if key in self._made:
            self._made.move_to_end(key)
            found: T = self._made[key][0]
            return found
        made = work()
        size = array_bytes(made)
        self._made[key] = (made, size)
        self._size += size
        while self._size > self._bound and self._made:
            _, (_, gone) = self._made.popitem(last=False)
            self._size -= gone
        return made

    def __reduce__(self) -> tuple[type[Derived], tuple[int]]:
        return Derived, (self._bound,)


def array_bytes(value: Any) -> int:
    """Return the bytes of the arrays in a value: an array, a dataclass, a tuple or mapping."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, dict):
        return sum(map(array_bytes, value.values()))
    if isinstance(value, tuple | list):
        return sum(map(array_bytes, value))
    if is_dataclass(value):
        return sum(array_bytes(getattr(value, f.name)) for f in fields(value))
    return 0
