"""Queues with known arrivals and costs: when is what finished. Times in seconds."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def in_turn(ready: Floats, cost: Floats) -> Floats:
    """Return when one server is done with each job, served in the order given.

    Lindley's recursion f[i] = max(r[i], f[i-1]) + c[i], as one running maximum.

    Parameters
    ----------
    ready, cost : ndarray, shape (n,)
        Seconds. A job waits for those before it even where it is ready earlier.

    Returns
    -------
    ndarray, shape (n,)
    """
    total = np.cumsum(cost)
    return np.asarray(total + np.maximum.accumulate(ready - (total - cost)))


def by_pool(ready: Floats, cost: Floats, workers: int) -> Floats:
    """Return when a pool is done with each job, begun in the order given.

    Each job takes the worker that is free first (the recursion of Kiefer and Wolfowitz).
    """
    free = [-np.inf] * workers
    done = np.empty(ready.size)
    for i in range(ready.size):
        start = max(float(ready[i]), heapq.heappop(free))
        done[i] = start + float(cost[i])
        heapq.heappush(free, float(done[i]))
    return done


def by_worker(ready: Floats, cost: Floats, owner: NDArray[np.int64]) -> Floats:
    """Return when each job is done where every owner has a worker of its own."""
    done = np.empty(ready.size)
    for one in np.unique(owner):
        mine = owner == one
        done[mine] = in_turn(ready[mine], cost[mine])
    return done


class Calendar:
    """A time line with outages, and how much of it is up.

    Parameters
    ----------
    outages : sequence of (float, float)
        Beginning and end, s; they may overlap.
    """

    def __init__(self, outages: Sequence[tuple[float, float]]) -> None:
        merged: list[list[float]] = []
        for begin, end in sorted(outages):
            if merged and begin <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], end)
            else:
                merged.append([begin, end])
        self._begin = np.array([one[0] for one in merged], dtype=np.float64)
        self._end = np.array([one[1] for one in merged], dtype=np.float64)
        lengths = self._end - self._begin
        self._down = np.concatenate([[0.0], np.cumsum(lengths)])

    def up(self, time: Floats) -> Floats:
        """Return the time less all outage before it, s."""
        after = np.searchsorted(self._end, time, side="right")
        down = self._down[after]
        if self._begin.size:
            current = np.minimum(after, self._begin.size - 1)
            inside = (after < self._begin.size) & (time > self._begin[current])
            down = down + np.where(inside, time - self._begin[current], 0.0)
        return np.asarray(time - down)

    def time(self, up: Floats) -> Floats:
        """Return the first time with so much up time before it, s."""
        before = np.searchsorted(self._begin - self._down[:-1], up, side="left")
        return np.asarray(up + self._down[before])

    def through(self, ready: Floats, cost: Floats) -> Floats:
        """Return when one server that rests in outages is done with each job, in turn."""
        done = self.time(in_turn(self.up(ready), cost))
        # A job that costs nothing is done where it begins: not inside an outage.
        return np.maximum(done, self._next_up(ready))

    def _next_up(self, time: Floats) -> Floats:
        if not self._begin.size:
            return time
        at = np.minimum(np.searchsorted(self._end, time, side="right"), self._begin.size - 1)
        inside = (time >= self._begin[at]) & (time < self._end[at])
        return np.where(inside, self._end[at], time)
