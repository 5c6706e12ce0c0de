"""The PSF of a difference image: that of the science image through the same filters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from skyassay.pipeline.measurement.moments import adaptive_moments
from skyassay.pipeline.psf.model import PsfModel

Floats = NDArray[np.float64]
#: Places of the star in its pixel at which the new profile is fitted.
OFFSETS = (-0.4, 0.0, 0.4)
#: Weight that keeps the shares small, relative to the strongest term.
RIDGE = 1e-5
#: Rounds of shape and profile.
ROUNDS = 2


def filtered_psf(psf: PsfModel, response: Floats) -> PsfModel:
    """Return the PSF convolved with a kernel that is the same all over the detector.

    The filtered star is drawn, and the model is fitted to it: its shape moves by what the
    filter does to the moments, the shares of its Gaussians (any sign) follow the profile, and
    the correction on the pixel grid takes what is left. So the flux with the new model is
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
    start = _moments(big.draw(shape, 0.0, 0.0), shape)
    change = _moments(wanted[(0.0, 0.0)], shape) - start
    made = replace(big, coefficients=_moved(psf.coefficients, change))
    for _ in range(ROUNDS):
        made = _profiled(made, x, y, wanted)
        off = _moments(wanted[(0.0, 0.0)], shape) - _moments(
            made.draw(made.shapes(x, y)[0], 0.0, 0.0), shape
        )
        made = replace(made, coefficients=_moved(made.coefficients, off))
    made = _profiled(made, x, y, wanted)
    return replace(made, bump=_bump(made, x, y, wanted), half=psf.half)


def _moved(coefficients: Floats, change: Floats) -> Floats:
    """Return polynomials of the shape with another constant term."""
    made = coefficients.copy()
    made[0] += change
    return made


def _filtered(stamp: Floats, response: Floats) -> Floats:
    """Return a stamp convolved with the response, of unit sum before."""
    n, side = response.shape[0], stamp.shape[0]
    wide = np.zeros((n, n))
    size = min(n, side)
    wide[:size, :size] = stamp[:size, :size] / stamp.sum()
    made = fft.irfft2(fft.rfft2(wide) * fft.rfft2(response.astype(np.float64)), s=(n, n))
    return np.asarray(made[:side, :side])


def _moments(stamp: Floats, shape: Floats) -> Floats:
    """Return adaptive moments xx, xy, yy of a centred stamp."""
    out, good = np.empty(6), np.ones(stamp.shape, dtype=np.bool_)
    half = stamp.shape[0] // 2
    if not adaptive_moments(stamp, good, half, half, float(shape[::2].mean()), 2.0, out):
        return np.zeros(3)
    return out[2:5].copy()


def _profiled(
    psf: PsfModel, x: float, y: float, wanted: dict[tuple[float, float], Floats]
) -> PsfModel:
    """Return the model with the shares that draw the wanted stamps best."""
    shape = psf.shapes(x, y)[0]
    parts = [_gaussians(psf, shape, *at) for at in wanted]
    design = np.concatenate(parts, axis=1)
    target = np.concatenate([stamp.ravel() for stamp in wanted.values()])
    normal = design @ design.T
    ridge = RIDGE * np.trace(normal) / len(normal) * np.eye(len(normal))
    # Towards the old shares: what the stamps do not decide stays.
    rest = design @ (target - psf.shares @ design)
    shares = psf.shares + np.linalg.solve(normal + ridge, rest)
    return replace(psf, shares=shares, bump=np.zeros((1, 1)))


def _gaussians(psf: PsfModel, shape: Floats, dx: float, dy: float) -> Floats:
    """Return stamps of every Gaussian of the model, shape (n_gaussians, n_pixels)."""
    offset = np.arange(-psf.half, psf.half + 1)
    u, v = offset[None, :] - dx, offset[:, None] - dy
    det = shape[0] * shape[2] - shape[1] ** 2
    q = ((shape[2] * u * u - 2.0 * shape[1] * u * v + shape[0] * v * v) / det).ravel()
    square = psf.widths[:, None] ** 2
    return np.asarray(np.exp(-0.5 * q / square) / (2.0 * np.pi * square * np.sqrt(det)))


def _bump(psf: PsfModel, x: float, y: float, wanted: dict[tuple[float, float], Floats]) -> Floats:
    """Return what the Gaussians leave over of the centred star, zero at its border."""
    shape = psf.shapes(x, y)[0]
    rest = wanted[(0.0, 0.0)] - psf.draw(shape, 0.0, 0.0)
    r = min(int(np.ceil(4.0 * np.sqrt(shape[::2].mean()))), psf.half - 2)
    made = rest[psf.half - r : psf.half + r + 1, psf.half - r : psf.half + r + 1].copy()
    made[[0, -1], :] = 0.0
    made[:, [0, -1]] = 0.0
    return made
