"""Observing conditions and the depth that follows from them.

Conditions are functions of uniform variates: the cadence feeds them random numbers, the
nominal population an even set of nodes, so both are one distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.population import Conditions as Nodes

Floats = NDArray[np.float64]
#: Ivezic et al. (2019), table 2: depth constant, dark sky (mag/arcsec^2), extinction per
#: airmass, and effective seeing at the zenith (arcsec).
DEPTH = {"u": 23.09, "g": 24.42, "r": 24.44, "i": 24.32, "z": 24.16, "y": 23.73}
DARK_SKY = {"u": 22.99, "g": 22.26, "r": 21.20, "i": 20.48, "z": 19.60, "y": 18.61}
EXTINCTION = {"u": 0.491, "g": 0.213, "r": 0.126, "i": 0.096, "z": 0.069, "y": 0.170}
ZENITH_SEEING = {"u": 0.92, "g": 0.87, "r": 0.83, "i": 0.80, "z": 0.78, "y": 0.76}
#: How much a full moon brightens the sky, mag/arcsec^2.
MOON = {"u": 1.2, "g": 0.9, "r": 0.5, "i": 0.3, "z": 0.15, "y": 0.05}
#: The twin's telescope is this much deeper than Rubin's table, mag.
DEPTH_MARGIN = 0.3
EXPOSURE = 30.0
MAX_AIRMASS = 2.5


@dataclass(frozen=True)
class Site:
    """Where the telescope stands and when it looks.

    Attributes
    ----------
    latitude : float
        Degrees.
    hour_angle : float
        Visits are spread over plus and minus this hour angle, hours.
    cloudy_share : float
        Share of nights with thin cloud; its extinction is exponential.
    cloud_mag : float
        Mean extinction by thin cloud.
    """

    latitude: float = -30.2446
    hour_angle: float = 2.0
    cloudy_share: float = 0.3
    cloud_mag: float = 0.1


@dataclass(frozen=True, eq=False)
class Conditions:
    """Conditions of visits, arrays of one shape: arcsec, mag/arcsec^2, mag."""

    airmass: Floats
    seeing: Floats
    sky: Floats
    extinction: Floats
    m5: Floats


def airmass(site: Site, dec: Floats, hour_angle: Floats) -> Floats:
    """Return the plane-parallel airmass of `dec` (deg) at `hour_angle` (h).

    Raises
    ------
    SimulatorError
        ``field_too_low`` beyond airmass 2.5.
    """
    lat, d, h = np.radians(site.latitude), np.radians(dec), np.radians(15.0 * hour_angle)
    sine = np.sin(lat) * np.sin(d) + np.cos(lat) * np.cos(d) * np.cos(h)
    if np.any(sine * MAX_AIRMASS < 1.0):
        raise SimulatorError(
            f"A field at declination {np.min(np.atleast_1d(dec)):.1f} does not rise above "
            f"airmass {MAX_AIRMASS} at latitude {site.latitude:.1f}.",
            code="field_too_low",
            hint="Move the field or the site, or observe closer to the meridian.",
            exit_code=4,
        )
    return np.asarray(1.0 / sine)


def conditions(
    site: Site, bands: NDArray[np.str_], dec: Floats, night: Floats, visit: Floats
) -> Conditions:
    """Return the conditions of visits.

    Parameters
    ----------
    site : Site
    bands : ndarray of str, shape (v,)
    dec : ndarray, shape (v,)
        Degrees.
    night : ndarray, shape (3, v)
        Uniform variates shared by a night: seeing, cloud, moon (fraction illuminated).
    visit : ndarray, shape (4, v)
        Uniform variates of the visit: seeing, cloud, sky, hour angle.
    """

    def per_band(table: dict[str, float]) -> Floats:
        return np.array([table[str(b)] for b in bands])

    x = airmass(site, dec, (2.0 * visit[3] - 1.0) * site.hour_angle)
    spread = 0.12 * ndtri(night[0]) + 0.08 * ndtri(visit[0])
    seeing = per_band(ZENITH_SEEING) * x**0.6 * np.exp(spread)
    sky = per_band(DARK_SKY) - per_band(MOON) * night[2] + 0.08 * ndtri(visit[2])
    cloudy = night[1] < site.cloudy_share
    extinction = np.where(cloudy, -site.cloud_mag * np.log1p(-visit[1]), 0.0)
    # Ivezic et al. (2019), eq. 6, less the cloud.
    m5 = per_band(DEPTH) + DEPTH_MARGIN + 0.5 * (sky - 21.0) + 2.5 * np.log10(0.7 / seeing)
    m5 += 1.25 * np.log10(EXPOSURE / 30.0) - per_band(EXTINCTION) * (x - 1.0) - extinction
    return Conditions(x, seeing, sky, extinction, m5)


def condition_nodes(site: Site, band: str, dec: float, count: int = 256) -> Nodes:
    """Return evenly spread conditions of a band: the nodes of the nominal population."""
    # An additive recurrence with the square roots of primes fills the cube evenly.
    steps = np.sqrt([2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0])[:, None]
    u = np.mod(0.5 + steps * np.arange(1, count + 1), 1.0)
    found = conditions(site, np.full(count, band), np.full(count, dec), u[:3], u[3:])
    return Nodes(found.m5, found.seeing)
