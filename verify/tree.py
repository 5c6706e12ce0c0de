"""Merge states as they come: few are held, whatever they weigh."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from skyassay.metrics.states.derived import array_bytes

#: A merged state this much larger than the larger of its two parts still grows.
GROWS = 1.25


class TreeMerge:
    """A binary counter of states: at most log2(partitions) are alive at any time.

    A state that has reached its bound (merged, it is no larger than its parts) is merged
    with all that came before it at once: two or three such states are alive, and every merge
    costs the same. A state that grows is merged with its equals, or each of its rows would be
    copied once for every partition. What is merged with what depends on the partitions
    alone, not on who folded them when; merging is exact, so the result does not even depend
    on that.
    """

    def __init__(self, merge: Callable[[Any, Any], Any]) -> None:
        self._merge = merge
        self._levels: list[tuple[int, int, Any]] = []  # level, bytes, state

    def add(self, state: Any) -> None:
        """Take in the state of the next partition."""
        level, size, full = 0, array_bytes(state), False
        while self._levels and (full or self._levels[-1][0] <= level):
            before, other, left = self._levels.pop()
            state = self._merge(left, state)
            merged = array_bytes(state)
            full = 0 < merged <= GROWS * max(size, other)
            level, size = max(level, before) + 1, merged
        self._levels.append((level, size, state))

    def result(self, zero: Callable[[], Any]) -> Any:
        """Return the state of everything; `zero()` if there was nothing."""
        if not self._levels:
            return zero()
        _, _, state = self._levels.pop()
        while self._levels:
            _, _, left = self._levels.pop()
            state = self._merge(left, state)
        return state
