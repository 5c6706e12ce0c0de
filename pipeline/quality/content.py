"""What a processed image brings along, tried out: planes, models, descriptive entries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.images.mask import bit

#: Places across the image at which models are evaluated, as shares of its sides.
_PLACES = (0.03, 0.5, 0.97)
#: A position must come back to where it was, pixels.
_ROUND_TRIP = 0.01
#: What a reader of an image must be told.
_ENTRIES = ("visit", "physicalFilter", "expTime", "expMidptMJD", "boresightRa", "boresightDec")


def content(
    exposure: Exposure, background: NDArray[np.floating] | None = None
) -> dict[str, int | float | bool]:
    """Return what an image holds, each part tried and not only looked for.

    Parameters
    ----------
    exposure : Exposure
    background : ndarray, optional
        Values of the background that was subtracted, where it is stored beside the image.

    Returns
    -------
    dict
        ``maskBits``: width of a mask pixel. ``nPixel``, ``nPixelData``: pixels, and those with a
        finite value that are not NO_DATA. ``nPixelVariance``: those of them with a variance
        above zero. ``hasWcs``: finite at nine places and back again within 0.01 pixel.
        ``hasPhotoCalib``: a finite zero point. ``hasPsf``: finite stamps of odd size at nine
        places. ``psfSumError``: largest difference of their sums from 1, NaN without a PSF.
        ``hasBackground``: a finite model that is stored in the image or beside it.
        ``hasMetadata``: visit, filter, time and pointing.
    """
    data = np.isfinite(exposure.image) & ((exposure.mask & bit("NO_DATA")) == 0)
    variance = exposure.variance[data]
    psf = _psf_sum_error(exposure)
    return {
        "maskBits": int(exposure.mask.dtype.itemsize * 8),
        "nPixel": int(exposure.image.size),
        "nPixelData": int(data.sum()),
        "nPixelVariance": int((np.isfinite(variance) & (variance > 0.0)).sum()),
        "hasWcs": _wcs_holds(exposure),
        "hasPhotoCalib": bool(
            exposure.photo_calib is not None and np.isfinite(exposure.photo_calib.zero_point)
        ),
        "hasPsf": bool(np.isfinite(psf)),
        "psfSumError": psf,
        "hasBackground": _has_background(exposure, background),
        "hasMetadata": all(exposure.visit_info.get(name) is not None for name in _ENTRIES),
    }


def _places(exposure: Exposure) -> tuple[np.ndarray, np.ndarray]:
    """Return nine places of the image, pixels."""
    ny, nx = exposure.shape
    x, y = np.meshgrid(np.array(_PLACES) * (nx - 1), np.array(_PLACES) * (ny - 1))
    return x.ravel(), y.ravel()


def _wcs_holds(exposure: Exposure) -> bool:
    """Return whether the coordinates are finite and can be inverted."""
    if exposure.wcs is None:
        return False
    x, y = _places(exposure)
    back_x, back_y = exposure.wcs.sky_to_pixel(*exposure.wcs.pixel_to_sky(x, y))
    with np.errstate(invalid="ignore"):
        return bool((np.hypot(back_x - x, back_y - y) < _ROUND_TRIP).all())


def _psf_sum_error(exposure: Exposure) -> float:
    """Return by how much stamps of the PSF miss a sum of 1 at worst; NaN where there is none."""
    if exposure.psf is None:
        return float("nan")
    worst = 0.0
    for x, y in zip(*_places(exposure), strict=True):
        stamp = np.asarray(exposure.psf.image(float(x), float(y)), dtype=np.float64)
        square = stamp.ndim == 2 and stamp.shape[0] == stamp.shape[1] and stamp.shape[0] % 2 == 1
        if not square or not np.isfinite(stamp).all():
            return float("nan")
        worst = max(worst, abs(float(stamp.sum()) - 1.0))
    return worst


def _has_background(exposure: Exposure, beside: NDArray[np.floating] | None) -> bool:
    """Return whether a background model is stored, with finite values only."""
    inside = exposure.models.get("background", {})
    numbers = [np.asarray(a) for a in inside.values() if np.asarray(a).dtype.kind == "f"]
    numbers += [] if beside is None else [np.asarray(beside)]
    return bool(numbers) and all(a.size and np.isfinite(a).all() for a in numbers)
