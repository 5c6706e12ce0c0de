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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.compiled import plain
from skyassay.metrics.errors import MetricError
from skyassay.metrics.states.derived import Derived
from skyassay.metrics.states.hashing import splitmix64
from skyassay.metrics.states.star_counts import StarCounts, count_stars

#: From here on compiled loops pay.
COMPILED_ROWS = 2**17
ROW_COLUMNS = ("star", "visit", "mag", "ra", "dec")
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
    columns = {n: getattr(band, n)[rows] for n in ROW_COLUMNS}
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
    """Return the stars of two parts, star by star: rows that the bound leaves out stay put.

    Raises
    ------
    MetricError
        ``object_split`` when one star is in both.
    """
    if len(parts) == 1:
        return parts[0]
    first = [star_starts(p.star) for p in parts]
    count = [np.diff(np.r_[f, len(p.star)]) for f, p in zip(first, parts, strict=True)]
    key = np.concatenate([splitmix64(p.star[f]) for f, p in zip(first, parts, strict=True)])
    order = np.argsort(key, kind="stable")
    key = key[order]
    if bool((key[1:] == key[:-1]).any()):
        raise MetricError(
            "One object's measurements arrived in two partitions.",
            code="object_split",
            hint="Read the table with locality 'object'.",
        )
    cut = min((p.cut for p in parts if p.cut is not None), default=None)
    end = np.cumsum(np.concatenate(count)[order])
    number = len(key) if cut is None else int(np.searchsorted(key, np.uint64(cut)))
    fit = min(number, int(np.searchsorted(end, row_bound, side="right")))
    if fit < number:
        cut = int(key[fit])
    to = np.full(len(key), -1, dtype=np.int64)
    to[order[:fit]] = np.r_[0, end[:-1]][:fit]
    rows = int(end[fit - 1]) if fit else 0
    columns = _placed(parts, first, count, np.split(to, [len(first[0])]), rows)
    return BandStars(
        **columns,
        n_stars=sum(p.n_stars for p in parts),
        rejected=_sum_counts(p.rejected for p in parts),
        cut=cut,
        counts=None if cut is None else _counts(parts[0]) + _counts(parts[1]),
    )


def _counts(band: BandStars) -> StarCounts:
    """Return the counts of all stars of a band: its own, or those of its rows."""
    return count_stars(band.star, band.mag) if band.counts is None else band.counts


def _placed(
    parts: list[BandStars],
    first: list[NDArray[np.intp]],
    count: list[NDArray[np.intp]],
    to: list[NDArray[np.int64]],
    rows: int,
) -> dict[str, NDArray[Any]]:
    """Return the columns of both parts with the rows of each star where they belong.

    Parameters
    ----------
    first, count, to : list of ndarray, shape (n_stars of the part,)
        Where the rows of each star begin, how many they are, where they go; -1 is nowhere.
    rows : int
        Rows in all.
    """
    compiled = sum(len(p.star) for p in parts) >= COMPILED_ROWS
    copy = _copy_compiled if compiled else _copy
    made: dict[str, NDArray[Any]] = {}
    for name in ROW_COLUMNS:
        made[name] = np.empty(rows, dtype=getattr(parts[0], name).dtype)
        for p, f, c, t in zip(parts, first, count, to, strict=True):
            copy(f, c, t, getattr(p, name), made[name])
    return made


def _copy(
    first: NDArray[np.intp],
    count: NDArray[np.intp],
    to: NDArray[np.int64],
    source: NDArray[Any],
    made: NDArray[Any],
) -> None:
    there = np.repeat(to >= 0, count)
    rows = np.arange(len(source)) + np.repeat(to - first, count)
    made[rows[there]] = source[there]


def _copy_compiled(
    first: NDArray[np.intp],
    count: NDArray[np.intp],
    to: NDArray[np.int64],
    source: NDArray[Any],
    made: NDArray[Any],
) -> None:
    from skyassay.metrics.states.star_kernel import copy_rows

    copy_rows(first, count, to, plain(source, source.dtype.type), made)


def _sum_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for key, value in count.items():
            total[key] = total.get(key, 0) + value
    return dict(sorted(total.items()))
