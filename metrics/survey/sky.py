"""Which cells of the sky a visit sees: HEALPix cells whose centre lies in a round field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.healpix import cell_count, cells_of, centres_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Visits handled at once: about 40 MB of candidates.
_CHUNK = 1 << 15
SKY_DEG2 = 4.0 * np.pi * (180.0 / np.pi) ** 2


@dataclass(frozen=True, eq=False)
class SkyGrid:
    """Cells of the sky, and for every cell those that a field centred in it may see.

    Attributes
    ----------
    order : int
        HEALPix order, nested; ``12 * 4**order`` cells.
    cosine : float
        Of the radius of the field of view.
    centre : ndarray, shape (n_cells + 1, 3)
        Unit vectors of the cell centres; the last row is zero and seen by no field.
    near : ndarray of int64, shape (n_cells, k)
        Candidates; filled up with ``n_cells``.
    """

    order: int
    cosine: float
    centre: Floats
    near: Ints

    @property
    def size(self) -> int:
        """Return the number of cells."""
        return len(self.near)

    @property
    def cell_area(self) -> float:
        """Return the area of a cell, deg2."""
        return float(SKY_DEG2 / self.size)

    def cell(self, ra: Floats, dec: Floats) -> Ints:
        """Return the cell of each position (deg)."""
        return cells_of(ra, dec, self.order)

    def positions(self) -> tuple[Floats, Floats]:
        """Return right ascension and declination of the cell centres, deg."""
        x, y, z = self.centre[:-1].T
        return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arcsin(z))

    def seen(self, ra: Floats, dec: Floats) -> Iterator[tuple[Ints, Ints]]:
        """Yield (row of the visit, cell) of everything seen, in the order of the visits.

        Parameters
        ----------
        ra, dec : ndarray, shape (n,)
            Finite, degrees.
        """
        for start in range(0, len(ra), _CHUNK):
            part = slice(start, start + _CHUNK)
            vector = unit_vectors(ra[part], dec[part])
            near = self.near[self.cell(ra[part], dec[part])]
            dot = sum(self.centre[near, k] * vector[:, k, None] for k in range(3))
            row, column = np.nonzero(dot >= self.cosine)
            yield row + start, near[row, column]


def unit_vectors(ra: Floats, dec: Floats) -> Floats:
    """Return unit vectors, shape (n, 3), of positions in degrees."""
    a, d = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=-1)


@lru_cache(maxsize=4)
def sky_grid(order: int, field_deg2: float) -> SkyGrid:
    """Return the cells of one order, for a round field of view of this area (deg2)."""
    from cdshealpix.nested import vertices
    from scipy.spatial import cKDTree

    cells = np.arange(cell_count(order))
    centre = unit_vectors(*centres_of(cells, order))
    lon, lat = vertices(cells.astype(np.uint64), order, num_threads=1)
    corner = unit_vectors(np.asarray(lon.deg), np.asarray(lat.deg))
    farthest = np.arccos(np.einsum("nkj,nj->nk", corner, centre).min())
    cosine = 1.0 - field_deg2 / SKY_DEG2 * 2.0  # of a cap of this area
    reach = 2.0 * np.sin(0.5 * (np.arccos(cosine) + farthest)) + 1e-9
    found = cKDTree(centre).query_ball_point(centre, reach, return_sorted=True)
    near = np.full((len(cells), max(map(len, found))), len(cells))
    for cell, others in enumerate(found):
        near[cell, : len(others)] = others
    return SkyGrid(order, float(cosine), np.vstack([centre, np.zeros(3)]), near)
