"""Positions on the sphere as unit vectors: nothing special at RA 0 or at a pole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.error_model import MAS_PER_RADIAN

Floats = NDArray[np.float64]


def basis(ra: Floats, dec: Floats) -> tuple[Floats, Floats, Floats]:
    """Return unit vectors to (ra, dec) in degrees, and east and north there; each (3, ...)."""
    a, d = np.radians(ra), np.radians(dec)
    ca, sa, cd, sd = np.cos(a), np.sin(a), np.cos(d), np.sin(d)
    zero = np.zeros_like(ca)
    return (
        np.stack([ca * cd, sa * cd, sd]),
        np.stack([-sa, ca, zero]),
        np.stack([-ca * sd, -sa * sd, cd]),
    )


def to_sky(x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Return (ra, dec) in degrees, 0 <= ra < 360, of vectors of any length."""
    ra = np.degrees(np.arctan2(y, x))
    # A tiny negative angle plus 360 rounds to 360 itself.
    ra = np.where(ra < 0, ra + 360.0, ra)
    ra = np.where(ra >= 360.0, 0.0, ra)
    return ra, np.degrees(np.arctan2(z, np.sqrt(x * x + y * y)))


def offset_positions(
    ra0: float, dec0: float, east_deg: Floats, north_deg: Floats
) -> tuple[Floats, Floats]:
    """Return positions at angle hypot(east, north) from (ra0, dec0), exact on the sphere."""
    p, e, n = basis(np.float64(ra0) * np.ones(1), np.float64(dec0) * np.ones(1))
    rho = np.radians(np.hypot(east_deg, north_deg))
    phi = np.arctan2(north_deg, east_deg)
    v = np.cos(rho) * p + np.sin(rho) * (np.cos(phi) * e + np.sin(phi) * n)
    return to_sky(v[0], v[1], v[2])


def separation_mas(ra1: Floats, dec1: Floats, ra2: Floats, dec2: Floats) -> Floats:
    """Return the great-circle separation in mas, from the chord (exact for small angles)."""
    chord = basis(ra1, dec1)[0] - basis(ra2, dec2)[0]
    half = 0.5 * np.sqrt((chord**2).sum(axis=0))
    return np.asarray(2.0 * np.arcsin(np.minimum(half, 1.0)) * MAS_PER_RADIAN)
