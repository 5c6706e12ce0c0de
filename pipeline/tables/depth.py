"""Depth and effective exposure time of an image from its own numbers."""

from __future__ import annotations

import numpy as np

#: Fiducial conditions: zero point of one second (mag), dark sky (mag/arcsec^2) and image size at
#: the zenith (FWHM, arcsec), of SMTN-002 rounded.
ZERO_POINT = {"u": 26.52, "g": 28.51, "r": 28.36, "i": 28.17, "z": 27.78, "y": 26.82}
DARK_SKY = {"u": 23.05, "g": 22.25, "r": 21.20, "i": 20.46, "z": 19.61, "y": 18.60}
FWHM = {"u": 0.92, "g": 0.87, "r": 0.83, "i": 0.80, "z": 0.78, "y": 0.76}
SIGMAS = 5.0
TO_FWHM = float(np.sqrt(8.0 * np.log(2.0)))


def limiting_magnitude(zero_point: float, psf_area: float, sky_noise: float) -> float:
    """Return the magnitude of a star with S/N 5.

    Solves S / sqrt(S + A n^2) = 5 for the flux S in electrons, where A is the effective area of
    the PSF (pixels) and n the noise of the sky (electrons), as SMTN-016 does; NaN where
    an input is not positive and finite.
    """
    if not (np.isfinite(zero_point) and psf_area > 0.0 and sky_noise > 0.0):
        return float("nan")
    half = SIGMAS**2 / 2.0
    flux = half + np.sqrt(half**2 + SIGMAS**2 * psf_area * sky_noise**2)
    return float(zero_point - 2.5 * np.log10(flux))


def effective_time(
    band: str,
    exposure: float,
    zero_point: float,
    psf_sigma: float,
    sky: float,
    pixel_scale: float,
) -> dict[str, float]:
    """Return the effective exposure time and its three factors.

    Parameters
    ----------
    band : str
    exposure : float
        Seconds.
    zero_point : float
        Magnitude of one electron in the whole exposure.
    psf_sigma : float
        Pixels.
    sky : float
        Electrons per pixel in the whole exposure.
    pixel_scale : float
        arcsec.
    """
    fiducial_sigma = FWHM[band] / TO_FWHM / pixel_scale
    fiducial_zero = ZERO_POINT[band] + 2.5 * np.log10(exposure)
    fiducial_sky = 10.0 ** (0.4 * (fiducial_zero - DARK_SKY[band])) * pixel_scale**2
    with np.errstate(divide="ignore", invalid="ignore"):
        size = float(np.float64(fiducial_sigma / np.float64(psf_sigma)) ** 2)
        dark = float(np.float64(fiducial_sky) / np.float64(sky))
        through = float(10.0 ** ((zero_point - fiducial_zero) / 1.25))
    return {
        "effTimePsfSigmaScale": size,
        "effTimeSkyBgScale": dark,
        "effTimeZeroPointScale": through,
        "effTime": exposure * size * dark * through,
    }
