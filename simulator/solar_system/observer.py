"""The observer on the turning Earth, and the Sun, for truth ephemerides.

The Earth's place is the IAU's model in ERFA; that is all that is shared with any other
ephemeris. The observer's own place is made here from sidereal time and precession alone:
nutation, polar motion and UT1 - UTC move it by under a kilometre.
"""

from __future__ import annotations

from typing import NamedTuple

import erfa
import numpy as np

from skyassay.pipeline.instrument.site import Site
from skyassay.simulator.solar_system.orbits import Floats

KM_PER_AU = 149597870.7
TILT = np.radians(84381.448 / 3600.0)
_JD = 2400000.5
_J2000 = 51544.5
#: Turns backwards by mirrors.
_FLIP = np.array([1.0, 1.0, -1.0])
#: Equatorial radius of the Earth, km, and its flattening (WGS84).
_RADIUS, _FLAT = 6378.137, 1.0 / 298.257223563


class Seen(NamedTuple):
    """Barycentric places and velocities at one time, equatorial J2000, AU and AU/d, (3,)."""

    observer: Floats
    observer_velocity: Floats
    sun: Floats
    sun_velocity: Floats


def look(mjd_tai: float, site: Site) -> Seen:
    """Return observer and Sun at MJD TAI."""
    tt = mjd_tai + 32.184 / 86400.0
    helio, bary = erfa.epv00(_JD, tt)
    ground, drift = _ground(mjd_tai, tt, site)
    return Seen(
        bary["p"] + ground, bary["v"] + drift, bary["p"] - helio["p"], bary["v"] - helio["v"]
    )


def equatorial(vectors: Floats) -> Floats:
    """Return ecliptic vectors (n, 3) on equatorial axes of J2000."""
    turn = np.array(
        [
            [1.0, 0.0, 0.0],
            [0.0, np.cos(TILT), -np.sin(TILT)],
            [0.0, np.sin(TILT), np.cos(TILT)],
        ]
    )
    return np.asarray(vectors @ turn.T)


def ecliptic(vectors: Floats) -> Floats:
    """Return equatorial vectors (n, 3) on ecliptic axes of J2000."""
    return np.asarray(equatorial(vectors * _FLIP) * _FLIP)


def _ground(mjd_tai: float, tt: float, site: Site) -> tuple[Floats, Floats]:
    """Return the observer's geocentric place and velocity, AU and AU/d."""
    days = mjd_tai - 37.0 / 86400.0 - _J2000
    century = (tt - _J2000) / 36525.0
    earth = 0.7790572732640 + 0.00273781191135448 * days + days % 1.0
    seconds = 0.014506 + 4612.156534 * century + 1.3915817 * century**2
    sidereal = 2.0 * np.pi * (earth % 1.0) + np.radians(seconds / 3600.0)
    phi = np.radians(site.latitude)
    squash = (1.0 - _FLAT) ** 2
    curve = _RADIUS / np.sqrt(np.cos(phi) ** 2 + squash * np.sin(phi) ** 2)
    height = site.height / 1000.0
    out, up = (curve + height) * np.cos(phi), (squash * curve + height) * np.sin(phi)
    angle = sidereal + np.radians(site.longitude)
    place = np.array([out * np.cos(angle), out * np.sin(angle), up]) / KM_PER_AU
    spin = 2.0 * np.pi * 1.00273781191135448
    drift = spin * np.array([-place[1], place[0], 0.0])
    back = _precession(century).T
    return np.asarray(back @ place), np.asarray(back @ drift)


def _precession(century: float) -> Floats:
    """Return the matrix from J2000 to the mean equator of date (IAU 2006 angles, rounded)."""
    t = century
    zeta = np.radians((2306.083227 * t + 0.2988499 * t**2 + 0.01801828 * t**3) / 3600.0)
    z = np.radians((2306.077181 * t + 1.0927348 * t**2 + 0.01826837 * t**3) / 3600.0)
    theta = np.radians((2004.191903 * t - 0.4294934 * t**2 - 0.04182264 * t**3) / 3600.0)
    return np.asarray(_about_z(-z) @ _about_y(theta) @ _about_z(-zeta))


def _about_z(angle: float) -> Floats:
    """Return the turn of the axes about z."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])


def _about_y(angle: float) -> Floats:
    """Return the turn of the axes about y."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])
