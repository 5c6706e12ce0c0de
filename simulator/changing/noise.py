"""Noise of the flux of a point source on a perfect difference image."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.exposure.visit import TrueVisit
from skyassay.simulator.optics.psf import PsfShape, profile
from skyassay.simulator.optics.throughput import READ_NOISE

Floats = NDArray[np.float64]
#: Half the side of the piece of the image that the noise is summed over, pixels.
_HALF = 14


@cache
def _grid() -> tuple[Floats, Floats]:
    y, x = np.mgrid[-_HALF : _HALF + 1, -_HALF : _HALF + 1].astype(np.float64)
    return x, y


def psf_stamps(visit: TrueVisit, shape: PsfShape, x: Floats, y: Floats) -> Floats:
    """Return images of the PSF about the pixels nearest to places, shape (n, side, side).

    The variance of a pixel is added to that of the Gaussians; each sums to 1 over the plane.
    """
    constants = profile(visit.terms)
    gx, gy = _grid()
    u = gx - (x - np.round(x))[:, None, None]
    v = gy - (y - np.round(y))[:, None, None]
    norm = 1.0 / (1.0 - shape.g1**2 - shape.g2**2)
    sxx = norm * ((1.0 + shape.g1) ** 2 + shape.g2**2)
    syy = norm * ((1.0 - shape.g1) ** 2 + shape.g2**2)
    sxy = norm * 2.0 * shape.g2
    image = np.zeros(u.shape)
    for share, ratio in (
        (constants.core_share, 1.0),
        (1.0 - constants.core_share, constants.width_ratio),
    ):
        variance = np.square(ratio * shape.sigma)
        a, b, c = (
            (variance * s + more)[:, None, None]
            for s, more in ((sxx, 1.0 / 12.0), (sxy, 0.0), (syy, 1.0 / 12.0))
        )
        det = a * c - b * b
        power = (c * u * u - 2.0 * b * u * v + a * v * v) / det
        image += share * np.exp(-0.5 * power) / (2.0 * np.pi * np.sqrt(det))
    return image


def local_light(light: Floats, x: Floats, y: Floats) -> Floats:
    """Return pieces of an image about places, shape (n, side, side); edges go on outwards."""
    row = np.round(y).astype(np.int64)[:, None] + np.arange(-_HALF, _HALF + 1)
    column = np.round(x).astype(np.int64)[:, None] + np.arange(-_HALF, _HALF + 1)
    row = np.clip(row, 0, light.shape[0] - 1)
    column = np.clip(column, 0, light.shape[1] - 1)
    return np.asarray(light[row[:, :, None], column[:, None, :]])


def psf_noise(psf: Floats, light: Floats, response: float) -> Floats:
    """Return the standard deviation of PSF fluxes of points, electrons of response 1.

    The flux is sum(P d) / sum(P^2), the best one where the background decides; its variance
    sum(P^2 V) / sum(P^2)^2, with V from all light in the exposure and from reading. Nothing in
    it is from a template.

    Parameters
    ----------
    psf, light : ndarray, shape (n, side, side)
        PSF, and expected electrons per pixel of response 1 with the point itself.
    response : float
        Mean response of the detector.
    """
    square = np.square(psf)
    variance = response * light + READ_NOISE**2
    return np.asarray(
        np.sqrt((square * variance).sum(axis=(1, 2))) / square.sum(axis=(1, 2)) / response
    )
