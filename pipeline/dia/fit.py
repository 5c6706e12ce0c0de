"""Point sources of both signs fitted together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.dia.detect import Peaks
from skyassay.pipeline.dia.options import Options
from skyassay.pipeline.measurement.compiled import compiled
from skyassay.pipeline.measurement.kernel import COLUMNS, measure_stamps
from skyassay.pipeline.measurement.prepare import Plane
from skyassay.pipeline.psf.model import PER_STEP, PsfModel
from skyassay.pipeline.psf.sweep import sweep

Floats = NDArray[np.float64]
#: Farthest a position may move from its peak, pixel.
MOST_SHIFT = 3.0
#: Half side (in widths of the PSF) of the box that the noise is taken from.
NEAR = 3.0


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
    reach = int(np.ceil(NEAR * sigma))
    groups = _start(peaks[0], psf, plane, reach), _start(peaks[1], psf, plane, reach)
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


def _start(peaks: Peaks, psf: PsfModel, plane: Plane, reach: int) -> Points:
    """Return the peaks as sources without flux, on their pixels."""
    found, n = peaks.found, len(peaks)
    shapes = psf.shapes(found.x, found.y).reshape(-1, 3)
    around = np.empty(n)
    local_noise(plane.variance, plane.good, found.x, found.y, reach, around)
    x, y, flux = np.zeros((3, n))
    free = np.ones(n, dtype=np.bool_)
    return Points(peaks.sign, found.x, found.y, x, y, flux, around, shapes, free)


@compiled
def local_noise(
    variance: NDArray[np.float32],
    good: NDArray[np.bool_],
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    reach: int,
    out: NDArray[np.float64],
) -> None:
    """Fill the noise of a pixel: root of the mean variance of the good pixels of a box.

    It holds the sky's noise and a host's. Without a good pixel it is one.
    """
    ny, nx = variance.shape
    for k in range(len(x)):
        total, n = 0.0, 0
        for j in range(max(y[k] - reach, 0), min(y[k] + reach + 1, ny)):
            for i in range(max(x[k] - reach, 0), min(x[k] + reach + 1, nx)):
                if good[j, i]:
                    total += variance[j, i]
                    n += 1
        out[k] = np.sqrt(total / n) if n > 0 else 1.0


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
