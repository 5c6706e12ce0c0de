"""Pixels of tracts and patches: one tangent plane for all patches of a tract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.coadd.errors import CoaddError
from skyassay.pipeline.coadd.warp import Box

if TYPE_CHECKING:
    from skyassay.pipeline.repository.skymap import SkyMap


def tract_wcs(skymap: SkyMap, tract: int) -> SkyWcs:
    """Return the WCS of a tract: gnomonic about its centre, north up, east to the left.

    Raises
    ------
    CoaddError
        ``bad_patch`` where there is no such tract.
    """
    if not 0 <= tract < len(skymap.centres):
        raise CoaddError(
            f"The sky map has no tract {tract}.",
            code="bad_patch",
            hint=f"Tracts are 0 to {len(skymap.centres) - 1}.",
            exit_code=4,
        )
    side = skymap.patches * patch_side(skymap)
    scale = 2.0 * skymap.radius / side
    middle = 0.5 * (side - 1)
    cd = np.array([[-scale, 0.0], [0.0, scale]])
    nothing = np.zeros((4, 4))
    return SkyWcs(
        skymap.centres[tract], (middle, middle), cd, nothing, nothing.copy(), (side, side)
    )


def patch_side(skymap: SkyMap) -> int:
    """Return the pixels along each side of a patch."""
    return round(2.0 * skymap.radius / skymap.patches * 3600.0 / skymap.scale)


def patch_box(skymap: SkyMap, patch: int) -> Box:
    """Return the pixels of the tract that belong to a patch: every pixel to one patch.

    Raises
    ------
    CoaddError
        ``bad_patch`` where there is no such patch.
    """
    n = skymap.patches
    if not 0 <= patch < n * n:
        raise CoaddError(
            f"The sky map has no patch {patch}.",
            code="bad_patch",
            hint=f"Patches are 0 to {n * n - 1}.",
            exit_code=4,
        )
    row, column = divmod(patch, n)
    side = patch_side(skymap)
    # Columns of patches are counted to the east, pixels to the west.
    x0, y0 = (n - 1 - column) * side, row * side
    return Box(x0, x0 + side, y0, y0 + side)


def shifted(wcs: SkyWcs, box: Box) -> SkyWcs:
    """Return the WCS of the pixels of a box, counted from its corner."""
    crpix = (wcs.crpix[0] - box.x0, wcs.crpix[1] - box.y0)
    ny, nx = box.shape
    return SkyWcs(wcs.crval, crpix, wcs.cd, wcs.a, wcs.b, (nx, ny))
