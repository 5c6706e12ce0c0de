"""Stars counted and copied by compiled loops, with the bits that numpy would give.

Import this module only where there is much to do: importing it loads numba. (What numba
keeps on disk knows its own file only: after a change here, touch those that import it.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.compiled import compiled
from skyassay.metrics.states.star_counts import BIN_OFFSET, BIN_SHIFT, MMAG, N_BINS


@compiled
def count_rows(
    star: NDArray[np.int64],
    mag: NDArray[np.float64],
    factors: NDArray[np.float64],
    scatter: NDArray[np.int64],
    deviation: NDArray[np.int64],
) -> None:
    """Do what `star_counts.count_stars` does; the magnitudes are overwritten.

    `factors` reaches to the most rows of a star; the histograms have shape (1, N_BINS).
    """
    n, start = len(star), 0
    while start < n:
        end = start + 1
        while end < n and star[end] == star[start]:
            end += 1
        if end - start > 1:
            count_star(mag, start, end - start, factors[end - start], scatter, deviation, 0)
        start = end


@compiled
def count_star(
    mag: NDArray[np.float64],
    first: int,
    n: int,
    factor: float,
    scatter: NDArray[np.int64],
    deviation: NDArray[np.int64],
    band: int,
) -> None:
    """Count one star with n rows, two or more; its magnitudes are overwritten."""
    mean = sum_of(mag, first, n) / n
    stretch = np.sqrt(n / (n - 1))
    for k in range(first, first + n):
        off = (mag[k] - mean) * MMAG
        deviation[band, _bin(abs(off) * stretch)] += 1
        mag[k] = off * off
    scatter[band, _bin(np.sqrt(sum_of(mag, first, n) / (n - 1)) / factor)] += 1


@compiled
def _bin(size: float) -> int:
    """Return the bin of a size (see `star_counts.bin_of`)."""
    bits = np.float64(size).view(np.int64)
    at = int(bits >> BIN_SHIFT) - BIN_OFFSET
    return min(max(at, 0), N_BINS - 1)


@compiled
def sum_of(values: NDArray[np.float64], first: int, n: int) -> float:
    """Return the sum of n values from the first on, added in the order of ``numpy.add.reduceat``.

    The first, and to it all others: eight at a time, in halves beyond 128.
    """
    if n <= 129:
        return float(values[first] + _block(values, first + 1, n - 1))
    return float(values[first] + _halves(values, first + 1, n - 1))


@compiled
def _halves(values: NDArray[np.float64], start: int, n: int) -> float:
    """Return a sum by halves of halves (a stack: compiled recursion cannot be kept on disk)."""
    todo = np.zeros((64, 3), dtype=np.int64)  # start, number, halves that are done
    left = np.zeros(64)
    result, depth = 0.0, 0
    todo[0, 0], todo[0, 1] = start, n
    while depth >= 0:
        begin, number, done = todo[depth, 0], todo[depth, 1], todo[depth, 2]
        half = number // 2
        half -= half % 8
        if number <= 128:
            result = _block(values, begin, number)
            depth -= 1
            continue
        todo[depth, 2] += 1
        if done == 0:
            begin, number = begin, half
        elif done == 1:
            left[depth] = result
            begin, number = begin + half, number - half
        else:
            result = left[depth] + result
            depth -= 1
            continue
        depth += 1
        todo[depth, 0], todo[depth, 1], todo[depth, 2] = begin, number, 0
    return result


@compiled
def _block(values: NDArray[np.float64], start: int, n: int) -> float:
    whole = n - n % 8
    total = 0.0
    if whole:
        a, b, c, d = values[start], values[start + 1], values[start + 2], values[start + 3]
        e, f, g, h = values[start + 4], values[start + 5], values[start + 6], values[start + 7]
        for k in range(start + 8, start + whole, 8):
            a += values[k]
            b += values[k + 1]
            c += values[k + 2]
            d += values[k + 3]
            e += values[k + 4]
            f += values[k + 5]
            g += values[k + 6]
            h += values[k + 7]
        total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for k in range(start + whole, start + n):
        total += values[k]
    return total


@compiled
def copy_rows(
    first: NDArray[np.int64],
    count: NDArray[np.int64],
    to: NDArray[np.int64],
    source: NDArray[np.float64],
    made: NDArray[np.float64],
) -> None:
    """Copy one column of stars: `count` rows from `first` on go to `to`, if not negative."""
    for i in range(len(first)):
        begin, end = first[i], to[i]
        if end >= 0:
            for k in range(count[i]):
                made[end + k] = source[begin + k]


@compiled
def place_rows(
    first: NDArray[np.int64],
    count: NDArray[np.int64],
    to: NDArray[np.int64],
    row: NDArray[np.int64],
    source: NDArray[np.float64],
    made: NDArray[np.float64],
) -> None:
    """Copy one column of stars, read in its own order: the rows that `row` names, to `to`.

    Stars whose place is negative are left out.
    """
    for i in range(len(first)):
        end = to[i] - first[i]
        if to[i] >= 0:
            for k in range(first[i], first[i] + count[i]):
                made[end + k] = source[row[k]]
