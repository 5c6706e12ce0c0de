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
from skyassay.metrics.states.star_counts import N_BINS
from skyassay.metrics.states.star_kernel import count_star, sum_of

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
_KEPT, _SPLIT = -1, -2
#: What `group` returns instead of a number of stars when the visits of one do not rise.
OUT_OF_ORDER = -1
IGNORE, DROP_ROW, REJECT_OBJECT = 0, 1, 2
#: What can be said of a row by itself.
WANTED, CONDEMNED, FINITE, SMALL, USABLE, BELOW_LOW, BELOW_HIGH = (2**k for k in range(7))
#: Bits of a count where three are kept in one number; a star has fewer rows.
LANE = 21
MOST_ROWS = 2**LANE - 1


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


class Groups(NamedTuple):
    """The wanted rows, star by star and band by band.

    Attributes
    ----------
    row, mag : ndarray, shape (n_rows,)
        Where each row came from, and its magnitude.
    first, number : ndarray, shape (n_rows,)
        Of each (star, band): where its rows begin, and how many they are.
    band : ndarray of uint8, shape (n_rows,)
    cuts, noise : ndarray, shape (n_rows,)
        Three counts in each number: rows that are condemned, of finite and of small
        extendedness; rows usable, of a signal to noise below the lower and the upper limit.
    """

    row: NDArray[np.int64]
    mag: NDArray[np.float64]
    first: NDArray[np.int64]
    number: NDArray[np.int64]
    band: NDArray[np.uint8]
    cuts: NDArray[np.int64]
    noise: NDArray[np.int64]

    @classmethod
    def room(cls, n_rows: int) -> Groups:
        """Return room for as many groups as there are rows."""
        kinds = {"mag": np.float64, "band": np.uint8}
        return cls(*(np.empty(n_rows, dtype=kinds.get(name, np.int64)) for name in cls._fields))


class Refused(NamedTuple):
    """Stars refused, by band and reason; histograms of those that are not, by band."""

    number: NDArray[np.int64]
    scatter: NDArray[np.int64]
    deviation: NDArray[np.int64]

    @classmethod
    def none(cls, n_bands: int) -> Refused:
        """Return no stars."""
        shapes = ((n_bands, len(REASONS)), (n_bands, N_BINS), (n_bands, N_BINS))
        return cls(*(np.zeros(shape, dtype=np.int64) for shape in shapes))


def _counts(bits: tuple[int, int, int]) -> NDArray[np.int64]:
    """Return for each kind of row a number with a count for each of three of its bits."""
    kind = np.arange(2**7)
    lanes = [((kind & bit) > 0).astype(np.int64) << (LANE * k) for k, bit in enumerate(bits)]
    return np.asarray(lanes[0] + lanes[1] + lanes[2])


_CUTS_OF = _counts((CONDEMNED, FINITE, SMALL))
_NOISE_OF = _counts((USABLE, BELOW_LOW, BELOW_HIGH))


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
def rows_kind(c: Columns, cuts: Cuts, kind: NDArray[np.uint8]) -> None:
    """Say of each row what can be said without its neighbours, as a sum of bits."""
    for i in range(len(kind)):
        flux, error, extendedness = c.flux[i], c.error[i], c.extendedness[i]
        usable = (flux > 0.0) & (flux < np.inf) & (error > 0.0) & (error < np.inf)
        usable &= (abs(c.ra[i]) < np.inf) & (abs(c.dec[i]) < np.inf)
        snr = flux / error if usable else np.nan
        flagged = c.flagged[i]
        dropped = (cuts.unusable == DROP_ROW) & (not usable)
        dropped |= (cuts.flags == DROP_ROW) & flagged
        dropped |= (cuts.row_snr_min > 0.0) & (snr <= cuts.row_snr_min)
        condemned = (cuts.unusable == REJECT_OBJECT) & (not usable)
        condemned |= (cuts.flags == REJECT_OBJECT) & flagged
        kind[i] = (
            WANTED * (not dropped)
            + CONDEMNED * condemned
            + FINITE * (abs(extendedness) < np.inf)
            + SMALL * (extendedness < cuts.extendedness_max)
            + USABLE * usable
            + BELOW_LOW * (snr < cuts.snr_low)
            + BELOW_HIGH * (snr < cuts.snr_high)
        )


