"""The radial profile of the PSF as a sum of Gaussians with positive shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from skyassay.pipeline.measurement.errors import MeasurementError

if TYPE_CHECKING:
    from skyassay.pipeline.psf.fit import Placed

#: Widths of the Gaussians in units of the shape. Steps of a fifth follow a double Gaussian of
#: any widths to 0.2 % of its peak, steps of a third to 0.5 %.
WIDTHS = np.array([0.55, 0.66, 0.8, 0.9, 1.0, 1.2, 1.45, 1.75, 2.1, 2.5, 3.0, 3.6, 4.3])


def fit_shares(
    stamps: NDArray[np.float64],
    usable: NDArray[np.bool_],
    shapes: NDArray[np.float64],
    placed: Placed,
    noise: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the shares of the Gaussians, which sum to one, shape (n_widths,).

    Parameters
    ----------
    stamps, usable : ndarray, shape (n, side, side)
        Stars, electrons without the sky, and which pixels count.
    shapes : ndarray, shape (n, 3)
        Second moments xx, xy, yy of the profile at each star, pixel**2.
    placed : Placed
        Flux and position of the stars.
    noise : ndarray, shape (n,)
        Standard deviation of the sky, electrons.

    Raises
    ------
    MeasurementError
        `psf_fit_failed` when no share is positive.
    """
    side = stamps.shape[1]
    offset = np.arange(side) - side // 2
    u = offset[None, None, :] - placed.x[:, None, None]
    v = offset[None, :, None] - placed.y[:, None, None]
    xx, xy, yy = (shapes[:, k, None, None] for k in range(3))
    det = xx * yy - xy * xy
    q = (yy * u * u - 2.0 * xy * u * v + xx * v * v) / det
    flux = placed.flux[:, None, None]
    square = WIDTHS[:, None, None, None] ** 2
    drawn = np.exp(-0.5 * q / square) / (2.0 * np.pi * square * np.sqrt(det)) * flux
    # The variance a round Gaussian would have: weights must not follow the noise.
    expected = noise[:, None, None] ** 2 + np.maximum(drawn[WIDTHS == 1.0][0], 0.0)
    weight = np.where(usable & (flux > 0.0), 1.0 / np.sqrt(expected), 0.0).ravel()
    design = drawn.reshape(len(WIDTHS), -1) * weight
    normal, target = design @ design.T, design @ (stamps.ravel() * weight)
    if not (np.isfinite(normal).all() and np.trace(normal) > 0.0):
        raise MeasurementError(
            "No usable pixel is left for the profile of the PSF.",
            code="psf_fit_failed",
            hint="Look at the PSF stars: too few, too faint or not stars.",
        )
    values, vectors = np.linalg.eigh(normal)
    root = np.sqrt(np.maximum(values, values[-1] * 1e-12))
    shares, _ = nnls((vectors * root).T, (vectors / root).T @ target)
    if not shares.sum() > 0.0:
        raise MeasurementError(
            "The PSF stars have no positive profile.",
            code="psf_fit_failed",
            hint="Look at the PSF stars: too few, too faint or not stars.",
        )
    made: NDArray[np.float64] = shares / shares.sum()
    return made
