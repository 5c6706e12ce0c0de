"""Positions on the sphere by unit vectors: nothing is special at RA 0 or at a pole."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
#: One degree, arcsec.
ARCSEC = 3600.0
#: One degree, mas.
MAS = 3.6e6


def frame(ra: ArrayLike, dec: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return unit vectors towards positions (deg), and east and north there.

    Parameters
    ----------
    ra, dec : array_like, shape (...)
        Degrees. At a pole, east is that of the meridian `ra`.

    Returns
    -------
    tuple of ndarray, shape (3, ...)
    """
    a, d = np.radians(np.asarray(ra, float)), np.radians(np.asarray(dec, float))
    ca, sa, cd, sd = np.cos(a), np.sin(a), np.cos(d), np.sin(d)
    return (
        np.stack([ca * cd, sa * cd, sd]),
        np.stack([-sa, ca, np.zeros_like(ca)]),
        np.stack([-ca * sd, -sa * sd, cd]),
    )


def direction(ra: ArrayLike, dec: ArrayLike) -> Floats:
    """Return unit vectors (3, ...) towards positions in degrees."""
    return frame(ra, dec)[0]


def angles(vector: Floats) -> tuple[Floats, Floats]:
    """Return RA in [0, 360) and Dec, degrees, of vectors (3, ...) of any length."""
    ra = np.mod(np.degrees(np.arctan2(vector[1], vector[0])), 360.0)
    # The remainder of a tiny negative angle rounds to 360 itself.
    ra = np.where(ra >= 360.0, 0.0, ra)
    return ra, np.degrees(np.arctan2(vector[2], np.hypot(vector[0], vector[1])))


def project(ra: ArrayLike, dec: ArrayLike, ra0: float, dec0: float) -> tuple[Floats, Floats]:
    """Return gnomonic coordinates (xi to the east, eta to the north; deg) about (ra0, dec0).

    A position 90 degrees or more from the point of contact has none: NaN.
    """
    p, east, north = frame(ra0, dec0)
    v = direction(ra, dec)
    depth = np.tensordot(p, v, axes=1)
    depth = np.where(depth > 0, depth, np.nan)
    xi, eta = np.tensordot(east, v, axes=1) / depth, np.tensordot(north, v, axes=1) / depth
    return np.degrees(xi), np.degrees(eta)


def deproject(xi: ArrayLike, eta: ArrayLike, ra0: float, dec0: float) -> tuple[Floats, Floats]:
    """Return (ra, dec) in degrees of gnomonic coordinates (deg) about (ra0, dec0)."""
    p, east, north = frame(ra0, dec0)
    x, y = np.radians(np.asarray(xi, float)), np.radians(np.asarray(eta, float))
    return angles(
        np.multiply.outer(p, np.ones_like(x))
        + np.multiply.outer(east, x)
        + np.multiply.outer(north, y)
    )


def offsets(
    ra: ArrayLike, dec: ArrayLike, ra_from: ArrayLike, dec_from: ArrayLike
) -> tuple[Floats, Floats]:
    """Return by how much (ra, dec) lies east and north of (ra_from, dec_from), arcsec.

    The components of the chord, exact to the third order in the separation.
    """
    ra, dec, ra_from, dec_from = np.broadcast_arrays(ra, dec, ra_from, dec_from)
    p, east, north = frame(ra_from, dec_from)
    chord = direction(ra, dec) - p
    factor = np.degrees(1.0) * ARCSEC
    return (chord * east).sum(axis=0) * factor, (chord * north).sum(axis=0) * factor


def mean_direction(ra: ArrayLike, dec: ArrayLike) -> tuple[float, float]:
    """Return the direction (deg) of the mean of unit vectors of positions (n,)."""
    ra0, dec0 = angles(direction(ra, dec).mean(axis=1))
    return float(ra0), float(dec0)
