"""Where a star of a catalogue stands at another time: proper motion and parallax."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Milliarcsecond per radian, days per Julian year.
MAS = 180.0 / np.pi * 3_600_000.0
YEAR = 365.25
_J2000 = 51544.5
_OBLIQUITY = np.radians(23.4393)


def directions(ra: Floats, dec: Floats) -> tuple[Floats, Floats, Floats]:
    """Return unit vectors to positions, and east and north there.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Degrees.

    Returns
    -------
    tuple of ndarray, each of shape (n, 3)
    """
    a, d = np.radians(ra), np.radians(dec)
    ca, sa, cd, sd = np.cos(a), np.sin(a), np.cos(d), np.sin(d)
    return (
        np.stack([ca * cd, sa * cd, sd], axis=-1),
        np.stack([-sa, ca, np.zeros_like(sa)], axis=-1),
        np.stack([-ca * sd, -sa * sd, cd], axis=-1),
    )


def earth(mjd: Floats) -> Floats:
    """Return the place of the Earth about the Sun, equatorial, au, shape (n, 3).

    The low-precision formula of the Astronomical Almanac (section C): 0.01 degree, so that
    a parallax of 100 mas is right to 0.02 mas.
    """
    n = np.asarray(mjd, dtype=np.float64) - _J2000
    g = np.radians(357.528 + 0.9856003 * n)
    # The formula counts from the equinox of the date; 50.3 arcsec a year lead back to J2000.
    mean = 280.460 + (0.9856474 - 3.825e-5) * n
    longitude = np.radians(mean + 1.915 * np.sin(g) + 0.020 * np.sin(2 * g))
    radius = 1.00014 - 0.01671 * np.cos(g) - 0.00014 * np.cos(2 * g)
    sun = [
        np.cos(longitude),
        np.sin(longitude) * np.cos(_OBLIQUITY),
        np.sin(longitude) * np.sin(_OBLIQUITY),
    ]
    return np.asarray(-radius[..., None] * np.stack(sun, axis=-1))


def carried(
    place: tuple[Floats, Floats, Floats],
    motion: tuple[Floats, Floats],
    years: Floats,
    parallax: Floats,
    mjd: Floats,
) -> Floats:
    """Return unit vectors of stars at another time.

    Parameters
    ----------
    place : tuple of ndarray, each of shape (n, 3)
        As `directions` returns it.
    motion : tuple of ndarray, shape (n,)
        Proper motion east (times cos dec) and north, mas/yr.
    years : ndarray, shape (n,)
        Time since the catalogue's epoch, Julian years.
    parallax : ndarray, shape (n,)
        mas; zero for barycentric places.
    mjd : ndarray, shape (n,)
        When, for the place of the Earth.
    """
    p, east, north = place
    along = motion[0] * years / MAS
    up = motion[1] * years / MAS
    moved = p + along[..., None] * east + up[..., None] * north
    near = np.flatnonzero(parallax)
    moved[near] -= (parallax[near] / MAS)[..., None] * earth(mjd[near])
    return np.asarray(moved / np.linalg.norm(moved, axis=-1, keepdims=True))
