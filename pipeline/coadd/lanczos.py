"""Resampling with a Lanczos-3 window from a table of weights."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.measurement.compiled import compiled

Pixels = NDArray[np.float32]
Floats = NDArray[np.float64]
#: Phases of the table: a position is off by at most half of one, 0.0005 pixel.
PHASES = 1024
#: Input pixels on each side of an output one.
REACH = 3


@cache
def table() -> Pixels:
    """Return the weights of six pixels at offsets -2..3 from the floor, shape (PHASES + 1, 6).

    sinc(x) sinc(x / 3), normalised to sum one: a constant stays one.
    """
    phase = np.arange(PHASES + 1)[:, None] / PHASES
    at = phase - np.arange(-REACH + 1, REACH + 1)[None, :]
    weights = np.where(np.abs(at) < REACH, np.sinc(at) * np.sinc(at / REACH), 0.0)
    made: Pixels = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    made.flags.writeable = False
    return made


@compiled
def resample(
    image: Pixels,
    variance: Pixels,
    mask: NDArray[np.int32],
    grid: Floats,
    step: int,
    weights: Pixels,
    no_data: int,
    out_image: Pixels,
    out_variance: Pixels,
    out_mask: NDArray[np.int32],
) -> int:
    """Fill the outputs; return how many of their pixels lie in the input.

    The variance is that of the nearest pixel, not that with the squared weights: the noise of
    an output pixel is less, but it is correlated with its neighbours', and their power below
    the cut-off of the window, where the PSF lives, is that of the input.

    Parameters
    ----------
    image, variance, mask : ndarray, shape (ny, nx)
        The input. The mask's bits are taken from the nearest pixel: widen them before.
    grid : ndarray, shape (n_rows, n_columns, 3)
        Input x, y and input area of an output pixel, at every `step` output pixels.
    step : int
    weights : ndarray, shape (PHASES + 1, 6)
    no_data : int
        Bit of pixels outside of the input.
    out_image, out_variance, out_mask : ndarray, shape (n_y, n_x)
    """
    ny, nx = image.shape
    flat, rows = image.reshape(-1), weights.reshape(-1)
    one, two, three = np.uintp(1), np.uintp(2), np.uintp(3)
    four, five, step_down = np.uintp(4), np.uintp(5), np.uintp(nx)
    filled = 0
    for j in range(out_image.shape[0]):
        row = j // step
        v = (j - row * step) / step
        for cell in range((out_image.shape[1] + step - 1) // step):
            x0 = (1.0 - v) * grid[row, cell, 0] + v * grid[row + 1, cell, 0]
            x1 = (1.0 - v) * grid[row, cell + 1, 0] + v * grid[row + 1, cell + 1, 0]
            y0 = (1.0 - v) * grid[row, cell, 1] + v * grid[row + 1, cell, 1]
            y1 = (1.0 - v) * grid[row, cell + 1, 1] + v * grid[row + 1, cell + 1, 1]
            a0 = (1.0 - v) * grid[row, cell, 2] + v * grid[row + 1, cell, 2]
            a1 = (1.0 - v) * grid[row, cell + 1, 2] + v * grid[row + 1, cell + 1, 2]
            first = cell * step
            for i in range(first, min(first + step, out_image.shape[1])):
                u = (i - first) / step
                x, y = x0 + u * (x1 - x0), y0 + u * (y1 - y0)
                # The comparison is false for NaN as well.
                if not (x >= 2.0 and y >= 2.0 and x < nx - 3.0 and y < ny - 3.0):
                    out_image[j, i] = 0.0
                    out_variance[j, i] = 0.0
                    out_mask[j, i] = no_data
                    continue
                column, line = int(x), int(y)
                px = int((x - column) * (weights.shape[0] - 1) + 0.5)
                py = int((y - line) * (weights.shape[0] - 1) + 0.5)
                area = np.float32(a0 + u * (a1 - a0))
                total = np.float32(0.0)
                # Unsigned: an index that cannot be negative needs no look whether it is.
                at = np.uintp((line - 2) * nx + column - 2)
                w = np.uintp(px * 6)
                for k in range(6):
                    total += rows[py * 6 + k] * (
                        (rows[w] * flat[at] + rows[w + one] * flat[at + one])
                        + (rows[w + two] * flat[at + two] + rows[w + three] * flat[at + three])
                        + (rows[w + four] * flat[at + four] + rows[w + five] * flat[at + five])
                    )
                    at += step_down
                near_x, near_y = int(x + 0.5), int(y + 0.5)
                out_image[j, i] = area * total
                out_variance[j, i] = area * area * variance[near_y, near_x]
                out_mask[j, i] = mask[near_y, near_x]
                filled += 1
    return filled


@compiled
def widen(mask: NDArray[np.int32], reach: int, out: NDArray[np.int32]) -> None:
    """Fill `out` with the bits set within `reach` pixels along both axes."""
    ny, nx = mask.shape
    wide = mask.copy()
    for y in range(ny):
        for x in range(nx):
            if mask[y, x]:
                for i in range(max(0, x - reach), min(nx, x + reach + 1)):
                    wide[y, i] |= mask[y, x]
    out[:] = wide
    for y in range(ny):
        for x in range(nx):
            if wide[y, x]:
                for j in range(max(0, y - reach), min(ny, y + reach + 1)):
                    out[j, x] |= wide[y, x]
