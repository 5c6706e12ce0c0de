"""Saturated pixels and the bleed trails they leave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.isr.bitscan import where_set
from skyassay.pipeline.isr.compiled import Array, compiled

#: A nominal full well is trusted this far: gains differ from their nominal value by a few per
#: cent and the response bends down before it stops.
NOMINAL_MARGIN = 0.92
#: Pixels across and along the columns by which saturated regions grow. The pixel at the end of
#: a bleed trail holds part of the spilt charge without being full.
GROW_X, GROW_Y = 1, 2


@compiled
def _grow(mask: Array, sat: int, across: int, along: int, ys: Array, xs: Array, n: int) -> None:
    """Set the bit in a box about each of the first n pixels of the list."""
    ny, nx = mask.shape
    for k in range(n):
        for y in range(max(ys[k] - along, 0), min(ys[k] + along + 1, ny)):
            for x in range(max(xs[k] - across, 0), min(xs[k] + across + 1, nx)):
                mask[y, x] |= sat


def grow_saturation(
    mask: NDArray[np.int32], *, across: int = GROW_X, along: int = GROW_Y
) -> NDArray[np.int32]:
    """Grow the SAT plane in place, along the columns (where charge bleeds) further than across.

    Parameters
    ----------
    mask : ndarray of int32, shape (ny, nx)
        Columns run along the first axis.
    across, along : int
        Pixels.

    Returns
    -------
    ndarray
        The mask given.
    """
    ys, xs = where_set(mask, bit("SAT"))
    _grow(mask, bit("SAT"), across, along, ys, xs, ys.size)
    return mask


def saturation_level(nominal: float, gain: float, measured: float | None = None) -> float:
    """Return the counts, ADU above bias, from which a pixel is saturated.

    Parameters
    ----------
    nominal : float
        Full well, electrons.
    gain : float
        Electrons per ADU.
    measured : float, optional
        From the photon transfer curve, ADU; NaN where the ramp did not reach saturation.
    """
    if measured is not None and np.isfinite(measured) and measured > 0:
        return float(measured)
    return NOMINAL_MARGIN * nominal / gain
