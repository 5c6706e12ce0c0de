"""Brightness of the sky: dark sky, airmass, Moon, twilight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.conditions import DARK_SKY
from skyassay.simulator.survey.filters import BANDS

Floats = NDArray[np.float64]
_DARK = np.array([DARK_SKY[b] for b in BANDS])
#: Scattered moonlight over dark sky, by band, where it is one in V.
_MOON_COLOUR = np.array([3.0, 1.6, 0.7, 0.35, 0.13, 0.05])
#: Dark sky in V at the zenith, mag/arcsec2, and extinction in V.
_V_SKY, _V_EXTINCTION = 21.8, 0.12
#: How many mag a degree of sun above -18 deg brightens the sky; bluer bands wait for the dark.
_TWILIGHT = 0.08


def sky_brightness(
    band: NDArray[np.int64],
    airmass: Floats,
    moon_altitude: Floats,
    moon_separation: Floats,
    moon_phase: Floats,
    sun_altitude: Floats,
) -> Floats:
    """Return the brightness of the sky, mag/arcsec2.

    Parameters
    ----------
    band : ndarray of int64, shape (n,)
        Index into "ugrizy".
    airmass : ndarray, shape (n,)
    moon_altitude, moon_separation : ndarray, shape (n,)
        Degrees.
    moon_phase : ndarray, shape (n,)
        Angle Sun-Moon-Earth, deg: 0 for a full Moon.
    sun_altitude : ndarray, shape (n,)
        Degrees.

    Notes
    -----
    Krisciunas and Schaefer (1991), equations 2, 3, 15, 20 and 21, scaled from V to a band.
    """
    k = _V_EXTINCTION
    x = _path(np.arccos(np.clip(1.0 / airmass, 0.0, 1.0)))
    dark = _nanolamberts(np.full(len(airmass), _V_SKY))
    air = x * 10.0 ** (-0.4 * k * (x - 1.0))
    light = 10.0 ** (-0.4 * (3.84 + 0.026 * moon_phase + 4e-9 * moon_phase**4))
    rho = np.radians(moon_separation)
    scatter = 10.0**5.36 * (1.06 + np.cos(rho) ** 2) + 10.0 ** (6.15 - moon_separation / 40.0)
    through = 10.0 ** (-0.4 * k * _path(np.radians(90.0 - np.maximum(moon_altitude, 0.0))))
    moon = light * scatter * through * (1.0 - 10.0 ** (-0.4 * k * x))
    moon = np.where(moon_altitude > 0.0, moon, 0.0)
    brighter = 2.5 * np.log10(air + moon / dark * _MOON_COLOUR[band])
    return np.asarray(_DARK[band] - brighter - _TWILIGHT * np.maximum(sun_altitude + 18.0, 0.0))


def _path(zenith_distance: Floats) -> Floats:
    """Return the scattering path at a zenith distance (rad), 1 at the zenith."""
    return np.asarray(1.0 / np.sqrt(1.0 - 0.96 * np.sin(zenith_distance) ** 2))


def _nanolamberts(v: Floats) -> Floats:
    return np.asarray(34.08 * np.exp(20.7233 - 0.92104 * v))
