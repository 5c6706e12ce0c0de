"""Pairs of stars at a given distance, and their separations visit by visit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skyassay.metrics.states.hashing import splitmix64
from skyassay.metrics.visit_table import VisitTable

#: Milliarcsecond per radian.
MAS = 180.0 / np.pi * 3_600_000.0
_ARCMIN = np.pi / 180.0 / 60.0
#: Stars searched for pairs when the annulus is wide: enough for any number of pairs kept.
_WIDE_STARS = 3_000
_WIDE_ARCMIN = 60.0
#: Pairs searched for those that are kept; in a denser field fewer stars are looked at.
_MOST_PAIRS = 5_000_000
_SEARCHED = 2**15
_CHUNK = 4_000
#: A mode that differs less from the others, in units of the first, is not told from them.
_DISTINCT = 0.3


@dataclass(frozen=True)
class Pairs:
    """Pairs of stars, each once.

    Attributes
    ----------
    ends : ndarray of int, shape (n_pairs, 2)
        Rows of the two stars.
    separation : ndarray, shape (n_pairs, n_visits)
        mas; NaN where one of the two was not seen.
    basis : ndarray, shape (n_pairs, 1 to 3)
        What a linear distortion of a visit (scale, two shears) does to a separation.
    available : int
        Pairs in the annulus, before any bound.
    """

    ends: NDArray[np.intp]
    separation: NDArray[np.float64]
    basis: NDArray[np.float64]
    available: int


def find_pairs(
    mean: NDArray[np.float64],
    star: NDArray[np.int64],
    separation: float,
    half_width: float,
    bound: int | None,
) -> tuple[NDArray[np.intp], int]:
    """Return the pairs in an annulus and how many there were before the bound.

    Parameters
    ----------
    mean : ndarray, shape (n_stars, 3)
        Mean unit vectors.
    star : ndarray of int64, shape (n_stars,)
        Ids, in hash order.
    separation, half_width : float
        arcmin; the annulus is [separation - half_width, separation + half_width).
    bound : int or None
        Keep at most so many: those with the smallest pair hash. The stars searched are then
        bounded too, to those with the smallest hashes.
    """
    use = len(mean) if separation < _WIDE_ARCMIN or bound is None else min(len(mean), _WIDE_STARS)
    low, high = (2.0 * np.sin((separation + s * half_width) * _ARCMIN / 2.0) for s in (-1, 1))
    tree = cKDTree(mean[:use])
    reach = high * (1.0 + 1e-9)
    if bound is not None:
        close = (int(tree.count_neighbors(tree, reach)) - use) // 2
        if close > _MOST_PAIRS:
            use = int(use * np.sqrt(_MOST_PAIRS / close))
            tree = cKDTree(mean[:use])
    ends = tree.query_pairs(reach, output_type="ndarray")
    if not len(ends):
        return np.empty((0, 2), dtype=np.intp), 0
    axes = np.ascontiguousarray(mean.T)
    ends = np.concatenate(
        [
            _in_annulus(axes, ends[k : k + _SEARCHED], low, high)
            for k in range(0, len(ends), _SEARCHED)
        ]
    )
    available = len(ends)
    one, other = ends[:, 0], ends[:, 1]
    ends = np.stack([np.minimum(one, other), np.maximum(one, other)], axis=1)
    mixed = splitmix64(star[:use])
    key = mixed[ends[:, 0]] ^ (mixed[ends[:, 1]] >> np.uint64(1))
    if bound is not None and bound < available:
        # only those that can be among the first are sorted
        near = np.flatnonzero(key <= np.partition(key, bound - 1)[bound - 1])
        ends, key = ends[near], key[near]
    order = np.lexsort((star[ends[:, 1]], star[ends[:, 0]], key))
    return ends[order if bound is None else order[:bound]], available


def _in_annulus(
    axes: NDArray[np.float64], ends: NDArray[np.intp], low: float, high: float
) -> NDArray[np.intp]:
    """Return the pairs whose chord is in [low, high); `axes` has shape (3, n_stars)."""
    one, other = np.ascontiguousarray(ends.T)
    chord = lengths(np.stack([axis[one] - axis[other] for axis in axes]), axis=0)
    return np.asarray(ends[(chord >= low) & (chord < high)])


def lengths(vectors: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    """Return the length of vectors of three; the bits of `numpy.linalg.norm`, which is slow."""
    square = np.moveaxis(vectors * vectors, axis, 0)
    return np.asarray(np.sqrt(square[0] + square[1] + square[2]))


def separations(table: VisitTable, ends: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the separation of each pair in each visit, mas, shape (n_pairs, n_visits).

    The chord between unit vectors keeps full precision at every separation.
    """
    parts = []
    for start in range(0, len(ends), _CHUNK):
        part = ends[start : start + _CHUNK]
        chord = lengths(table.direction[part[:, 0]] - table.direction[part[:, 1]])
        parts.append(2.0 * np.arcsin(chord / 2.0) * MAS)
    return np.concatenate(parts) if parts else np.empty((0, len(table.visit)))


