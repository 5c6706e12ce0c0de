"""A template from many visits: all of `assembleTemplateCoadd`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.coadd.combine import combine
from skyassay.pipeline.coadd.errors import CoaddError
from skyassay.pipeline.coadd.patches import shifted
from skyassay.pipeline.coadd.psf import SeenPsf, mean_psf, seen_psf
from skyassay.pipeline.coadd.warp import Box, Planes, footprint, warp
from skyassay.pipeline.images.exposure import Exposure, PhotoCalib
from skyassay.pipeline.images.mask import bit

#: A count of a coadd is a nanojansky.
ZERO_POINT = 31.4
#: Name of the model that keeps what a coadd is made of.
INPUTS = "INPUTS"


@dataclass(eq=False)
class _Layer:
    """One visit on the pixels of the patch, as far as its detectors have been put there."""

    planes: Planes
    epoch: float
    exptime: float
    pixels: int = 0
    variance: float = 0.0
    width: float = 0.0
    detectors: list[int] = field(default_factory=list)
    psfs: list[SeenPsf] = field(default_factory=list)


def coadd(exposures: Iterable[Exposure], tract: SkyWcs, box: Box) -> Exposure:
    """Return the mean of the visits on a patch, cut to the pixels that have data.

    Outliers of single visits (moving objects, streaks, cosmic rays) are left out where three
    visits or more overlap. One exposure is in memory at a time.

    Parameters
    ----------
    exposures : iterable of Exposure
        Detectors of visits, each with WCS, zero point and the summary `psfSigma`; those that
        miss the patch are passed over. Their order does not matter.
    tract : SkyWcs
        Of the whole tract.
    box : Box
        Of the patch, pixels of the tract.

    Returns
    -------
    Exposure
        In nJy; its WCS is that of the tract with another reference pixel, its PSF the mean of
        those of the exposures, where they have one.
        ``summary``: nTemplateVisits, psfSigma (pixel of the tract), meanEpoch (MJD).
        ``models["INPUTS"]``: visits, weights, epochs, and `count`, the visits of every pixel.

    Raises
    ------
    CoaddError
        ``no_overlap`` where no exposure has a pixel on the patch, ``not_calibrated``.
    """
    layers: dict[int, _Layer] = {}
    for exposure in exposures:
        _add(layers, exposure, tract, box)
    if not layers:
        raise CoaddError(
            "No image has a pixel on this patch.",
            code="no_overlap",
            hint="Only patches under visits of the band can have a template.",
        )
    visits = sorted(layers)
    ordered = [layers[v] for v in visits]
    weights = np.array([layer.pixels / layer.variance for layer in ordered])
    widths = np.array([layer.width / layer.pixels for layer in ordered])
    planes, count = combine([layer.planes for layer in ordered], weights, widths)
    inner = _extent(planes.mask)
    made = _exposure(planes, count, inner, shifted(tract, _moved(box, inner)))
    inputs = {
        "visits": np.array(visits, dtype=np.int64),
        "weights": weights / weights.sum(),
        "epochs": np.array([layer.epoch for layer in ordered]),
        "count": count[inner.y0 : inner.y1, inner.x0 : inner.x1].copy(),
    }
    seen = [
        (one, weight * one.pixels / layer.pixels)
        for layer, weight in zip(ordered, weights, strict=True)
        for one in layer.psfs
    ]
    return made.with_(
        models={INPUTS: inputs},
        summary=_summary(ordered, weights, widths),
        psf=mean_psf([one for one, _ in seen], [weight for _, weight in seen], made.shape),
    )


def _add(layers: dict[int, _Layer], exposure: Exposure, tract: SkyWcs, box: Box) -> None:
    """Put an exposure on the layer of its visit."""
    if exposure.wcs is None or exposure.photo_calib is None:
        raise CoaddError(
            "An image has no WCS or zero point.",
            code="not_calibrated",
            hint="Coadd visit_image, not raw frames.",
            exit_code=4,
        )
    reached = footprint(exposure.wcs, exposure.shape, tract)
    where = reached.meet(box) if reached is not None else None
    if where is None:
        return
    scale = np.float32(exposure.photo_calib.nanojansky)
    source = Planes(
        np.nan_to_num(exposure.image) * scale,
        np.nan_to_num(exposure.variance) * scale * scale,
        exposure.mask
        | np.where(np.isfinite(exposure.image), 0, bit("UNMASKEDNAN")).astype(np.int32),
    )
    warped, filled = warp(source, exposure.wcs, tract, where)
    if not filled:
        return
    info = exposure.visit_info
    visit = int(info["visit"])
    if visit not in layers:
        layers[visit] = _Layer(
            Planes.empty(box.shape), float(info["expMidptMJD"]), float(info["expTime"])
        )
    layer = layers[visit]
    inside = np.s_[where.y0 - box.y0 : where.y1 - box.y0, where.x0 - box.x0 : where.x1 - box.x0]
    there = (warped.mask & bit("NO_DATA")) == 0
    for name in ("image", "variance", "mask"):
        np.copyto(getattr(layer.planes, name)[inside], getattr(warped, name), where=there)
    if (psf := seen_psf(exposure, tract, where, filled)) is not None:
        layer.psfs.append(psf)
    layer.pixels += filled
    layer.variance += filled * float(np.median(warped.variance[there]))
    layer.width += filled * exposure.summary.get("psfSigma", np.nan)
    layer.detectors.append(int(exposure.metadata.get("DETECTOR", -1)))


def _extent(mask: NDArray[np.int32]) -> Box:
    """Return the smallest box with all data."""
    there = (mask & bit("NO_DATA")) == 0
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    return Box(int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1)


def _moved(box: Box, inner: Box) -> Box:
    return Box(box.x0 + inner.x0, box.x0 + inner.x1, box.y0 + inner.y0, box.y0 + inner.y1)


def _exposure(planes: Planes, count: Any, inner: Box, wcs: SkyWcs) -> Exposure:
    cut = np.s_[inner.y0 : inner.y1, inner.x0 : inner.x1]
    return Exposure(
        planes.image[cut].copy(),
        planes.mask[cut].copy(),
        planes.variance[cut].copy(),
        metadata={"BUNIT": "nJy", "NVISITS": int(count.max())},
        wcs=wcs,
        photo_calib=PhotoCalib(ZERO_POINT, 0.0),
    )


def _summary(
    layers: list[_Layer], weights: NDArray[np.float64], widths: NDArray[np.float64]
) -> dict[str, float]:
    epochs = np.array([layer.epoch for layer in layers])
    return {
        "nTemplateVisits": float(len(layers)),
        "psfSigma": float(np.average(widths, weights=weights)),
        "meanEpoch": float(np.average(epochs, weights=weights)),
        "expTime": float(sum(layer.exptime for layer in layers)),
    }
