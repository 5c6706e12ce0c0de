"""Variance of calibrated pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pixel_variance(
    electrons: NDArray[np.floating],
    read_noise: float | NDArray[np.floating],
    flat: float | NDArray[np.floating] = 1.0,
) -> NDArray[np.float64]:
    """Return ``(max(electrons, 0) + read_noise**2) / flat**2``, electrons^2.

    The Poisson term is the pixel's own count before dark and flat, floored at zero: its
    expectation is the true variance, but it follows the pixel's own noise. Weights 1/variance
    taken pixel by pixel therefore pull a mean down by about one electron per pixel; who weights
    pixels must take the sky's variance or a model's, not each pixel's own.

    Parameters
    ----------
    electrons : ndarray
        All electrons that were read: sky, sources and dark current.
    read_noise : float or ndarray
        Electrons.
    flat : float or ndarray
        Relative response the image is divided by.
    """
    signal = np.maximum(np.asarray(electrons, dtype=np.float64), 0.0)
    return np.asarray((signal + np.asarray(read_noise) ** 2) / np.asarray(flat) ** 2)
