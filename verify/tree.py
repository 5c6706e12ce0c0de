"""Merge states two by two as they come: few are held, and the tree is always the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class TreeMerge:
    """A binary counter of states: at most log2(partitions) are alive at any time.

    The tree depends on the number of partitions alone, not on who folded them when.
    """

    def __init__(self, merge: Callable[[Any, Any], Any]) -> None:
        self._merge = merge
        self._levels: list[tuple[int, Any]] = []

    def add(self, state: Any) -> None:
        """Take in the state of the next partition."""
        level = 0
        while self._levels and self._levels[-1][0] == level:
            state = self._merge(self._levels[-1][1], state)
            self._levels.pop()
            level += 1
        self._levels.append((level, state))

    def result(self, zero: Callable[[], Any]) -> Any:
        """Return the state of everything; `zero()` if there was nothing."""
        if not self._levels:
            return zero()
        state = self._levels[-1][1]
        for _, left in reversed(self._levels[:-1]):
            state = self._merge(left, state)
        return state
