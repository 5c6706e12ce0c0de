"""The PSF of a difference image: that of the science image through the same filters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from skyassay.pipeline.psf.model import PsfModel
from skyassay.pipeline.psf.refit import OFFSETS, refitted

Floats = NDArray[np.float64]


def filtered_psf(psf: PsfModel, response: Floats) -> PsfModel:
    """Return the PSF convolved with a kernel that is the same all over the detector.

    The filtered star is drawn, and the model is fitted to it: so the flux with the new model is
    that of the old one before the filter.

    Parameters
    ----------
    psf : PsfModel
    response : ndarray, shape (n, n)
        The filter, its centre at pixel [0, 0]; sums to one.
    """
    x, y = (psf.shape[1] - 1) / 2.0, (psf.shape[0] - 1) / 2.0
    big = replace(psf, half=min(24, response.shape[0] // 2 - 1))
    shape = big.shapes(x, y)[0]
    wanted = {
        (dx, dy): _filtered(big.draw(shape, dx, dy), response) for dx in OFFSETS for dy in OFFSETS
    }
    return replace(refitted(big, big.draw(shape, 0.0, 0.0), wanted), half=psf.half)


def _filtered(stamp: Floats, response: Floats) -> Floats:
    """Return a stamp convolved with the response, of unit sum before."""
    n, side = response.shape[0], stamp.shape[0]
    wide = np.zeros((n, n))
    size = min(n, side)
    wide[:size, :size] = stamp[:size, :size] / stamp.sum()
    made = fft.irfft2(fft.rfft2(wide) * fft.rfft2(response.astype(np.float64)), s=(n, n))
    return np.asarray(made[:side, :side])
