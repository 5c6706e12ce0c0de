"""Sums of an image along all lines, and the offsets of a line's pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.measurement.compiled import compiled


@compiled
def cell_sums(
    image: NDArray[np.float32],
    variance: NDArray[np.float32],
    good: NDArray[np.bool_],
    side: int,
    light: NDArray[np.float32],
    spread: NDArray[np.float32],
    area: NDArray[np.float32],
) -> None:
    """Fill sums of image, variance and number of the good pixels in cells of `side` pixels.

    Parameters
    ----------
    image, variance, good : ndarray, shape (ny, nx)
    side : int
    light, spread, area : ndarray, shape (ny // side, nx // side)
        Zeros.
    """
    rows, columns = light.shape
    for j in range(rows * side):
        for i in range(columns * side):
            if good[j, i]:
                light[j // side, i // side] += image[j, i]
                spread[j // side, i // side] += variance[j, i]
                area[j // side, i // side] += np.float32(1.0)


@compiled
def _first(row: int, ny: int, nx: int, cosine: float, sine: float, middle: int) -> float:
    """Return the offset of the first cell of a row, to be rounded down."""
    return (row - 0.5 * (ny - 1)) * sine - 0.5 * (nx - 1) * cosine + middle + 0.5


@compiled
def line_sums(
    values: NDArray[np.float32],
    angles: NDArray[np.float64],
    total: NDArray[np.float64],
) -> None:
    """Fill the sum of the cells of every line (a Radon transform by nearest cells).

    Parameters
    ----------
    values : ndarray, shape (ny, nx)
        Cells; zero where one does not count.
    angles : ndarray, shape (n_angles,)
        Direction of the normal of the line from the x axis, radians.
    total : ndarray, shape (n_angles, n_offsets)
        Zeros. The line of offset j has x cos + y sin = j - n_offsets // 2, from the middle of
        the cells.
    """
    ny, nx = values.shape
    middle = total.shape[1] // 2
    for k in range(len(angles)):
        cosine, sine = np.cos(angles[k]), np.sin(angles[k])
        for j in range(ny):
            base = _first(j, ny, nx, cosine, sine, middle)
            for i in range(nx):
                total[k, int(base + i * cosine)] += values[j, i]


@compiled
def take_from_lines(
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    shape: tuple[int, int],
    angles: NDArray[np.float64],
    count: NDArray[np.int64],
) -> None:
    """Take some cells from the number of cells of every line.

    Parameters
    ----------
    row, column : ndarray, shape (n,)
    shape : tuple of int
        Of all cells.
    angles, count
        As in `line_sums`.
    """
    ny, nx = shape
    middle = count.shape[1] // 2
    for k in range(len(angles)):
        cosine, sine = np.cos(angles[k]), np.sin(angles[k])
        for m in range(len(row)):
            base = _first(row[m], ny, nx, cosine, sine, middle)
            count[k, int(base + column[m] * cosine)] -= 1


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
