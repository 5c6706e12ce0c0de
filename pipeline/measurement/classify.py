"""Point-like or extended."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

#: Excess of the trace of the moments over the PSF's that counts as extended, and the relative
#: error of the PSF model's own trace.
EXCESS, MODEL_ERROR = 0.05, 0.01


def extendedness(
    psf: NDArray[np.float64], gaussian: NDArray[np.float64], least_ratio: float
) -> NDArray[np.float64]:
    """Return 1 where the PSF flux falls short of the Gaussian flux, 0 elsewhere.

    Both fluxes are corrected to the same aperture, so a star has a ratio of one. NaN where
    one of them is missing or the Gaussian flux is not positive.
    """
    there = np.isfinite(psf) & np.isfinite(gaussian) & (gaussian > 0.0)
    made = np.full(len(psf), np.nan)
    made[there] = psf[there] < least_ratio * gaussian[there]
    return made


def size_extendedness(
    trace: NDArray[np.float64], psf_trace: NDArray[np.float64], snr: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the probability that ixx + iyy exceeds that of the PSF by 5 %.

    The trace under its matching Gaussian weight has the relative error 2 / snr, that of a
    Gaussian fit in sky noise; to it that of the PSF model is added.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.hypot(2.0 / snr, MODEL_ERROR)
        made: NDArray[np.float64] = ndtr((trace / psf_trace - 1.0 - EXCESS) / error)
    return np.where(snr > 0.0, made, np.nan)
