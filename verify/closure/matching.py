"""Which measurement is of which true object: by position, image by image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Table = Mapping[str, NDArray[Any]]
#: Farther than this, arcsec, a detection is of something else.
RADIUS = 0.7
MAS = 3.6e6


@dataclass(frozen=True)
class Pairs:
    """Measured and true rows that belong together.

    Attributes
    ----------
    source, truth : ndarray of int64, shape (n,)
        Row numbers of the two tables.
    """

    source: Ints
    truth: Ints


def image_numbers(*tables: Table) -> tuple[Ints, ...]:
    """Return for each table the number of the image (visit and detector) of every row."""
    lengths = [len(t["visit"]) for t in tables]
    both = np.stack(
        [
            np.concatenate([np.asarray(t[n]).astype(np.int64) for t in tables])
            for n in ("visit", "detector")
        ],
        axis=1,
    )
    number = np.unique(both, axis=0, return_inverse=True)[1].ravel().astype(np.int64)
    return tuple(np.split(number, np.cumsum(lengths)[:-1]))


def match(source: Table, truth: Table, radius: float = RADIUS) -> Pairs:
    """Return the pairs that are each the nearest of the other on their image.

    Parameters
    ----------
    source, truth : mapping
        With ``visit``, ``detector``, ``coord_ra`` and ``coord_dec`` in degrees. Rows without a
        finite position belong to nothing.
    radius : float
        arcsec.
    """
    left, right = image_numbers(source, truth)
    found_s: list[Ints] = []
    found_t: list[Ints] = []
    vectors = tuple(unit_vectors(t["coord_ra"], t["coord_dec"]) for t in (source, truth))
    for mine, theirs in _by_image(left, right):
        mine = mine[np.isfinite(vectors[0][mine]).all(axis=1)]
        theirs = theirs[np.isfinite(vectors[1][theirs]).all(axis=1)]
        if len(mine) and len(theirs):
            i, j = _nearest(vectors[0][mine], vectors[1][theirs], radius)
            found_s.append(mine[i])
            found_t.append(theirs[j])
    none = np.empty(0, dtype=np.int64)
    return Pairs(np.concatenate([none, *found_s]), np.concatenate([none, *found_t]))


def _by_image(left: Ints, right: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield the rows of both tables, image by image."""
    orders = [np.argsort(a, kind="stable").astype(np.int64) for a in (left, right)]
    values = [a[o] for a, o in zip((left, right), orders, strict=True)]
    for number in np.unique(np.concatenate([left, right])):
        ends = [np.searchsorted(v, [number, number + 1]) for v in values]
        yield orders[0][ends[0][0] : ends[0][1]], orders[1][ends[1][0] : ends[1][1]]


def _nearest(a: Floats, b: Floats, radius: float) -> tuple[Ints, Ints]:
    """Return rows of both that are each other's nearest within a radius, arcsec."""
    from scipy.spatial import cKDTree

    reach = 2.0 * np.sin(np.radians(radius / 3600.0) / 2.0)
    distance, there = cKDTree(b).query(a, distance_upper_bound=reach)
    _, back = cKDTree(a).query(b, distance_upper_bound=reach)
    mine = np.flatnonzero(np.isfinite(distance))
    nearest, returned = np.asarray(there), np.asarray(back)
    mutual = mine[returned[nearest[mine]] == mine]
    return mutual.astype(np.int64), nearest[mutual].astype(np.int64)


def unit_vectors(ra: NDArray[Any], dec: NDArray[Any]) -> Floats:
    """Return directions of positions in degrees, shape (n, 3): right across RA 0 and at a pole."""
    a, d = (np.radians(np.asarray(v, dtype=np.float64)) for v in (ra, dec))
    with np.errstate(invalid="ignore"):
        return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=-1)


def offsets(ra: Floats, dec: Floats, true_ra: Floats, true_dec: Floats) -> tuple[Floats, Floats]:
    """Return the offset east and north of the truth, mas; all positions in degrees."""
    east = (ra - true_ra + 180.0) % 360.0 - 180.0
    return east * np.cos(np.radians(true_dec)) * MAS, (dec - true_dec) * MAS


def crowding(truth: Table, radius: float) -> Floats:
    """Return, for every true object, the light of its neighbours over its own.

    Parameters
    ----------
    truth : mapping
        With ``visit``, ``detector``, ``coord_ra``, ``coord_dec`` (deg) and ``flux``.
    radius : float
        How far a neighbour counts, arcsec.
    """
    from scipy.spatial import cKDTree

    (number,) = image_numbers(truth)
    vectors = unit_vectors(truth["coord_ra"], truth["coord_dec"])
    flux = np.asarray(truth["flux"], dtype=np.float64)
    share = np.zeros(len(flux))
    reach = 2.0 * np.sin(np.radians(radius / 3600.0) / 2.0)
    for rows, _ in _by_image(number, number):
        if len(rows) > 1:
            pairs = cKDTree(vectors[rows]).query_pairs(reach, output_type="ndarray")
            one, other = rows[pairs[:, 0]], rows[pairs[:, 1]]
            np.add.at(share, one, flux[other])
            np.add.at(share, other, flux[one])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(share / flux)
