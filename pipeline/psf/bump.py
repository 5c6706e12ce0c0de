"""What the Gaussians leave over of the stars, on the pixel grid of a centred star."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, uniform_filter

from skyassay.pipeline.psf.model import PsfModel

if TYPE_CHECKING:
    from skyassay.pipeline.psf.fit import Placed, Stars

#: The correction reaches so many widths of the PSF.
REACH = 3.0
#: Mean square significance (3 x 3 pixels) below which a leftover is taken for noise.
NOISE = 2.0


def leftover(
    stamps: NDArray[np.float64],
    usable: NDArray[np.bool_],
    model: PsfModel,
    stars: Stars,
    placed: Placed,
) -> NDArray[np.float64]:
    """Return the correction of the model, per pixel and unit flux, shape (2 r + 1, 2 r + 1).

    The weighted mean of the stars' residuals, each shrunk to the share that stands above the
    noise; zero where it does not, and at the border.
    """
    shapes = model.shapes(stars.moments[:, 0], stars.moments[:, 1])
    r = min(int(np.ceil(REACH * np.sqrt(shapes[:, ::2].mean()))), model.half - 2)
    node = np.arange(-r, r + 1, dtype=np.float64)
    total, weights = np.zeros((len(node),) * 2), np.zeros((len(node),) * 2)
    for k in range(len(shapes)):
        if placed.flux[k] <= 0.0:
            continue
        drawn = model.draw(shapes[k], placed.x[k], placed.y[k])
        off = np.where(usable[k], stamps[k] / placed.flux[k] - drawn, 0.0)
        at = np.meshgrid(
            node + model.half + placed.y[k], node + model.half + placed.x[k], indexing="ij"
        )
        seen = map_coordinates(usable[k].astype(np.float64), at, order=1) > 0.99
        spread = stars.noise[k] ** 2 + placed.flux[k] * map_coordinates(drawn, at, order=1)
        weight = np.where(seen, placed.flux[k] ** 2 / spread, 0.0)
        total += weight * map_coordinates(off, at, order=1)
        weights += weight
    mean = np.divide(total, weights, out=np.zeros_like(total), where=weights > 0.0)
    strength = uniform_filter(mean**2 * weights, size=3)
    made: NDArray[np.float64] = mean * np.maximum(0.0, 1.0 - NOISE / np.maximum(strength, 1e-9))
    # The border is zero, so that the correction ends without a step.
    made[[0, -1], :] = 0.0
    made[:, [0, -1]] = 0.0
    return made
