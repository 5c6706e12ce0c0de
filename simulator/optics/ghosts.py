"""Ghosts: light of bright stars that lenses and sensors reflect, out of focus."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Radii of the doughnut, arcsec: the image of the pupil with its central hole.
OUTER, INNER = 75.0, 46.0
#: The ghost stands here relative to its star's distance from the centre of the field.
REFLECTED = 0.985
#: Width of its edge, arcsec.
_EDGE = 1.5
#: Fainter doughnuts than this, electrons per pixel, are not drawn.
_FAINTEST = 1e-4


def ghosts(
    x: Floats, y: Floats, star_x: Floats, star_y: Floats, electrons: Floats, pixel: float
) -> Floats:
    """Return electrons per pixel of the ghosts of stars.

    Parameters
    ----------
    x, y : ndarray, any shape
        Focal plane places, degrees.
    star_x, star_y : ndarray, shape (n,)
        Of the stars, degrees.
    electrons : ndarray, shape (n,)
        Light in the ghost of each star.
    pixel : float
        arcsec.
    """
    area = np.pi * (OUTER**2 - INNER**2) / pixel**2
    light = np.zeros(np.broadcast(x, y).shape)
    gx, gy = REFLECTED * star_x, REFLECTED * star_y
    reach = (OUTER + 4.0 * _EDGE) / 3600.0
    drawn = electrons / area >= _FAINTEST
    drawn &= (gx > x.min() - reach) & (gx < x.max() + reach)
    drawn &= (gy > y.min() - reach) & (gy < y.max() + reach)
    for k in np.flatnonzero(drawn):
        flux = electrons[k] / area
        radius = 3600.0 * np.hypot(x - gx[k], y - gy[k])
        inside = 0.5 * (np.tanh((OUTER - radius) / _EDGE) + np.tanh((radius - INNER) / _EDGE))
        light += flux * np.clip(inside, 0.0, None)
    return light