@compiled
def group(c: Columns, kind: NDArray[np.uint8], n_bands: int, found: Groups) -> int:
    """Sort the wanted rows of each star by band; return the number of (star, band).

    `OUT_OF_ORDER` when the visits of a star in one band do not rise.
    """
    at = np.zeros(n_bands, dtype=np.int64)
    seen = np.zeros(n_bands, dtype=np.int64)
    of_band = np.zeros(n_bands, dtype=np.int64)
    visit = np.zeros(n_bands, dtype=np.int64)
    n, start, groups, rows = len(c.star), 0, 0, 0
    while start < n:
        end = start
        at[:] = 0
        seen[:] = 0
        while end < n and c.star[end] == c.star[start]:
            seen[c.band[end]] += 1
            at[c.band[end]] += kind[end] & WANTED
            end += 1
        for band in range(n_bands):
            if seen[band]:
                found.first[groups], found.number[groups] = rows, at[band]
                found.band[groups] = band
                found.cuts[groups] = found.noise[groups] = 0
                rows, at[band], of_band[band] = rows + at[band], rows, groups
                groups += 1
        for i in range(start, end):
            if not kind[i] & WANTED:
                continue
            band = c.band[i]
            this, k = of_band[band], at[band]
            if k > found.first[this] and c.visit[i] <= visit[band]:
                return OUT_OF_ORDER
            found.row[k], found.mag[k] = i, c.mag[i]
            found.cuts[this] += _CUTS_OF[kind[i]]
            found.noise[this] += _NOISE_OF[kind[i]]
            visit[band], at[band] = c.visit[i], k + 1
        start = end
    return groups


@compiled
def judge(c: Columns, cuts: Cuts, found: Groups, groups: int, refused: Refused) -> int:
    """Keep the stars that pass all cuts; return how many (star, band) there are.

    Those kept move to the front of `found`. Bands that are to be counted are counted; their
    magnitudes in `found` are lost by it.
    """
    kept = 0
    for this in range(groups):
        first, n, band = found.first[this], found.number[this], found.band[this]
        why = _reason(found.cuts[this], found.noise[this], n, cuts.min_visits, cuts.by_median)
        if why == _SPLIT:
            extended = cuts.by_median and not _median_below(
                c.extendedness, c.extendedness[:0], found.row, first, n, cuts.extendedness_max
            )
            low = _median_below(c.flux, c.error, found.row, first, n, cuts.snr_low)
            high = _median_below(c.flux, c.error, found.row, first, n, cuts.snr_high)
            why = 4 if extended else 5 if low or not high else _KEPT
        if why == _KEPT:
            mean = sum_of(found.mag, first, n) / n
            why = _KEPT if cuts.mag_low[band] <= mean < cuts.mag_high[band] else 6
        if why != _KEPT:
            refused.number[band, why] += 1
            continue
        found.first[kept], found.number[kept], found.band[kept] = first, n, band
        kept += 1
        if cuts.counted[band] and n > 1:
            count_star(
                found.mag, first, n, cuts.factors[n], refused.scatter, refused.deviation, band
            )
    return kept


@compiled
def _reason(cut: int, noise: int, n: int, min_visits: int, by_median: bool) -> int:
    """Return the first reason to refuse a star, by its place in `REASONS`, as counts tell.

    `_KEPT` when there is none; `_SPLIT` when a limit halves the star's values, so that the
    median has to be looked at.
    """
    if n == 0:
        return 0
    if (cut & MOST_ROWS) > 0:
        return 1
    if n < min_visits:
        return 2
    if (cut >> LANE) & MOST_ROWS < n:
        return 3
    small = 2 * (cut >> (2 * LANE)) if by_median else cut >> (2 * LANE)
    if small < n:
        return 4
    if by_median and small == n:
        return _SPLIT
    if noise & MOST_ROWS < n:
        return 5
    low, high = 2 * ((noise >> LANE) & MOST_ROWS), 2 * (noise >> (2 * LANE))
    if n in (low, high):
        return _SPLIT
    return 5 if low > n or high < n else _KEPT


@compiled
def _median_below(
    value: NDArray[np.float64],
    over: NDArray[np.float64],
    row: NDArray[np.int64],
    first: int,
    n: int,
    limit: float,
) -> bool:
    """Return whether the median of a star's values (divided by `over`, if any) is below.

    It is not where a value is not a number. Where exactly half are below, the two middle
    values are the largest below and the smallest above.
    """
    below, low, high = 0, -np.inf, np.inf
    for k in range(first, first + n):
        this = value[row[k]] / over[row[k]] if len(over) else value[row[k]]
        if this < limit:
            low = max(low, this)
            below += 1
        elif this >= limit:
            high = min(high, this)
        else:
            return False
    return 0.5 * (low + high) < limit if 2 * below == n else 2 * below > n
