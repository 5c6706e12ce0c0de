"""What all stars of a band say when only a sample of them is kept: exact integer counts.

Two histograms: of each star's scatter, and of each measurement's deviation from its star's
mean. Bins are 1024 to the octave (0.1 % wide) and are cut out of the bits of the floating
number, so that they need no logarithm and are the same on every machine. Integers add up
exactly: the counts do not depend on partitions or their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.compiled import plain
from skyassay.metrics.statistics.factors import median_factor

#: mmag: the smallest size that has a bin of its own, and the largest.
_LOW, _HIGH = 2.0**-10, 2.0**14
#: Bits of a double below the ten that number a bin within its octave.
BIN_SHIFT = 42
#: What the bits of the smallest size give; bin 0 holds what is smaller.
BIN_OFFSET = int(np.float64(_LOW).view(np.int64) >> BIN_SHIFT) - 1
N_BINS = int(np.float64(_HIGH).view(np.int64) >> BIN_SHIFT) - BIN_OFFSET + 1
MMAG = 1e3
#: From here on compiled loops pay.
COMPILED_ROWS = 2**17


@dataclass(frozen=True)
class Counts:
    """A histogram of sizes (mmag) with bins 0.1 % wide.

    Attributes
    ----------
    number : ndarray of int64, shape (N_BINS,)
        The first bin holds all that is smaller than 2**-10, the last what is not below 2**14.
    """

    number: NDArray[np.int64]

    @property
    def total(self) -> int:
        """Number of sizes counted."""
        return int(self.number.sum())

    def fraction_beyond(self, limit: float) -> float:
        """Return the fraction of sizes above a limit, mmag.

        A bin is taken as evenly filled; all that the last one holds is beyond any limit.
        """
        at = int(bin_of(np.array([limit]))[0])
        low, high = _edges(at)
        inside = (high - limit) / (high - low) if at < N_BINS - 1 else 1.0
        beyond = float(self.number[at + 1 :].sum()) + inside * float(self.number[at])
        return beyond / self.total

    def reach(self, fraction: float) -> float:
        """Return the size (mmag) that a fraction of the sizes exceeds."""
        below = np.cumsum(self.number)
        rank = (1.0 - fraction) * float(below[-1])
        at = min(int(np.searchsorted(below, rank)), N_BINS - 1)
        low, high = _edges(at)
        number = float(self.number[at])
        part = (rank - float(below[at]) + number) / number if number else 0.0
        return low + (high - low) * min(max(part, 0.0), 1.0)

    def __add__(self, other: Counts) -> Counts:
        """Return the counts of both."""
        return Counts(self.number + other.number)


@dataclass(frozen=True)
class StarCounts:
    """The histograms of one band.

    Attributes
    ----------
    scatter : Counts
        Of each star's standard deviation (ddof 1), divided by the median of its small-sample
        distribution.
    deviation : Counts
        Of each measurement's distance from its star's mean, times sqrt(n / (n - 1)).
    """

    scatter: Counts
    deviation: Counts

    def __add__(self, other: StarCounts) -> StarCounts:
        """Return the counts of both."""
        return StarCounts(self.scatter + other.scatter, self.deviation + other.deviation)

    def to_bytes(self) -> Iterator[bytes]:
        """Yield canonical bytes: the filled bins, then their numbers, of each histogram."""
        for counts in (self.scatter, self.deviation):
            filled = np.flatnonzero(counts.number)
            yield filled.astype(np.int64).tobytes()
            yield counts.number[filled].tobytes()


def bin_of(size: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bin of each size (mmag, not negative)."""
    bits = np.ascontiguousarray(size, dtype=np.float64).view(np.int64) >> BIN_SHIFT
    return np.asarray(np.clip(bits - BIN_OFFSET, 0, N_BINS - 1))


def counted(size: NDArray[np.float64]) -> Counts:
    """Return the histogram of sizes, mmag."""
    return Counts(np.bincount(bin_of(size), minlength=N_BINS).astype(np.int64))


def count_stars(star: NDArray[np.int64], mag: NDArray[np.float64]) -> StarCounts:
    """Return the counts of stars.

    Parameters
    ----------
    star : ndarray of int64, shape (n_rows,)
        The rows of a star stand together, in the order of their visits.
    mag : ndarray, shape (n_rows,)
        AB magnitude, finite. A star with one row has no scatter and is not counted.
    """
    if not len(star):
        return StarCounts(counted(mag), counted(mag))
    starts = np.flatnonzero(np.r_[True, star[1:] != star[:-1]])
    count = np.diff(np.r_[starts, len(star)])
    if len(star) >= COMPILED_ROWS:
        return _count_compiled(star, mag, int(count.max()))
    mean = np.add.reduceat(mag, starts) / count
    off = (mag - np.repeat(mean, count)) * MMAG
    several = count > 1
    dof = (count[several] - 1).astype(np.float64)
    square = np.add.reduceat(off * off, starts)[several] / dof
    scatter = np.sqrt(square) / small_sample_factors(int(count.max(initial=0)))[count[several]]
    stretch = np.repeat(np.sqrt(count / np.maximum(count - 1, 1)), count)
    rows = np.repeat(several, count)
    return StarCounts(counted(scatter), counted((np.abs(off) * stretch)[rows]))


def _count_compiled(star: NDArray[np.int64], mag: NDArray[np.float64], most: int) -> StarCounts:
    from skyassay.metrics.states.star_kernel import count_rows

    made = np.zeros((2, 1, N_BINS), dtype=np.int64)
    factors = small_sample_factors(most)
    count_rows(plain(star, np.int64), np.array(mag, dtype=np.float64), factors, made[0], made[1])
    return StarCounts(Counts(made[0, 0]), Counts(made[1, 0]))


def small_sample_factors(most: int) -> NDArray[np.float64]:
    """Return the median of the sample deviation of n values, for n from 0 to `most`."""
    return np.frombuffer(_factors(most)).copy()


@lru_cache(maxsize=16)
def _factors(most: int) -> bytes:
    """Return the factors as bytes: they take 5 ms, and every partition needs the same."""
    factors = np.ones(most + 1)
    factors[2:] = median_factor(np.arange(1, most, dtype=np.float64))
    return factors.tobytes()


def _edges(at: int) -> tuple[float, float]:
    """Return the lower and the upper edge of a bin; the last has no width to speak of."""
    if at == 0:
        return 0.0, _LOW
    bits: NDArray[Any] = np.array([at, at + 1], dtype=np.int64) + BIN_OFFSET
    low, high = (bits << BIN_SHIFT).view(np.float64)
    return float(low), float(high)
