"""A state of extremes: the smallest and largest value of every key, and how many there were."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Extremes:
    """Extremes per integer key, sorted by key.

    Attributes
    ----------
    key, count, lost : ndarray of int64, shape (n_keys,)
        `count` finite values, `lost` others.
    low, high : ndarray, shape (n_keys,)
        NaN where no value was finite.
    """

    key: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    count: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    lost: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    low: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    high: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def to_bytes(self) -> bytes:
        """Return canonical bytes."""
        arrays = (self.key, self.count, self.lost, self.low, self.high)
        return b"\0".join(a.tobytes() for a in arrays)


def from_values(key: NDArray[Any], values: NDArray[np.float64]) -> Extremes:
    """Return the extremes of values; one that is not finite is counted as lost."""
    good = np.isfinite(values)
    value = np.where(good, values + 0.0, np.nan)
    return _grouped(
        np.asarray(key).astype(np.int64),
        good.astype(np.int64),
        (~good).astype(np.int64),
        value,
        value,
    )


def merge(a: Extremes, b: Extremes) -> Extremes:
    """Return the extremes of both."""
    return _grouped(
        np.concatenate([a.key, b.key]),
        np.concatenate([a.count, b.count]),
        np.concatenate([a.lost, b.lost]),
        np.concatenate([a.low, b.low]),
        np.concatenate([a.high, b.high]),
    )


def _grouped(
    key: NDArray[np.int64],
    count: NDArray[np.int64],
    lost: NDArray[np.int64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> Extremes:
    if not len(key):
        return Extremes()
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(key[order]) != 0])
    return Extremes(
        key[order][starts],
        np.add.reduceat(count[order], starts),
        np.add.reduceat(lost[order], starts),
        np.fmin.reduceat(low[order], starts),
        np.fmax.reduceat(high[order], starts),
    )