def distortion_basis(mean: NDArray[np.float64], ends: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return what scale and shear of a visit do to each pair, shape (n_pairs, 1 to 3).

    They span 1, sqrt2 cos 2 phi and sqrt2 sin 2 phi for the angle phi in one frame for the
    whole field (a position angle turns around at a pole), made orthogonal: pairs that all
    lie along one direction cannot tell a scale from a shear.
    """
    angle = 2.0 * _field_angle(mean, ends)
    # about the middle angle the cosine is what a scale looks like, the sine what it is not
    if len(angle):
        angle -= np.arctan2(np.sin(angle).sum(), np.cos(angle).sum())
    return distinct_modes(
        np.stack(
            [np.ones(len(ends)), np.sqrt(2.0) * np.cos(angle), np.sqrt(2.0) * np.sin(angle)], axis=1
        )
    )


def _field_angle(mean: NDArray[np.float64], ends: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the direction of each pair, transported to the middle of the field, radian."""
    total = mean.sum(axis=0)
    size = float(np.linalg.norm(total))
    # stars all over the sky have no middle; any will do
    centre = total / size if size > 1e-6 * len(mean) else np.array([1.0, 0.0, 0.0])
    middle = mean[ends[:, 0]] + mean[ends[:, 1]]
    middle = middle / np.linalg.norm(middle, axis=1)[:, None]
    along = mean[ends[:, 1]] - mean[ends[:, 0]]
    turn = (along @ centre) / np.maximum(1.0 + middle @ centre, 1e-9)
    along = along - turn[:, None] * (middle + centre)
    east, north = tangent_axes(centre[None, :])
    return np.asarray(np.arctan2(along @ east[0], along @ north[0]))


def distinct_modes(basis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the modes made orthogonal, in order, without those that nothing tells apart.

    Two modes that do the same to every unit would be counted as two independent terms,
    with twice the degrees of freedom of the one there is.

    Parameters
    ----------
    basis : ndarray, shape (n_units, n_modes)
        The first column is 1.
    """
    kept: list[NDArray[np.float64]] = []
    for column in basis.T:
        rest = column
        for other in kept:
            rest = rest - other * (other @ rest) / (other @ other)
        if not kept or np.linalg.norm(rest) >= _DISTINCT * np.linalg.norm(kept[0]) > 0:
            kept.append(rest)
    return np.stack(kept, axis=1)


def tangent_axes(
    direction: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return unit vectors to the east and north of each direction; defined at a pole too."""
    ra = np.arctan2(direction[:, 1], direction[:, 0])
    east = np.stack([-np.sin(ra), np.cos(ra), np.zeros_like(ra)], axis=1)
    return east, np.cross(direction, east)


def pairs_at(table: VisitTable, separation: float, half_width: float, bound: int | None) -> Pairs:
    """Return the pairs of a table at a separation (arcmin) seen together twice or more."""
    mean = table.mean_direction
    ends, available = find_pairs(mean, table.star, separation, half_width, bound)
    sep = separations(table, ends)
    together = np.isfinite(sep).sum(axis=1) >= 2
    ends = ends[together]
    return Pairs(ends, sep[together], distortion_basis(mean, ends), available)
