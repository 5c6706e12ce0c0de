"""Sums of an image along all lines, and the offsets of a line's pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.measurement.compiled import compiled


@compiled
def line_sums(
    values: NDArray[np.float32],
    there: NDArray[np.bool_],
    angles: NDArray[np.float64],
    total: NDArray[np.float64],
    count: NDArray[np.int64],
) -> None:
    """Fill sum and number of cells of every line (a Radon transform by nearest cells).

    Parameters
    ----------
    values, there : ndarray, shape (ny, nx)
        Cells, and which of them count.
    angles : ndarray, shape (n_angles,)
        Direction of the normal of the line from the x axis, radians.
    total, count : ndarray, shape (n_angles, n_offsets)
        Zeros. The line of offset j has x cos + y sin = j - n_offsets // 2, from the middle
        of the cells.
    """
    ny, nx = values.shape
    middle = total.shape[1] // 2
    for k in range(len(angles)):
        cosine, sine = np.cos(angles[k]), np.sin(angles[k])
        for j in range(ny):
            base = (j - 0.5 * (ny - 1)) * sine - 0.5 * (nx - 1) * cosine + middle + 0.5
            for i in range(nx):
                if there[j, i]:
                    at = int(base + i * cosine)
                    total[k, at] += values[j, i]
                    count[k, at] += 1


@compiled
def band_sums(
    image: NDArray[np.float32],
    variance: NDArray[np.float32],
    good: NDArray[np.bool_],
    cosine: float,
    sine: float,
    offset: float,
    tilt: float,
    most: float,
    chunk: float,
    total: NDArray[np.float64],
    count: NDArray[np.float64],
) -> None:
    """Fill sums of the bounded signal-to-noise of pixels by place along and across a line.

    The line has x cos + y sin = offset + tilt s from the middle of the image, s along it.

    Parameters
    ----------
    most : float
        Bound of a pixel's signal-to-noise: no star outweighs a line.
    chunk : float
        Length of a part of the line, pixel.
    total, count : ndarray, shape (n_chunks, 2 reach + 1)
        Zeros; one pixel across per column.
    """
    ny, nx = image.shape
    chunks, reach = total.shape[0], total.shape[1] // 2
    for j in range(ny):
        v = j - 0.5 * (ny - 1)
        for i in range(nx):
            u = i - 0.5 * (nx - 1)
            s = -u * sine + v * cosine
            d = u * cosine + v * sine - offset - tilt * s
            if abs(d) > reach + 0.5 or not good[j, i]:
                continue
            row, column = int(s / chunk + 0.5 * chunks), int(d + reach + 0.5)
            if 0 <= row < chunks and 0 <= column <= 2 * reach:
                z = image[j, i] / np.sqrt(variance[j, i])
                total[row, column] += min(max(z, -most), most)
                count[row, column] += 1.0
