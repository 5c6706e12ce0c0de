"""The PSF drawn on a stamp, with its slopes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.measurement.compiled import compiled


@compiled
def render(
    table: NDArray[np.float64],
    per_step: float,
    bump: NDArray[np.float64],
    shape: NDArray[np.float64],
    dx: float,
    dy: float,
    values: NDArray[np.float64],
    slope_x: NDArray[np.float64],
    slope_y: NDArray[np.float64],
) -> None:
    """Fill values and their derivatives by the position of the star.

    Parameters
    ----------
    table : ndarray
        Radial profile over q, the squared radius in units of the shape; its integral over
        the plane of unit shape is one.
    per_step : float
        Entries of the table per unit of q.
    bump : ndarray, shape (2 r + 1, 2 r + 1)
        Added on the pixel grid of a centred star, linear between its nodes.
    shape : ndarray, shape (3,)
        xx, xy, yy: the second moments of the profile, pixel**2.
    dx, dy : float
        Position of the star from the central pixel of the stamp.
    values, slope_x, slope_y : ndarray, shape (2 h + 1, 2 h + 1)
    """
    half, r = values.shape[0] // 2, bump.shape[0] // 2
    det = shape[0] * shape[2] - shape[1] * shape[1]
    a, b, c = shape[2] / det, -shape[1] / det, shape[0] / det
    scale, last = 1.0 / np.sqrt(det), len(table) - 2
    for j in range(values.shape[0]):
        v = j - half - dy
        for i in range(values.shape[1]):
            u = i - half - dx
            t = (a * u * u + 2.0 * b * u * v + c * v * v) * per_step
            k = int(t)
            if k > last:
                values[j, i] = slope_x[j, i] = slope_y[j, i] = 0.0
                continue
            step = table[k + 1] - table[k]
            values[j, i] = scale * (table[k] + (t - k) * step)
            down = -2.0 * scale * step * per_step
            slope_x[j, i] = down * (a * u + b * v)
            slope_y[j, i] = down * (b * u + c * v)
            if -r < u < r and -r < v < r:
                col, row = int(np.floor(u)) + r, int(np.floor(v)) + r
                f, g = u + r - col, v + r - row
                low = (1.0 - f) * bump[row, col] + f * bump[row, col + 1]
                high = (1.0 - f) * bump[row + 1, col] + f * bump[row + 1, col + 1]
                values[j, i] += (1.0 - g) * low + g * high
