"""Cells of equal area on the sky: HEALPix in the nested order, so that cells nest in cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Deepest order that keys of states have room for.
MAX_ORDER = 12


def cell_count(order: int) -> int:
    """Return the number of cells of the whole sky."""
    return int(12 * 4**order)


def cells_of(ra: NDArray[np.float64], dec: NDArray[np.float64], order: int) -> NDArray[np.int64]:
    """Return the nested cell of each position (Gorski et al. 2005).

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Degrees, finite, declination within +-90.
    order : int
        0 to `MAX_ORDER`; a cell has ``41253 / (12 * 4**order)`` square degrees.

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    from astropy import units as u
    from astropy.coordinates import Latitude, Longitude
    from cdshealpix.nested import lonlat_to_healpix

    if not len(ra):
        return np.empty(0, dtype=np.int64)
    lon, lat = Longitude(np.asarray(ra), u.deg), Latitude(np.asarray(dec), u.deg)
    return np.asarray(lonlat_to_healpix(lon, lat, order, num_threads=1)).astype(np.int64)


def centres_of(
    cells: NDArray[np.int64], order: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return right ascension and declination of the centres of nested cells, degrees."""
    from cdshealpix.nested import healpix_to_lonlat

    if not len(cells):
        return np.empty(0), np.empty(0)
    lon, lat = healpix_to_lonlat(cells.astype(np.uint64), order, num_threads=1)
    return np.asarray(lon.deg), np.asarray(lat.deg)


def directions_of(cells: NDArray[np.int64], order: int) -> NDArray[np.float64]:
    """Return unit vectors to the centres of nested cells, shape (3, n)."""
    ra, dec = (np.radians(x) for x in centres_of(cells, order))
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def parents_of(cells: NDArray[np.int64], order: int, coarse: int) -> NDArray[np.int64]:
    """Return the cells of order `coarse` that hold cells of `order`."""
    return np.asarray(cells >> (2 * (order - coarse)))
