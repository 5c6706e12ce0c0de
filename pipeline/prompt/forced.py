"""Forced fluxes at the places of DIAObjects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from astropy.table import Table
from numpy.typing import ArrayLike, NDArray

from skyassay.pipeline.dia.forced import forced_psf
from skyassay.pipeline.prompt.errors import PromptError
from skyassay.pipeline.prompt.region import pixels_within
from skyassay.pipeline.tables.ids import source_ids

if TYPE_CHECKING:
    from skyassay.pipeline.images.exposure import Exposure
    from skyassay.pipeline.prompt.image import ImageInput

Floats = NDArray[np.float64]


def forced_sources(image: ImageInput, objects: Table, start: int = 0) -> Table:
    """Return the fluxes at all objects whose place is in the image.

    Parameters
    ----------
    image : ImageInput
    objects : Table
        ``diaObjectId``, ``ra``, ``dec``.
    start : int
        Number of the first row's id: how many forced sources the image has already.

    Returns
    -------
    Table
        Rows of DiaForcedSource, sorted by object: fluxes on the difference (``psfFlux``) and on
        the science image (``scienceFlux``), nJy; NaN where no good pixel is.
    """
    x, y, inside = pixels_within(image.wcs, image.difference.shape, objects["ra"], objects["dec"])
    rows = np.flatnonzero(inside)
    rows = rows[np.argsort(np.asarray(objects["diaObjectId"])[rows], kind="stable")]
    table = Table()
    table["diaForcedSourceId"] = source_ids(image.visit, image.detector, start + len(rows))[start:]
    for name in ("diaObjectId", "ra", "dec"):
        table[name] = np.asarray(objects[name])[rows]
    table["visit"] = np.full(len(rows), image.visit, dtype=np.int64)
    table["detector"] = np.full(len(rows), image.detector, dtype=np.int16)
    for name, exposure in (("psfFlux", image.difference), ("scienceFlux", image.science)):
        flux, error = _measured(image, exposure, x[rows], y[rows])
        table[name], table[f"{name}Err"] = flux, error
    table["midpointMjdTai"] = np.full(len(rows), image.midpoint)
    table["band"] = np.full(len(rows), image.band)
    return table


def _measured(
    image: ImageInput, exposure: Exposure, x: ArrayLike, y: ArrayLike
) -> tuple[Floats, Floats]:
    """Return fluxes and errors, nJy."""
    calib = exposure.photo_calib or image.science.photo_calib
    if calib is None:
        raise PromptError(
            f"The image of visit {image.visit}, detector {image.detector} has no zero point.",
            code="no_zero_point",
            hint="It is given by `calibrateImage`.",
        )
    found = forced_psf(exposure, x, y)
    good = np.isfinite(found.flux) & np.isfinite(found.error) & (found.error > 0)
    flux, error = (np.where(good, v * calib.nanojansky, np.nan) for v in (found.flux, found.error))
    return flux, error
