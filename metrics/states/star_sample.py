"""The state of every repeatability metric: the selected stars, whole, up to a bound.

A star's rows arrive in one partition, so the union of two states is a union of stars.
Small data are kept exactly. Beyond `row_bound` rows a band keeps the stars with the
smallest id hash: the longest prefix, in hash order, whose rows fit. A prefix of a union
is made of prefixes of its parts and ends before the first star that any part left out
(`BandStars.cut`), which is why merging is associative and exact.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.errors import MetricError
from skyassay.metrics.states.hashing import splitmix64

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
    """

    star: NDArray[np.int64]
    visit: NDArray[np.int64]
    mag: NDArray[np.float64]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    n_stars: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    cut: int | None = None

    @property
    def n_rejected(self) -> int:
        """Number of stars the selection refused."""
        return sum(self.rejected.values())

    @property
    def sampled(self) -> bool:
        """Whether stars were left out because of the bound."""
        return self.n_stars > len(np.unique(self.star))


@dataclass(frozen=True)
class StarSample:
    """Selected stars of every band."""

    bands: Mapping[str, BandStars] = field(default_factory=dict)
    row_bound: int = ROW_BOUND

    def to_bytes(self) -> bytes:
        """Return canonical bytes: bands in order, rows in hash order, counts."""
        parts = [struct.pack("<q", self.row_bound)]
        for name in sorted(self.bands):
            band = self.bands[name]
            parts += [name.encode(), struct.pack("<qq", len(band.star), band.n_stars)]
            parts += [a.tobytes() for a in (band.star, band.visit, band.mag, band.ra, band.dec)]
            parts += [f"{k}={v}".encode() for k, v in sorted(band.rejected.items())]
            parts.append(f"cut {band.cut}".encode())
        return b"\0".join(parts)


def sorted_band(band: BandStars, row_bound: int) -> BandStars:
    """Return the band in canonical order, cut to the stars that fit the bound."""
    key = splitmix64(band.star)
    order = np.lexsort((band.visit, band.star, key))
    cut = band.cut
    if cut is not None:
        order = order[key[order] < np.uint64(cut)]
    if len(order) > row_bound:
        fitting = _last_whole_star(band.star[order], row_bound)
        cut = int(key[order[fitting]])
        order = order[:fitting]
    return BandStars(
        band.star[order],
        band.visit[order],
        band.mag[order],
        band.ra[order],
        band.dec[order],
        band.n_stars,
        dict(band.rejected),
        cut,
    )


def _last_whole_star(star: NDArray[np.int64], row_bound: int) -> int:
    """Return how many rows of the sorted stars fit without cutting one."""
    ends = np.flatnonzero(np.r_[star[1:] != star[:-1], True]) + 1
    fitting = int(np.searchsorted(ends, row_bound, side="right"))
    return int(ends[fitting - 1]) if fitting else 0


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
    if np.intersect1d(a.star, b.star).size:
        raise MetricError(
            "One object's measurements arrived in two partitions.",
            code="object_split",
            hint="Read the table with locality 'object'.",
        )
    joined = BandStars(
        np.concatenate([a.star, b.star]),
        np.concatenate([a.visit, b.visit]),
        np.concatenate([a.mag, b.mag]),
        np.concatenate([a.ra, b.ra]),
        np.concatenate([a.dec, b.dec]),
        a.n_stars + b.n_stars,
        _sum_counts((a.rejected, b.rejected)),
        min((c for c in (a.cut, b.cut) if c is not None), default=None),
    )
    return sorted_band(joined, row_bound)


def _sum_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for key, value in count.items():
            total[key] = total.get(key, 0) + value
    return dict(sorted(total.items()))
