"""Point sources of both signs fitted together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.detection.smooth import convolve
from skyassay.pipeline.dia.detect import Peaks
from skyassay.pipeline.dia.options import Options
from skyassay.pipeline.measurement.kernel import COLUMNS, measure_stamps
from skyassay.pipeline.measurement.prepare import Plane
from skyassay.pipeline.psf.model import PER_STEP, PsfModel
from skyassay.pipeline.psf.sweep import sweep

Floats = NDArray[np.float64]
#: Farthest a position may move from its peak, pixel.
MOST_SHIFT = 3.0


@dataclass(eq=False)
class Points:
    """Point sources of one sign; arrays of shape (n,), changed by the fit.

    Attributes
    ----------
    sign : int
        1 or -1.
    column, row : ndarray of int
        Central pixels of the stamps.
    x, y : ndarray
        Position from the central pixel.
    flux : ndarray
        On the image times the sign.
    noise : ndarray
        Standard deviation of a pixel around the source.
    shapes : ndarray, shape (n, 3)
    moved : ndarray of bool
        False where the position could not be fitted.
    """

    sign: int
    column: NDArray[np.int64]
    row: NDArray[np.int64]
    x: Floats
    y: Floats
    flux: Floats
    noise: Floats
    shapes: Floats
    moved: NDArray[np.bool_]


def fit_points(
    plane: Plane, peaks: tuple[Peaks, Peaks], psf: PsfModel, sigma: float, options: Options
) -> tuple[Floats, tuple[Points, Points]]:
    """Return the image without the sources, and the sources of each sign.

    Each sweep fits the bright ones to what the dark ones leave over, then the other way.
    """
    noise = local_noise(plane, sigma)
    groups = _start(peaks[0], psf, noise), _start(peaks[1], psf, noise)
    residual = plane.image.astype(np.float64)
    for turn in range(options.sweeps):
        for points in groups:
            if not len(points.x):
                continue
            if points.sign < 0:
                np.negative(residual, out=residual)
            sweep(
                residual, plane.good, points.noise, points.column, points.row, points.x,
                points.y, points.flux, points.shapes, points.moved, psf.table, PER_STEP,
                psf.bump, psf.half, 3 if turn == 0 else 1, MOST_SHIFT,
            )  # fmt: skip
            if points.sign < 0:
                np.negative(residual, out=residual)
    return residual, groups


def local_noise(plane: Plane, sigma: float) -> NDArray[np.float32]:
    """Return the noise of a pixel, averaged over the PSF's surroundings: the sky's and a host's."""
    reach = int(np.ceil(4.0 * sigma))
    offset = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offset / (2.0 * sigma)) ** 2).astype(np.float32)
    weight = convolve(plane.good.astype(np.float32), kernel)
    total = convolve(np.where(plane.good, plane.variance, np.float32(0.0)), kernel)
    made = np.ones(plane.shape, dtype=np.float32)
    np.divide(total, weight, out=made, where=weight > 0.0)
    # Sums of 32-bit numbers may leave a trace below zero where there is no good pixel.
    return np.asarray(np.sqrt(np.maximum(made, np.float32(1e-6))))


def _start(peaks: Peaks, psf: PsfModel, noise: NDArray[np.float32]) -> Points:
    """Return the peaks as sources without flux, on their pixels."""
    found, n = peaks.found, len(peaks)
    shapes = psf.shapes(found.x, found.y).reshape(-1, 3)
    around = noise[found.y, found.x].astype(np.float64)
    x, y, flux = np.zeros((3, n))
    free = np.ones(n, dtype=np.bool_)
    return Points(peaks.sign, found.x, found.y, x, y, flux, around, shapes, free)


def stamp_columns(
    plane: Plane, residual: Floats, points: Points, psf: PsfModel
) -> tuple[dict[str, Floats], NDArray[np.bool_]]:
    """Return the columns of the measurement kernel, and whose moments converged.

    Fluxes are those of the image times the sign.
    """
    n = len(points.x)
    out, shaped = np.empty((n, len(COLUMNS))), np.zeros(n, dtype=np.bool_)
    if n:
        measure_stamps(
            points.sign * residual, np.float32(points.sign) * plane.image, plane.variance,
            plane.good, points.noise, points.column, points.row, points.x, points.y,
            points.flux, np.zeros(n, dtype=np.bool_), points.shapes, psf.table, PER_STEP,
            psf.bump, psf.half, out, shaped,
        )  # fmt: skip
    return {name: out[:, k] for k, name in enumerate(COLUMNS)}, shaped
