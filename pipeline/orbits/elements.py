"""Orbital elements and states: heliocentric, ecliptic of J2000 and ICRS axes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from astropy.table import Table

from skyassay.pipeline.orbits.errors import OrbitError
from skyassay.pipeline.orbits.kepler import MU, Floats, propagate, stumpff

#: Obliquity of the ecliptic of J2000 (IAU 1976), rad: that of catalogues of orbits.
OBLIQUITY = np.radians(84381.448 / 3600.0)
COLUMNS = ("q", "e", "i", "node", "argperi", "t_p")


class Elements(NamedTuple):
    """Cometary elements, arrays of one shape.

    Attributes
    ----------
    q : array
        Perihelion distance, AU.
    e : array
    i, node, argperi : array
        Inclination, longitude of the ascending node and argument of perihelion, deg.
    t_p : array
        Time of perihelion, MJD TAI.
    """

    q: Floats
    e: Floats
    i: Floats
    node: Floats
    argperi: Floats
    t_p: Floats


def to_icrs(ecliptic: Floats) -> Floats:
    """Return vectors (..., 3) of the ecliptic of J2000 on ICRS axes."""
    c, s = np.cos(OBLIQUITY), np.sin(OBLIQUITY)
    x, y, z = np.moveaxis(ecliptic, -1, 0)
    return np.stack([x, c * y - s * z, s * y + c * z], axis=-1)


def to_ecliptic(icrs: Floats) -> Floats:
    """Return vectors (..., 3) of ICRS axes in the ecliptic of J2000."""
    c, s = np.cos(OBLIQUITY), np.sin(OBLIQUITY)
    x, y, z = np.moveaxis(icrs, -1, 0)
    return np.stack([x, c * y + s * z, -s * y + c * z], axis=-1)


def from_table(orbits: Table) -> Elements:
    """Return the elements of a table of orbits (columns as in Rubin's mpc_orbits).

    Raises
    ------
    OrbitError
        ``missing_columns`` or ``bad_elements``.
    """
    missing = [c for c in COLUMNS if c not in orbits.colnames]
    if missing:
        raise OrbitError(
            f"The catalogue of orbits lacks {', '.join(missing)}.",
            code="missing_columns",
            hint="Give q [AU], e, i, node, argperi [deg] and t_p [MJD, TAI].",
            exit_code=4,
        )
    found = Elements(*(np.asarray(orbits[c], dtype=np.float64) for c in COLUMNS))
    good = np.logical_and.reduce([np.isfinite(v) for v in found])
    good &= (found.q > 0) & (found.e >= 0)
    if not good.all():
        raise OrbitError(
            f"{int((~good).sum())} orbits have no usable elements.",
            code="bad_elements",
            hint="q must be positive, e at least 0, all of them finite.",
        )
    return found


def to_state(elements: Elements, mjd: Floats | float) -> tuple[Floats, Floats]:
    """Return position (AU) and velocity (AU/d) on ICRS axes, shape (..., 3), at MJD TAI.

    At perihelion both are known in closed form; from there the orbit is propagated.
    """
    i, node, peri = (np.radians(v) for v in elements[2:5])
    ci, si, cn, sn, cp, sp = (
        np.cos(i),
        np.sin(i),
        np.cos(node),
        np.sin(node),
        np.cos(peri),
        np.sin(peri),
    )
    first = np.stack([cn * cp - sn * sp * ci, sn * cp + cn * sp * ci, sp * si], axis=-1)
    second = np.stack([-cn * sp - sn * cp * ci, -sn * sp + cn * cp * ci, cp * si], axis=-1)
    speed = np.sqrt(MU * (1.0 + elements.e) / elements.q)
    position, velocity = to_icrs(elements.q[..., None] * first), to_icrs(speed[..., None] * second)
    return propagate(position, velocity, np.asarray(mjd - elements.t_p, dtype=np.float64))


def from_state(position: Floats, velocity: Floats, mjd: float) -> Elements:
    """Return the elements of states (..., 3) on ICRS axes at MJD TAI.

    Angles that an orbit does not have (node of one in the ecliptic, perihelion of a circle)
    come out as some value that gives the same state. `t_p` is the nearest perihelion.
    """
    r, v = to_ecliptic(position), to_ecliptic(velocity)
    h = np.cross(r, v)
    hh = (h * h).sum(axis=-1)
    rr = np.sqrt((r * r).sum(axis=-1))
    ecc = np.cross(v, h) / MU - r / rr[..., None]
    e = np.sqrt((ecc * ecc).sum(axis=-1))
    q = hh / (MU * (1.0 + e))
    i = np.arctan2(np.hypot(h[..., 0], h[..., 1]), h[..., 2])
    node = np.arctan2(h[..., 0], -h[..., 1])
    along = np.stack([np.cos(node), np.sin(node), np.zeros_like(node)], axis=-1)
    across = np.cross(h, along) / np.sqrt(hh)[..., None]
    peri = np.arctan2((ecc * across).sum(axis=-1), (ecc * along).sum(axis=-1))
    latitude = np.arctan2((r * across).sum(axis=-1), (r * along).sum(axis=-1))
    since = _since_perihelion(q, e, rr, (r * v).sum(axis=-1), latitude - peri)
    node, peri = np.degrees(node) % 360.0, np.degrees(peri) % 360.0
    return Elements(q, e, np.degrees(i), node, peri, mjd - since)


def _since_perihelion(q: Floats, e: Floats, r: Floats, radial: Floats, true: Floats) -> Floats:
    """Return days since the nearest perihelion, of distance, r . v and true anomaly."""
    alpha = (1.0 - e) / q
    sigma = radial / np.sqrt(MU)
    # chi from perihelion: sinh-like for hyperbolas, tan-like for parabolas, atan2 for ellipses.
    root = np.sqrt(np.abs(alpha))
    with np.errstate(invalid="ignore", divide="ignore"):
        ellipse = np.arctan2(sigma * root, 1.0 - r * alpha) / root
        hyperbola = np.arcsinh(sigma * root / e) / root
        # Nearly circles: the perihelion may be noise, and must be the one that was found.
        half = np.remainder(true + np.pi, 2.0 * np.pi) / 2.0 - np.pi / 2.0
        rounder = 2.0 * np.arctan2(np.sqrt(1.0 - e) * np.sin(half), np.sqrt(1.0 + e) * np.cos(half))
        ellipse = np.where(e < 0.1, rounder / root, ellipse)
    near = np.abs(alpha) * r < 1e-8
    chi = np.where(near, sigma, np.where(alpha > 0, ellipse, hyperbola))
    _, c3 = stumpff(alpha * chi * chi)
    return np.asarray((q * chi + e * chi**3 * c3) / np.sqrt(MU))
