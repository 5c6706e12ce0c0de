"""Sun, Moon and sidereal time, good to a third of a degree: enough to plan nights.

Low-precision series of the Astronomical Almanac (pages C5 and D22); they need no tables of
the Earth's rotation, which do not reach ten years ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_J2000_MJD = 51544.5
#: Degrees that the sky turns in a day of time.
TURN = 360.98564736629
#: Degrees below the horizon at which observing begins, and at which it is dark.
NAUTICAL, ASTRONOMICAL = -12.0, -18.0


@dataclass(frozen=True, eq=False)
class Place:
    """Right ascension and declination of a body, deg; shapes as the times."""

    ra: Floats
    dec: Floats


def sidereal(mjd: Floats, longitude: float) -> Floats:
    """Return local mean sidereal time, deg, east longitude in deg."""
    return np.asarray((280.46061837 + TURN * (mjd - _J2000_MJD) + longitude) % 360.0)


def sun(mjd: Floats) -> Place:
    """Return the place of the Sun, to 0.01 deg."""
    n = mjd - _J2000_MJD
    g = np.radians(357.528 + 0.9856003 * n)
    longitude = 280.460 + 0.9856474 * n + 1.915 * np.sin(g) + 0.020 * np.sin(2.0 * g)
    return _equatorial(longitude, np.zeros_like(longitude), n)


def moon(mjd: Floats) -> Place:
    """Return the geocentric place of the Moon, to 0.3 deg."""
    n = mjd - _J2000_MJD
    t = n / 36525.0

    def wave(size: float, phase: float, rate: float) -> Floats:
        return np.asarray(size * np.sin(np.radians(phase + rate * t)))

    longitude = 218.32 + 481267.881 * t + wave(6.29, 135.0, 477198.87)
    longitude += wave(-1.27, 259.3, -413335.36) + wave(0.66, 235.7, 890534.22)
    longitude += wave(0.21, 269.9, 954397.74) + wave(-0.19, 357.5, 35999.05)
    longitude += wave(-0.11, 186.5, 966404.03)
    latitude = wave(5.13, 93.3, 483202.02) + wave(0.28, 228.2, 960400.89)
    latitude += wave(-0.28, 318.3, 6003.15) + wave(-0.17, 217.6, -407332.21)
    return _equatorial(longitude, latitude, n)


def _equatorial(longitude: Floats, latitude: Floats, days: Floats) -> Place:
    """Return ecliptic coordinates (deg) as equatorial ones; `days` since J2000."""
    tilt = np.radians(23.439 - 4e-7 * days)
    lam, beta = np.radians(longitude), np.radians(latitude)
    x = np.cos(beta) * np.cos(lam)
    y = np.cos(tilt) * np.cos(beta) * np.sin(lam) - np.sin(tilt) * np.sin(beta)
    z = np.sin(tilt) * np.cos(beta) * np.sin(lam) + np.cos(tilt) * np.sin(beta)
    ra = np.degrees(np.arctan2(y, x)) % 360.0
    return Place(np.asarray(ra), np.degrees(np.arcsin(np.clip(z, -1.0, 1.0))))


def separation(a: Place, b: Place) -> Floats:
    """Return the angle between two places, deg."""
    d1, d2 = np.radians(a.dec), np.radians(b.dec)
    cosine = np.sin(d1) * np.sin(d2) + np.cos(d1) * np.cos(d2) * np.cos(np.radians(a.ra - b.ra))
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def altitude(place: Place, sidereal_time: Floats, latitude: float) -> Floats:
    """Return the altitude above the horizon, deg; no refraction."""
    hour_angle, d = np.radians(sidereal_time - place.ra), np.radians(place.dec)
    lat = np.radians(latitude)
    sine = np.sin(lat) * np.sin(d) + np.cos(lat) * np.cos(d) * np.cos(hour_angle)
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0))))


def azimuth(place: Place, sidereal_time: Floats, latitude: float) -> Floats:
    """Return the azimuth from north over east, deg."""
    hour_angle, d = np.radians(sidereal_time - place.ra), np.radians(place.dec)
    lat = np.radians(latitude)
    y = -np.cos(d) * np.sin(hour_angle)
    x = np.sin(d) * np.cos(lat) - np.cos(d) * np.sin(lat) * np.cos(hour_angle)
    return np.asarray(np.degrees(np.arctan2(y, x)) % 360.0)


def illumination(mjd: Floats) -> Floats:
    """Return the share of the Moon's disc that is lit, 0 to 1."""
    return np.asarray(0.5 - 0.5 * np.cos(np.radians(separation(sun(mjd), moon(mjd)))))


def night_bounds(
    evening: Floats, latitude: float, longitude: float, sun_altitude: float
) -> tuple[Floats, Floats]:
    """Return when the Sun sinks below an altitude and rises above it again, MJD.

    Parameters
    ----------
    evening : ndarray, shape (n,)
        MJD at 0 h of the days on which the nights begin.
    latitude, longitude : float
        Degrees, east positive.
    sun_altitude : float
        Degrees, negative.
    """
    midnight = evening + 1.0 - longitude / 360.0
    for _ in range(2):
        low = sidereal(midnight, longitude) - sun(midnight).ra - 180.0
        midnight = midnight - ((low + 180.0) % 360.0 - 180.0) / TURN
    d, lat = np.radians(sun(midnight).dec), np.radians(latitude)
    cosine = (np.sin(np.radians(sun_altitude)) - np.sin(lat) * np.sin(d)) / (
        np.cos(lat) * np.cos(d)
    )
    half = (180.0 - np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))) / 360.0
    return np.asarray(midnight - half), np.asarray(midnight + half)
