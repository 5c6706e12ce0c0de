"""The cuts of a selection in one pass over rows that are sorted by object.

It does what `selection.Selection` does with numpy, star by star: no row is moved, and the
numbers are the same to the last bit (sums are added in numpy's order). Import this module
only where there is much to do: importing it loads numba.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.compiled import compiled
from skyassay.metrics.states.star_counts import BIN_OFFSET, BIN_SHIFT, MMAG, N_BINS

#: Why a star is refused, in the order in which the cuts are made.
REASONS = (
    "no_usable_row",
    "flagged_or_unusable",
    "too_few_visits",
    "no_extendedness",
    "extended",
    "signal_to_noise",
    "magnitude",
)
_KEPT = -1
#: What `select` returns instead of a number of stars when a star has two rows of one visit.
OUT_OF_ORDER = -1
IGNORE, DROP_ROW, REJECT_OBJECT = 0, 1, 2


class Columns(NamedTuple):
    """One partition, rows of a star together, each array of shape (n_rows,)."""

    star: NDArray[np.int64]
    visit: NDArray[np.int64]
    band: NDArray[np.uint8]
    mag: NDArray[np.float64]
    flux: NDArray[np.float64]
    error: NDArray[np.float64]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    extendedness: NDArray[np.float64]
    flagged: NDArray[np.bool_]


class Cuts(NamedTuple):
    """A `selection.Selection`; magnitude ranges by band, shape (n_bands,)."""

    unusable: int
    flags: int
    row_snr_min: float
    extendedness_max: float
    by_median: bool
    min_visits: int
    snr_low: float
    snr_high: float
    mag_low: NDArray[np.float64]
    mag_high: NDArray[np.float64]
    counted: NDArray[np.bool_]
    factors: NDArray[np.float64]


class Work(NamedTuple):
    """Room for one star: by band, and by band and row."""

    number: NDArray[np.int64]
    seen: NDArray[np.bool_]
    condemned: NDArray[np.bool_]
    row: NDArray[np.int64]
    mag: NDArray[np.float64]
    snr: NDArray[np.float64]
    extendedness: NDArray[np.float64]

    @classmethod
    def room(cls, n_bands: int, longest: int) -> Work:
        """Return room for a star with so many rows."""
        each, rows = (n_bands,), (n_bands, longest)
        return cls(
            np.zeros(each, dtype=np.int64),
            np.zeros(each, dtype=bool),
            np.zeros(each, dtype=bool),
            np.empty(rows, dtype=np.int64),
            np.empty(rows),
            np.empty(rows),
            np.empty(rows),
        )


class Found(NamedTuple):
    """What is kept: rows, star by star and band by band, and counts of everything."""

    row: NDArray[np.int64]
    end: NDArray[np.int64]
    band: NDArray[np.uint8]
    refused: NDArray[np.int64]
    scatter: NDArray[np.int64]
    deviation: NDArray[np.int64]

    @classmethod
    def room(cls, n_bands: int, n_rows: int) -> Found:
        """Return room for everything being kept."""
        return cls(
            np.empty(n_rows, dtype=np.int64),
            np.empty(n_rows, dtype=np.int64),
            np.empty(n_rows, dtype=np.uint8),
            np.zeros((n_bands, len(REASONS)), dtype=np.int64),
            np.zeros((n_bands, N_BINS), dtype=np.int64),
            np.zeros((n_bands, N_BINS), dtype=np.int64),
        )


@compiled
def longest_run(star: NDArray[np.int64]) -> int:
    """Return the most rows of one star, or 0 when stars are not in order."""
    longest, start = 0, 0
    for i in range(1, len(star) + 1):
        if i < len(star):
            if star[i] == star[i - 1]:
                continue
            if star[i] < star[i - 1]:
                return 0
        longest = max(longest, i - start)
        start = i
    return longest


@compiled
def select(c: Columns, cuts: Cuts, work: Work, found: Found) -> int:
    """Fill `found` and return how many (star, band) were kept, or `OUT_OF_ORDER`."""
    n, start, kept, rows = len(c.star), 0, 0, 0
    while start < n:
        end = start + 1
        while end < n and c.star[end] == c.star[start]:
            end += 1
        if not _gather(c, cuts, work, start, end):
            return OUT_OF_ORDER
        for band in range(len(work.number)):
            if not work.seen[band]:
                continue
            number = work.number[band]
            why = _refusal(cuts, work, band)
            if why != _KEPT:
                found.refused[band, why] += 1
                continue
            for k in range(number):
                found.row[rows + k] = work.row[band, k]
            rows += number
            found.end[kept] = rows
            found.band[kept] = band
            kept += 1
            if cuts.counted[band] and number > 1:
                _count(work.mag[band], number, float(cuts.factors[number]), found, band)
        start = end
    return kept


@compiled
def _gather(c: Columns, cuts: Cuts, work: Work, start: int, end: int) -> bool:
    """Sort the usable rows of one star by band; return whether its visits are in order."""
    work.number[:] = 0
    work.seen[:] = False
    work.condemned[:] = False
    for i in range(start, end):
        band = c.band[i]
        work.seen[band] = True
        flux, error = c.flux[i], c.error[i]
        usable = 0.0 < flux < np.inf and 0.0 < error < np.inf
        usable = usable and abs(c.ra[i]) < np.inf and abs(c.dec[i]) < np.inf
        if not usable and cuts.unusable == DROP_ROW:
            continue
        if c.flagged[i] and cuts.flags == DROP_ROW:
            continue
        snr = flux / error if usable else np.nan
        if cuts.row_snr_min > 0.0 and snr <= cuts.row_snr_min:
            continue
        k = work.number[band]
        if k > 0 and c.visit[i] <= c.visit[work.row[band, k - 1]]:
            return False
        if (not usable and cuts.unusable == REJECT_OBJECT) or (
            c.flagged[i] and cuts.flags == REJECT_OBJECT
        ):
            work.condemned[band] = True
        work.row[band, k] = i
        work.mag[band, k] = c.mag[i] if usable else np.nan
        work.snr[band, k] = snr
        work.extendedness[band, k] = c.extendedness[i]
        work.number[band] = k + 1
    return True


@compiled
def _refusal(cuts: Cuts, work: Work, band: int) -> int:
    """Return the first reason to refuse the star in one band, by its place in `REASONS`."""
    n = work.number[band]
    if n == 0:
        return 0
    if work.condemned[band]:
        return 1
    if n < cuts.min_visits:
        return 2
    largest = -np.inf
    for k in range(n):
        value = work.extendedness[band, k]
        if not abs(value) < np.inf:
            return 3
        largest = max(largest, value)
    if cuts.by_median:
        extended = not _median_below(work.extendedness[band], n, cuts.extendedness_max)
    else:
        extended = not largest < cuts.extendedness_max
    if extended:
        return 4
    if _median_below(work.snr[band], n, cuts.snr_low) or not _median_below(
        work.snr[band], n, cuts.snr_high
    ):
        return 5
    mean = _sum(work.mag[band], n) / n
    if not cuts.mag_low[band] <= mean < cuts.mag_high[band]:
        return 6
    return _KEPT


@compiled
def _median_below(values: NDArray[np.float64], n: int, limit: float) -> bool:
    """Return whether the median of the first n values is below a limit; not so with a NaN.

    Counting is enough but where an even number is split into halves: then the two middle
    values are the largest below and the smallest above.
    """
    below, low, high = 0, -np.inf, np.inf
    for k in range(n):
        if values[k] < limit:
            below += 1
            low = max(low, values[k])
        elif values[k] >= limit:
            high = min(high, values[k])
        else:
            return False
    if 2 * below == n:
        return 0.5 * (low + high) < limit
    return 2 * below > n


@compiled
def _sum(values: NDArray[np.float64], n: int) -> float:
    """Return the sum of the first n values, added in the order of ``numpy.add.reduceat``.

    The first, and to it all others: eight at a time, in halves beyond 128.
    """
    rest = _block(values, 1, n - 1) if n <= 129 else _halves(values, 1, n - 1)
    return float(values[0] + rest)


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
def _count(mag: NDArray[np.float64], n: int, factor: float, found: Found, band: int) -> None:
    """Count one star as `star_counts.count_stars` does; its magnitudes are overwritten."""
    mean = _sum(mag, n) / n
    stretch = np.sqrt(n / (n - 1))
    for k in range(n):
        mag[k] = (mag[k] - mean) * MMAG
    _bin(np.abs(mag[:n]) * stretch, found.deviation[band])
    for k in range(n):
        mag[k] = mag[k] * mag[k]
    mag[0] = np.sqrt(_sum(mag, n) / (n - 1)) / factor
    _bin(mag[:1], found.scatter[band])


@compiled
def _bin(sizes: NDArray[np.float64], number: NDArray[np.int64]) -> None:
    """Add sizes to a histogram (see `star_counts.bin_of`)."""
    for bits in sizes.view(np.int64):
        at = (bits >> BIN_SHIFT) - BIN_OFFSET
        number[min(max(at, 0), N_BINS - 1)] += 1
