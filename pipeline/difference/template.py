"""The template on the pixels of a science image: all of `buildTemplate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.coadd.build import INPUTS, ZERO_POINT
from skyassay.pipeline.coadd.patches import shifted
from skyassay.pipeline.coadd.warp import Box, Planes, around, footprint, warp
from skyassay.pipeline.difference.border import BORDER, RESAMPLED, strips
from skyassay.pipeline.difference.errors import DifferenceError
from skyassay.pipeline.images.exposure import Exposure, PhotoCalib
from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.psf.model import PsfModel

#: Pixels about the science image that the template has too.
PAD = 32
#: Pixels about that, for the window of the resampling.
MARGIN = 8
#: Reference pixels of patches of one tract differ by whole pixels, to this.
WHOLE = 1e-3


@dataclass(frozen=True, eq=False)
class _Placed:
    """A patch and where it lies among the pixels of its tract."""

    patch: Exposure
    box: Box


def build_template(
    patches: Sequence[Exposure], wcs: SkyWcs, shape: tuple[int, int], *, least: float = 0.0
) -> Exposure:
    """Return the template on the pixels of a science image.

    The patches of a tract are put side by side, which is exact, and resampled once; where
    tracts overlap, the one that covers more of the image comes first.

    Parameters
    ----------
    patches : sequence of Exposure
        Coadds as `coadd` makes them.
    wcs : SkyWcs
        Of the science image.
    shape : tuple of int
        Its rows and columns.
    least : float
        Share of the image that the template must cover.

    Returns
    -------
    Exposure
        In nJy; NO_DATA where no patch is. Its PSF is that of the patch that has most pixels of
        the image, as the patch's pixels have it. ``summary``: templateCoverage,
        nTemplateVisits, psfSigma, meanEpoch. ``models["BORDER"]``: pixels about the image.

    Raises
    ------
    DifferenceError
        ``no_template`` when less than `least`, or nothing, is covered.
    """
    ny, nx = shape
    box = Box(-PAD, nx + PAD, -PAD, ny + PAD)
    outer = shifted(wcs, box)
    found: list[tuple[int, Planes, list[Exposure]]] = []
    for group in _by_tract(patches):
        planes, filled = _from_tract(group, outer, box)
        if filled:
            found.append((filled, planes, [placed.patch for placed in group]))
    found.sort(key=lambda one: -one[0])
    whole = found[0][1] if found else Planes.empty(box.shape)
    for _, planes, _ in found[1:]:
        lacking = (whole.mask & bit("NO_DATA")) != 0
        for name in ("image", "variance", "mask"):
            np.copyto(getattr(whole, name), getattr(planes, name), where=lacking)
    middle = np.s_[PAD : PAD + ny, PAD : PAD + nx]
    mask = whole.mask[middle].copy()
    coverage = float(np.mean((mask & bit("NO_DATA")) == 0))
    if coverage <= 0.0 or coverage < least:
        raise DifferenceError(
            f"The template covers {100.0 * coverage:.1f} % of the image.",
            code="no_template",
            hint="Make templates of this field and band from earlier visits.",
        )
    return Exposure(
        whole.image[middle].copy(),
        mask,
        whole.variance[middle].copy(),
        # The visits onto the tract, the tract onto this image.
        metadata={"BUNIT": "nJy", RESAMPLED: 2},
        wcs=wcs,
        psf=_psf([p for *_, ps in found for p in ps], wcs, shape),
        photo_calib=PhotoCalib(ZERO_POINT, 0.0),
        models={BORDER: strips(whole.image, PAD)},
        summary={"templateCoverage": coverage, **_summary([p for *_, ps in found for p in ps])},
    )


def _psf(patches: Sequence[Exposure], wcs: SkyWcs, shape: tuple[int, int]) -> PsfModel | None:
    """Return the PSF of the patch that covers most of an image."""

    def covered(patch: Exposure) -> int:
        reached = footprint(wcs, shape, patch.wcs) if patch.wcs is not None else None
        ny, nx = patch.shape
        common = None if reached is None else reached.meet(Box(0, nx, 0, ny))
        return 0 if common is None else common.shape[0] * common.shape[1]

    psf = max(patches, key=covered).psf
    return None if psf is None else replace(psf, shape=shape)


def _by_tract(patches: Sequence[Exposure]) -> list[list[_Placed]]:
    """Return the patches of each tract, placed relative to the first of them."""
    groups: dict[tuple[float, float], list[_Placed]] = {}
    for patch in patches:
        if patch.wcs is None:
            raise DifferenceError(
                "A template has no WCS.",
                code="not_calibrated",
                hint="Make it with assembleTemplateCoadd.",
                exit_code=4,
            )
        group = groups.setdefault(patch.wcs.crval, [])
        first = group[0].patch.wcs if group else patch.wcs
        assert first is not None  # noqa: S101 - the check above
        off = [a - b for a, b in zip(first.crpix, patch.wcs.crpix, strict=True)]
        x0, y0 = (round(v) for v in off)
        if max(abs(off[0] - x0), abs(off[1] - y0)) > WHOLE:
            raise DifferenceError(
                "Two templates of one tract are not on the same pixels.",
                code="wrong_shape",
                hint="Make all templates with one sky map.",
                exit_code=4,
            )
        ny, nx = patch.shape
        group.append(_Placed(patch, Box(x0, x0 + nx, y0, y0 + ny)))
    return list(groups.values())


def _from_tract(group: list[_Placed], outer: SkyWcs, box: Box) -> tuple[Planes, int]:
    """Return the template from the patches of one tract, and its pixels with data."""
    tract = group[0].patch.wcs
    assert tract is not None  # noqa: S101 - see _by_tract
    reached = footprint(outer, box.shape, tract)
    if reached is None:
        return Planes.empty(box.shape), 0
    wide = Box(reached.x0 - MARGIN, reached.x1 + MARGIN, reached.y0 - MARGIN, reached.y1 + MARGIN)
    boxes = [wide.meet(placed.box) for placed in group]
    area = around([b for b in boxes if b is not None])
    if area is None:
        return Planes.empty(box.shape), 0
    joined = _joined(group, boxes, area)
    ny, nx = box.shape
    made, _ = warp(joined, shifted(tract, area), outer, Box(0, nx, 0, ny))
    lacking = (made.mask & bit("NO_DATA")) != 0
    made.image[lacking], made.variance[lacking] = 0.0, 0.0
    return made, int(lacking.size - np.count_nonzero(lacking))


def _joined(group: list[_Placed], boxes: list[Box | None], area: Box) -> Planes:
    """Return the patches side by side on an area of their tract."""
    there = [(p, b) for p, b in zip(group, boxes, strict=True) if b is not None]
    if len(there) == 1:
        patch, of = there[0][0].patch, _slices(area, there[0][0].box)
        return Planes(patch.image[of], patch.variance[of], patch.mask[of])
    joined = Planes.empty(area.shape)
    for placed, common in there:
        to, of = _slices(common, area), _slices(common, placed.box)
        for name in ("image", "variance", "mask"):
            getattr(joined, name)[to] = getattr(placed.patch, name)[of]
    return joined


def _slices(box: Box, within: Box) -> tuple[slice, slice]:
    return (
        slice(box.y0 - within.y0, box.y1 - within.y0),
        slice(box.x0 - within.x0, box.x1 - within.x0),
    )


def _summary(patches: list[Exposure]) -> dict[str, float]:
    """Return means over the patches, weighted with their pixels; the number of all visits."""
    weights = np.array([p.image.size for p in patches], dtype=np.float64)
    visits: set[int] = set()
    for patch in patches:
        if INPUTS in patch.models:
            visits |= {int(v) for v in patch.models[INPUTS]["visits"]}
    made = {"nTemplateVisits": float(len(visits)) if visits else float("nan")}
    for name in ("psfSigma", "meanEpoch"):
        values = np.array([p.summary.get(name, np.nan) for p in patches])
        made[name] = float(np.average(values, weights=weights))
    return made
