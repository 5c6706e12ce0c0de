"""Fits a PSF model to drawn stars: of a filtered image, of a mean of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.measurement.moments import adaptive_moments
from skyassay.pipeline.psf.model import PsfModel

Floats = NDArray[np.float64]
#: Place of the star in its pixel -> its stamp.
Stamps = Mapping[tuple[float, float], Floats]
#: Places of the star in its pixel at which the profile is fitted.
OFFSETS = (-0.4, 0.0, 0.4)
#: Weight that keeps the shares small, relative to the strongest term.
RIDGE = 1e-5
#: Rounds of shape and profile.
ROUNDS = 2


def refitted(start: PsfModel, before: Floats, wanted: Stamps) -> PsfModel:
    """Return a model that draws the wanted stamps in the middle of the detector.

    Its shape moves by what the moments move, the shares of its Gaussians (any sign) follow the
    profile, and the correction on the pixel grid takes what is left.

    Parameters
    ----------
    start : PsfModel
        With stamps of the size wanted.
    before : ndarray
        Its own centred stamp.
    wanted : mapping
        For all pairs of `OFFSETS`.
    """
    x, y = (start.shape[1] - 1) / 2.0, (start.shape[0] - 1) / 2.0
    shape = start.shapes(x, y)[0]
    change = _moments(wanted[(0.0, 0.0)], shape) - _moments(before, shape)
    made = replace(start, coefficients=_moved(start.coefficients, change))
    for _ in range(ROUNDS):
        made = _profiled(made, x, y, wanted)
        off = _moments(wanted[(0.0, 0.0)], shape) - _moments(
            made.draw(made.shapes(x, y)[0], 0.0, 0.0), shape
        )
        made = replace(made, coefficients=_moved(made.coefficients, off))
    made = _profiled(made, x, y, wanted)
    return replace(made, bump=_bump(made, x, y, wanted))


def _moved(coefficients: Floats, change: Floats) -> Floats:
    """Return polynomials of the shape with another constant term."""
    made = coefficients.copy()
    made[0] += change
    return made


def _moments(stamp: Floats, shape: Floats) -> Floats:
    """Return adaptive moments xx, xy, yy of a centred stamp."""
    out, good = np.empty(6), np.ones(stamp.shape, dtype=np.bool_)
    half = stamp.shape[0] // 2
    if not adaptive_moments(stamp, good, half, half, float(shape[::2].mean()), 2.0, out):
        return np.zeros(3)
    return out[2:5].copy()


def _profiled(psf: PsfModel, x: float, y: float, wanted: Stamps) -> PsfModel:
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


def _bump(psf: PsfModel, x: float, y: float, wanted: Stamps) -> Floats:
    """Return what the Gaussians leave over of the centred star, zero at its border."""
    shape = psf.shapes(x, y)[0]
    rest = wanted[(0.0, 0.0)] - psf.draw(shape, 0.0, 0.0)
    r = min(int(np.ceil(4.0 * np.sqrt(shape[::2].mean()))), psf.half - 2)
    made = rest[psf.half - r : psf.half + r + 1, psf.half - r : psf.half + r + 1].copy()
    made[[0, -1], :] = 0.0
    made[:, [0, -1]] = 0.0
    return made
