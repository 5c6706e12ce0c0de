"""Electrons of a magnitude and of the sky, so that a visit is as deep as its conditions say."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.optimize import brentq

from skyassay.simulator.conditions import DARK_SKY, DEPTH, DEPTH_MARGIN, EXTINCTION
from skyassay.simulator.errors import SimulatorError

#: Effective width in pixels -> square root of the effective number of pixels (LPM-17).
_WIDTH = 0.663
#: Electrons of noise in a pixel without light: the camera's nominal one.
READ_NOISE = 6.0
PIXEL = 0.2
_STANDARD_SEEING = 0.7


def noise_pixels(seeing: float, pixel: float = PIXEL) -> float:
    """Return the effective number of pixels of a PSF of effective width `seeing`, arcsec."""
    return float((seeing / _WIDTH / pixel) ** 2)


def depth(zero_point: float, sky: float, seeing: float, pixel: float = PIXEL) -> float:
    """Return the magnitude whose PSF flux has S/N 5 in the noise of the background.

    Parameters
    ----------
    zero_point : float
        Magnitude of one electron in the exposure.
    sky : float
        Electrons per pixel.
    seeing, pixel : float
        arcsec.
    """
    noise = np.sqrt(noise_pixels(seeing, pixel) * (sky + READ_NOISE**2))
    return float(zero_point - 2.5 * np.log10(5.0 * noise))


@cache
def standard_zero_point(band: str) -> float:
    """Return the magnitude of one electron in 30 s at the zenith of a clear sky.

    It is such that under the dark sky the depth is that of Ivezic et al. (2019), eq. 6, plus
    `DEPTH_MARGIN`, with the noise of reading.
    """
    sky = DARK_SKY[band]
    wanted = DEPTH[band] + DEPTH_MARGIN + 0.5 * (sky - 21.0)

    def excess(zero_point: float) -> float:
        electrons = 10.0 ** (-0.4 * (sky - zero_point)) * PIXEL**2
        return depth(zero_point, electrons, _STANDARD_SEEING) - wanted

    return float(brentq(excess, 20.0, 40.0, xtol=1e-12))


def zero_point(band: str, airmass: float, extinction: float, throughput: float = 0.0) -> float:
    """Return the zero point of an exposure: airmass and cloud dim, `throughput` adds, mag."""
    dimmed = EXTINCTION[band] * (airmass - 1.0) + extinction
    return standard_zero_point(band) - dimmed + throughput


def sky_electrons(m5: float, zero: float, seeing: float, pixel: float = PIXEL) -> float:
    """Return the electrons of sky per pixel with which an exposure is as deep as `m5`.

    Raises
    ------
    SimulatorError
        ``too_deep`` where the noise of reading alone makes it shallower.
    """
    five = 10.0 ** (-0.4 * (m5 - zero))
    sky = (five / 5.0) ** 2 / noise_pixels(seeing, pixel) - READ_NOISE**2
    if not sky > 0.0:
        raise SimulatorError(
            f"No sky is dark enough for a depth of {m5:.2f} mag at zero point {zero:.2f}.",
            code="too_deep",
            hint="The noise of reading alone makes the exposure shallower.",
        )
    return float(sky)


def sky_brightness(sky: float, zero: float, pixel: float = PIXEL) -> float:
    """Return the sky on the scale of the exposure's zero point, mag/arcsec^2."""
    return float(zero - 2.5 * np.log10(sky / pixel**2))
