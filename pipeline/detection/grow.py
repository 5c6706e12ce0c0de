"""Masks widened by a number of pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.measurement.compiled import compiled


def grow(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Return which pixels lie within `reach` pixels of a set one along both axes.

    Parameters
    ----------
    mask : ndarray of bool, shape (ny, nx)
    reach : int
        Pixel; 0 gives the mask itself.
    """
    made = np.empty(mask.shape, dtype=np.bool_)
    _grow(np.ascontiguousarray(mask), reach, made)
    return made


@compiled
def _grow(mask: NDArray[np.bool_], reach: int, out: NDArray[np.bool_]) -> None:
    """Widen along the rows, then along the columns: each pixel asks for the next set ones."""
    ny, nx = mask.shape
    wide = np.zeros((ny, nx), dtype=np.bool_)
    for y in range(ny):
        covered = 0
        for x in range(nx):
            if mask[y, x]:
                first = max(covered, x - reach)
                covered = min(x + reach + 1, nx)
                for i in range(first, covered):
                    wide[y, i] = True
    # How many rows of a column are still covered by a set pixel above.
    left = np.zeros(nx, dtype=np.int32)
    for y in range(ny):
        for x in range(nx):
            left[x] = reach + 1 if wide[y, x] else max(left[x] - 1, 0)
            out[y, x] = left[x] > 0
    left[:] = 0
    for y in range(ny - 1, -1, -1):
        for x in range(nx):
            left[x] = reach + 1 if wide[y, x] else max(left[x] - 1, 0)
            out[y, x] |= left[x] > 0
