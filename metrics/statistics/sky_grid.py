"""Cells of a fixed grid on the sky, of nearly equal area: rings of declination, cut in RA."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: A cell is numbered ring x this + place in the ring.
_RING = 1_000_000


@dataclass(frozen=True)
class Place:
    """Where positions lie on the grid.

    Attributes
    ----------
    cell : ndarray of int64, shape (n,)
    margin : ndarray, shape (n,)
        Distance to the nearest side of the cell, degrees.
    """

    cell: NDArray[np.int64]
    margin: Floats


def place(ra: Floats, dec: Floats, side: float) -> Place:
    """Return the cell of each position and its distance to the cell's sides.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Degrees, finite.
    side : float
        Side of a cell, degrees; at most 10.

    Notes
    -----
    The grid does not depend on the data, so cells are the same in every partition.
    """
    rings = int(np.ceil(180.0 / side))
    y = np.clip((np.asarray(dec, dtype=np.float64) + 90.0) / 180.0 * rings, 0.0, rings)
    ring = np.minimum(y.astype(np.int64), rings - 1)
    middle = np.cos(np.radians((ring + 0.5) * 180.0 / rings - 90.0))
    number = np.maximum(np.rint(360.0 * middle / side), 1.0)
    x = (np.asarray(ra, dtype=np.float64) % 360.0) / 360.0 * number
    column = np.minimum(np.floor(x), number - 1.0)
    up, along = y - ring, x - column
    height = np.minimum(up, 1.0 - up) * 180.0 / rings
    width = np.minimum(along, 1.0 - along) * 360.0 / number * np.cos(np.radians(dec))
    # one cell around the pole has no sides in RA
    width = np.where(number > 1.0, width, np.inf)
    return Place(ring * _RING + column.astype(np.int64), np.minimum(height, width))


def unit_vectors(ra: Floats, dec: Floats) -> Floats:
    """Return unit vectors of positions in degrees, shape (n, 3)."""
    lon, lat = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
