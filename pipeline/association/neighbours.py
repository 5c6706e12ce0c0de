"""Who is near whom on the sky."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from skyassay.pipeline.astrometry.sphere import ARCSEC, Floats

Ints = NDArray[np.int64]


def chord(arcsec: float) -> float:
    """Return the distance of unit vectors at an angle."""
    return float(2.0 * np.sin(np.radians(arcsec / ARCSEC) / 2.0))


def pairs(vectors: Floats, radius: float) -> Ints:
    """Return the pairs (k, 2) of unit vectors (n, 3) within a radius, arcsec."""
    if len(vectors) < 2:
        return np.empty((0, 2), np.int64)
    found = cKDTree(vectors).query_pairs(chord(radius), output_type="ndarray")
    return np.asarray(found, np.int64).reshape(-1, 2)


def friends(vectors: Floats, radius: float) -> Ints:
    """Return for each unit vector (n, 3) the number of its group, from 0.

    Two belong together that are within the radius (arcsec), or have friends that are
    (friends of friends): what the groups are does not depend on the order.
    """
    n = len(vectors)
    i, j = pairs(vectors, radius).T
    graph = coo_array((np.ones(len(i), np.int8), (i, j)), shape=(n, n))
    if n == 0:
        return np.empty(0, np.int64)
    labels: NDArray[Any] = connected_components(graph, directed=False)[1]
    return np.asarray(labels, np.int64)


def nearest(vectors: Floats, of: Floats, radius: float) -> tuple[Ints, Floats]:
    """Return for each vector (n, 3) the row of the nearest of others and its distance, arcsec.

    Without one within the radius the row is len(of) and the distance infinite.
    """
    if len(of) == 0 or len(vectors) == 0:
        return np.full(len(vectors), len(of), np.int64), np.full(len(vectors), np.inf)
    distance, row = cKDTree(of).query(vectors, distance_upper_bound=chord(radius))
    angle = np.degrees(2.0 * np.arcsin(np.minimum(np.asarray(distance, float), 2.0) / 2.0))
    far = ~np.isfinite(distance)
    return np.asarray(row, np.int64), np.where(far, np.inf, angle * ARCSEC)
