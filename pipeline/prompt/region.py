"""Where an image is on the sky, and what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from skyassay.pipeline.astrometry.wcs import SkyWcs

Floats = NDArray[np.float64]
#: Places along each edge of an image: a distortion bends it.
_ALONG = 5


def footprint(wcs: SkyWcs, shape: tuple[int, int], pad: float) -> Any:
    """Return the convex region that holds an image.

    Parameters
    ----------
    wcs : SkyWcs
    shape : tuple of int
        Rows and columns.
    pad : float
        Margin, pixel.

    Returns
    -------
    lsst.sphgeom.ConvexPolygon
    """
    from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

    x, y = (np.linspace(-0.5 - pad, size - 0.5 + pad, _ALONG) for size in (shape[1], shape[0]))
    grid_x, grid_y = (a.ravel() for a in np.meshgrid(x, y))
    ra, dec = wcs.pixel_to_sky(grid_x, grid_y)
    return ConvexPolygon.convexHull(
        [UnitVector3d(LonLat.fromDegrees(*place)) for place in zip(ra, dec, strict=True)]
    )


def pixels_within(
    wcs: SkyWcs, shape: tuple[int, int], ra: ArrayLike, dec: ArrayLike, pad: ArrayLike = 0.0
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return pixels of positions, and which of them are in the image or at most `pad` beside it.

    Parameters
    ----------
    wcs : SkyWcs
    shape : tuple of int
        Rows and columns.
    ra, dec : array_like, shape (n,)
        Degrees.
    pad : float or array_like, shape (n,)
        Margin, pixel.
    """
    if not np.size(ra):
        return np.empty(0), np.empty(0), np.empty(0, dtype=bool)
    x, y = wcs.sky_to_pixel(ra, dec)
    margin = np.asarray(pad, dtype=np.float64) + 0.5
    with np.errstate(invalid="ignore"):
        inside = (x > -margin) & (x < shape[1] - 1 + margin)
        inside &= (y > -margin) & (y < shape[0] - 1 + margin)
    return x, y, np.asarray(inside)
