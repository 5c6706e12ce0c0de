"""The state of every repeatability metric: the selected stars, whole, up to a bound.

A star's rows arrive in one partition, so the union of two states is a union of stars.
Small data are kept exactly. Beyond `row_bound` rows a band keeps the stars with the
smallest id hash: the longest prefix, in hash order, whose rows fit. A prefix of a union
is made of prefixes of its parts and ends before the first star that any part left out
(`BandStars.cut`), which is why merging is associative and exact. From there on the band
also keeps exact counts of all its stars (`BandStars.counts`), from which values are made.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.errors import MetricError
from skyassay.metrics.states.derived import Derived
from skyassay.metrics.states.hashing import splitmix64
from skyassay.metrics.states.star_counts import StarCounts, count_stars

#: Rows kept per band: 10 MB of state, and more stars than any interval needs.
ROW_BOUND = 2**18


@dataclass(frozen=True)
class BandStars:
    """The selected measurements of one band, sorted by (id hash, id, visit).

    Attributes
    ----------
    star, visit : ndarray of int64, shape (n_rows,)
    mag : ndarray, shape (n_rows,)
        AB magnitude.
    ra, dec : ndarray, shape (n_rows,)
        ICRS, radian.
    n_stars : int
        Stars the selection accepted, kept or not.
    rejected : mapping
        Reason -> number of stars the selection refused.
    cut : int or None
        Id hash of the first star that the bound left out: all smaller ones are here.
    counts : StarCounts or None
        Of all stars, kept or not; None exactly when no star was left out, for then the rows
        say the same.
    """

    star: NDArray[np.int64]
    visit: NDArray[np.int64]
    mag: NDArray[np.float64]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    n_stars: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    cut: int | None = None
    counts: StarCounts | None = None

    @property
    def n_rejected(self) -> int:
        """Number of stars the selection refused."""
        return sum(self.rejected.values())

    @property
    def sampled(self) -> bool:
        """Whether stars were left out because of the bound."""
        return self.cut is not None


@dataclass(frozen=True)
class StarSample:
    """Selected stars of every band.

    Attributes
    ----------
    bands : mapping of str to BandStars
    row_bound : int
        Rows kept per band.
    derived : Derived
        What metrics made of this state, so that the next need not; no part of it.
    """

    bands: Mapping[str, BandStars] = field(default_factory=dict)
    row_bound: int = ROW_BOUND
    derived: Derived = field(default_factory=Derived, compare=False, repr=False)

    def to_bytes(self) -> bytes:
        """Return canonical bytes: bands in order, rows in hash order, counts."""
        parts = [struct.pack("<q", self.row_bound)]
        for name in sorted(self.bands):
            band = self.bands[name]
            parts += [name.encode(), struct.pack("<qq", len(band.star), band.n_stars)]
            parts += [a.tobytes() for a in (band.star, band.visit, band.mag, band.ra, band.dec)]
            parts += [f"{k}={v}".encode() for k, v in sorted(band.rejected.items())]
            parts.append(f"cut {band.cut}".encode())
            parts += band.counts.to_bytes() if band.counts is not None else ()
        return b"\0".join(parts)


def sorted_band(band: BandStars, row_bound: int) -> BandStars:
    """Return the band in canonical order, cut to the stars that fit the bound.

    Parameters
    ----------
    band : BandStars
        Rows in any order. One that was cut has its counts.
    row_bound : int
    """
    key = splitmix64(band.star)
    return fitted(_taken(band, np.lexsort((band.visit, band.star, key))), row_bound)


def fitted(band: BandStars, row_bound: int) -> BandStars:
    """Return a band in canonical order cut to the stars that fit the bound."""
    starts = star_starts(band.star)
    key = splitmix64(band.star[starts])
    ends = np.r_[starts[1:], len(band.star)].astype(np.int64)
    cut = band.cut
    number = len(starts) if cut is None else int(np.searchsorted(key, np.uint64(cut)))
    fit = min(number, int(np.searchsorted(ends, row_bound, side="right")))
    counts = band.counts
    if fit < number:
        counts = count_stars(band.star, band.mag) if cut is None else counts
        cut = int(key[fit])
    rows = slice(0, int(ends[fit - 1]) if fit else 0)
    return replace(_taken(band, rows), cut=cut, counts=counts)


def star_starts(star: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return where each star's rows begin, in rows that stand together by star."""
    return np.flatnonzero(np.r_[True, star[1:] != star[:-1]][: len(star)])


def _taken(band: BandStars, rows: NDArray[np.intp] | slice) -> BandStars:
    columns = {n: getattr(band, n)[rows] for n in ("star", "visit", "mag", "ra", "dec")}
    return replace(band, **columns, rejected=dict(band.rejected))


def merge(a: StarSample, b: StarSample) -> StarSample:
    """Return the state of both parts.

    Raises
    ------
    MetricError
        ``object_split`` when one star's rows arrived in two parts.
    """
    if not a.bands:
        return b
    if not b.bands:
        return a
    bands = {
        name: _merge_band([s.bands[name] for s in (a, b) if name in s.bands], a.row_bound)
        for name in sorted(set(a.bands) | set(b.bands))
    }
    return StarSample(bands, a.row_bound)


def _merge_band(parts: list[BandStars], row_bound: int) -> BandStars:
    if len(parts) == 1:
        return parts[0]
    a, b = parts
    joined = BandStars(
        np.concatenate([a.star, b.star]),
        np.concatenate([a.visit, b.visit]),
        np.concatenate([a.mag, b.mag]),
        np.concatenate([a.ra, b.ra]),
        np.concatenate([a.dec, b.dec]),
        a.n_stars + b.n_stars,
        _sum_counts((a.rejected, b.rejected)),
        min((c for c in (a.cut, b.cut) if c is not None), default=None),
        _joined_counts(a, b),
    )
    starts = np.r_[star_starts(a.star), len(a.star) + star_starts(b.star)]
    return fitted(_taken(joined, _by_hash(joined.star, starts)), row_bound)


def _by_hash(star: NDArray[np.int64], starts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the order by id hash of rows that stand together by star.

    Raises
    ------
    MetricError
        ``object_split`` when one star is there twice.
    """
    key = splitmix64(star[starts])
    order = np.argsort(key, kind="stable")
    if bool((np.diff(key[order]) == 0).any()):
        raise MetricError(
            "One object's measurements arrived in two partitions.",
            code="object_split",
            hint="Read the table with locality 'object'.",
        )
    count = np.diff(np.r_[starts, len(star)])[order]
    before = np.cumsum(count) - count
    return np.repeat(starts[order] - before, count) + np.arange(len(star))


def _joined_counts(a: BandStars, b: BandStars) -> StarCounts | None:
    """Return the counts of both, once either has any."""
    if a.counts is None and b.counts is None:
        return None
    one, other = (
        count_stars(side.star, side.mag) if side.counts is None else side.counts for side in (a, b)
    )
    return one + other


def _sum_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for key, value in count.items():
            total[key] = total.get(key, 0) + value
    return dict(sorted(total.items()))
