"""Places in galaxies that follow their light, and which galaxies have what in them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from skyassay.simulator.exposure.field import PixelSky
from skyassay.simulator.exposure.mixtures import DE_VAUCOULEURS, EXPONENTIAL, Mixture
from skyassay.simulator.geometry import basis, to_sky

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
#: Half-light radii beyond which nothing is put.
REACH = 6.0
#: Transients of a galaxy go as 10 to minus this times its magnitude.
_LIGHT = 0.2


def host_share(galaxy: Table, sky: PixelSky) -> Floats:
    """Return how often galaxies have a transient, over the mean of their population.

    As the root of the i light: of the brighter galaxies most are nearer, not larger. Counts per
    magnitude grow as 10^(slope i) between the population's limits.
    """
    s, low, high = sky.galaxy_slope, sky.galaxy_bright, sky.galaxy_faint

    def integral(power: float) -> float:
        return float((10.0 ** (power * high) - 10.0 ** (power * low)) / power)

    mean = integral(s - _LIGHT) / integral(s)
    return np.asarray(10.0 ** (-_LIGHT * galaxy["i_mag"]) / mean)


def offsets(galaxy: Table, u: Floats) -> tuple[Floats, Floats]:
    """Return offsets (east, north) from the middles of galaxies, arcsec.

    Their distribution is that of the light, as images show it: bulge and disc, each a sum of
    Gaussians, with the galaxy's shape; cut off at `REACH` half-light radii.

    Parameters
    ----------
    galaxy : dict
        Rows of `truth_galaxy`.
    u : ndarray, shape (4, n)
        Uniform variates.
    """
    bulge = u[0] < galaxy["bulgeFraction"]
    sigma = np.where(bulge, _sigma(DE_VAUCOULEURS, u[1]), _sigma(EXPONENTIAL, u[1]))
    # Rayleigh's law of the distance, without what lies beyond the reach.
    far = 1.0 - np.exp(-0.5 * (REACH / sigma) ** 2)
    rho = sigma * np.sqrt(-2.0 * np.log1p(-u[2] * far)) * galaxy["effectiveRadius"]
    return placed(galaxy, rho, 2.0 * np.pi * u[3])


def placed(galaxy: Table, rho: Floats, angle: Floats) -> tuple[Floats, Floats]:
    """Return offsets (east, north) of a place on a circle that takes the galaxy's shape."""
    a, b = rho * np.cos(angle), rho * np.sin(angle)
    g1, g2 = galaxy["ellipticity1"], galaxy["ellipticity2"]
    norm = 1.0 / np.sqrt(1.0 - g1 * g1 - g2 * g2)
    return norm * ((1.0 + g1) * a + g2 * b), norm * (g2 * a + (1.0 - g1) * b)


def _sigma(mixture: Mixture, u: Floats) -> Floats:
    # What lies beyond the reach is left out, of each component its own part.
    share = np.cumsum(-mixture.share * np.expm1(-0.5 * (REACH / mixture.sigma) ** 2))
    chosen = np.searchsorted(share / share[-1], u)
    return np.asarray(mixture.sigma[np.minimum(chosen, mixture.sigma.size - 1)])


def moved(ra: Floats, dec: Floats, east: Floats, north: Floats) -> tuple[Floats, Floats]:
    """Return positions in degrees of places in the tangent planes of others (offset arcsec)."""
    p, e, n = basis(ra, dec)
    x, y = np.radians(east / 3600.0), np.radians(north / 3600.0)
    return to_sky(*(p[k] + x * e[k] + y * n[k] for k in range(3)))


def normal(u: Floats) -> Floats:
    """Return normal variates of uniform ones."""
    return np.asarray(ndtri(u))
