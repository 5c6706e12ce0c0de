"""The PSF of a coadd: the mean of those of its visits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.coadd.warp import Box
from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.psf.model import PsfModel
from skyassay.pipeline.psf.refit import OFFSETS, refitted

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SeenPsf:
    """The PSF of an exposure in the middle of what a coadd takes of it.

    Attributes
    ----------
    model : PsfModel
        Of one shape, along the axes of the coadd.
    pixels : int
        That the coadd takes.
    """

    model: PsfModel
    pixels: int


def seen_psf(exposure: Exposure, tract: SkyWcs, where: Box, pixels: int) -> SeenPsf | None:
    """Return the PSF of an exposure on the pixels of a tract; None where it has none."""
    if exposure.psf is None or exposure.wcs is None:
        return None
    cx, cy = 0.5 * (where.x0 + where.x1 - 1), 0.5 * (where.y0 + where.y1 - 1)
    x, y = exposure.wcs.sky_to_pixel(*tract.pixel_to_sky(cx, cy))
    px, py = float(np.ravel(x)[0]), float(np.ravel(y)[0])
    xx, xy, yy = exposure.psf.shapes(px, py)[0]
    there, here = (
        np.asarray(wcs.jacobian(*at)).reshape(2, 2)
        for wcs, at in ((tract, (cx, cy)), (exposure.wcs, (px, py)))
    )
    turn = np.linalg.solve(there, here)
    turned = turn @ np.array([[xx, xy], [xy, yy]]) @ turn.T
    one = np.array([[turned[0, 0], turned[0, 1], turned[1, 1]]])
    return SeenPsf(replace(exposure.psf, coefficients=one), pixels)


def mean_psf(
    seen: Sequence[SeenPsf], weights: Sequence[float], shape: tuple[int, int]
) -> PsfModel | None:
    """Return the mean of PSFs with weights, the same all over the coadd; None of none.

    Parameters
    ----------
    seen : sequence of SeenPsf
    weights : sequence of float
    shape : tuple of int
        Rows and columns of the coadd.
    """
    if not seen:
        return None
    share = np.asarray(weights, dtype=np.float64) / np.sum(weights)
    half = max(one.model.half for one in seen)
    models = [replace(one.model, half=half, shape=shape) for one in seen]
    wanted = {
        (dx, dy): np.asarray(
            sum(
                w * _unit(m.draw(m.shapes(0.0, 0.0)[0], dx, dy))
                for w, m in zip(share, models, strict=True)
            )
        )
        for dx in OFFSETS
        for dy in OFFSETS
    }
    start = models[int(np.argmax(share))]
    return refitted(start, start.draw(start.shapes(0.0, 0.0)[0], 0.0, 0.0), wanted)


def _unit(stamp: Floats) -> Floats:
    return np.asarray(stamp / stamp.sum())
