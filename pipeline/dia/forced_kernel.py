"""The loop over the stamps of forced photometry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.measurement.compiled import compiled
from skyassay.pipeline.psf.render import render


@compiled
def forced_stamps(
    image: NDArray[np.float32],
    variance: NDArray[np.float32],
    good: NDArray[np.bool_],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    shapes: NDArray[np.float64],
    table: NDArray[np.float64],
    per_step: float,
    bump: NDArray[np.float64],
    half: int,
    out: NDArray[np.float64],
) -> None:
    """Fill a row per position: flux, error, share of the weight on good pixels, beyond the edge.

    Pixels beyond the edge and pixels that are not good count neither way. Positions are finite.
    """
    ny, nx = image.shape
    side = 2 * half + 1
    p, px, py = np.empty((side, side)), np.empty((side, side)), np.empty((side, side))
    for k in range(len(x)):
        column, row = int(np.rint(x[k])), int(np.rint(y[k]))
        render(table, per_step, bump, shapes[k], x[k] - column, y[k] - row, p, px, py)
        left, low = column - half, row - half
        whole = outside = pp = pd = ppv = 0.0
        for j in range(side):
            for i in range(side):
                square = p[j, i] * p[j, i]
                whole += square
                yy, xx = low + j, left + i
                if yy < 0 or xx < 0 or yy >= ny or xx >= nx:
                    outside += square
                    continue
                if not good[yy, xx]:
                    continue
                pp += square
                pd += p[j, i] * image[yy, xx]
                ppv += square * variance[yy, xx]
        out[k, 0] = pd / pp if pp > 0.0 else np.nan
        out[k, 1] = np.sqrt(ppv) / pp if pp > 0.0 else np.nan
        out[k, 2] = pp / whole if whole > 0.0 else 0.0
        out[k, 3] = outside / whole if whole > 0.0 else 1.0
