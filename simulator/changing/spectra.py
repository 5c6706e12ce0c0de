"""Fluxes of hot things in the bands: colours of black bodies, redshifted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Effective wavelengths of LSST's filters, nm.
WAVELENGTH = {"u": 367.1, "g": 482.7, "r": 622.3, "i": 754.6, "z": 869.1, "y": 971.2}
#: Rest-frame wavelength at which absolute magnitudes are given, nm.
_ANCHOR = 550.0
#: h c / k, nm K.
_HC_K = 1.438777e7
#: Below this wavelength metals take light: magnitudes per 100 nm.
_BLANKET, _BLANKET_MAG = 350.0, 0.15


def relative_flux(band: str, temperature: Floats, z: Floats, *, metals: bool = False) -> Floats:
    """Return the flux per frequency in a band over that at 550 nm in the rest frame.

    Planck's law at the band's effective wavelength; without the factor 1 + z of the flux.

    Parameters
    ----------
    band : str
    temperature : ndarray, shape (n,)
        K.
    z : ndarray, shape (n,)
        Redshift.
    metals : bool
        Lines of metals dim the ultraviolet.
    """
    rest = WAVELENGTH[band] / (1.0 + z)
    planck = (_ANCHOR / rest) ** 3 * np.expm1(_HC_K / _ANCHOR / temperature)
    planck = planck / np.expm1(_HC_K / rest / temperature)
    if metals:
        lost = _BLANKET_MAG * np.maximum(_BLANKET - rest, 0.0) / 10.0
        planck = planck * 10.0 ** (-0.4 * lost)
    return np.asarray(planck)


def flux_of(mag: Floats) -> Floats:
    """Return nJy of AB magnitudes."""
    return np.asarray(10.0 ** (-0.4 * (np.asarray(mag) - 31.4)))


def mag_of(flux: Floats) -> Floats:
    """Return AB magnitudes of positive nJy."""
    return np.asarray(31.4 - 2.5 * np.log10(flux))
