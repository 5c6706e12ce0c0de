"""How air displaces stars towards the zenith, and blue ones more than red ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Air over the telescope: pressure and water vapour in mm Hg, temperature in Celsius.
PRESSURE, VAPOUR, TEMPERATURE = 545.0, 4.0, 8.0
#: Mean wavelength of the photons of a black body with g - i = 1 in each band, and how much
#: longer it is per magnitude of g - i, nm.
WAVELENGTH: Mapping[str, tuple[float, float]] = {
    "u": (369.5, 3.3),
    "g": (484.5, 9.0),
    "r": (623.5, 4.9),
    "i": (754.4, 2.7),
    "z": (868.9, 1.35),
    "y": (984.3, 1.7),
}
#: Colour at which a star has no refraction by colour.
COLOUR = 1.0


def refractivity(nanometres: Floats) -> Floats:
    """Return n - 1 of the air over the telescope (Filippenko 1982, eqs. 1 to 3)."""
    s = np.square(1e3 / nanometres)
    dry = 64.328 + 29498.1 / (146.0 - s) + 255.4 / (41.0 - s)
    warm = 1.0 + 0.003661 * TEMPERATURE
    dry *= PRESSURE * (1.0 + (1.049 - 0.0157 * TEMPERATURE) * 1e-6 * PRESSURE) / (720.883 * warm)
    return np.asarray(1e-6 * (dry - (0.0624 - 0.000680 * s) / warm * VAPOUR))


def refraction_constant(band: str, colour: Floats, dcr: float = 1.0) -> Floats:
    """Return k, radians: a star at zenith distance z moves by k tan z.

    Parameters
    ----------
    band : str
    colour : ndarray
        g - i, mag.
    dcr : float
        Multiple of the dependence on colour.
    """
    mean, slope = WAVELENGTH[band]
    return refractivity(mean + dcr * slope * (np.asarray(colour, dtype=np.float64) - COLOUR))


def refracted(p: Floats, zenith: Floats, k: Floats) -> Floats:
    """Return unit vectors (3, n) displaced by k tan z towards `zenith` (3,).

    Places below the horizon give NaN.
    """
    cosine = zenith @ p
    cosine = np.where(cosine > 0.0, cosine, np.nan)
    # The unit tangent towards the zenith is (zenith - p cos z) / sin z.
    moved = p + k * (zenith[:, None] / cosine - p)
    return np.asarray(moved / np.sqrt((moved**2).sum(axis=0)))
