"""Forced fluxes at the places of DIAObjects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyassay.pipeline.dia.forced import forced_psf
from skyassay.pipeline.prompt.errors import PromptError
from skyassay.pipeline.prompt.region import pixels_within
from skyassay.pipeline.prompt.rows import Rows
from skyassay.pipeline.tables.ids import source_ids

if TYPE_CHECKING:
    from skyassay.pipeline.images.exposure import Exposure
    from skyassay.pipeline.prompt.image import ImageInput

Floats = NDArray[np.float64]
#: Numbers in the ids of forced sources from here on are of precovery: it adds to images that are
#: stored already, and must not be taken for them.
PRECOVERY = 1 << 26
NUMBER = (PRECOVERY << 1) - 1


def forced_sources(image: ImageInput, objects: Rows, start: int = 0, seen: ArrayLike = ()) -> Rows:
    """Return the fluxes at all objects whose place is in the image, and at those seen in it.

    An object that was seen at the edge may have its mean place outside: it has a row too.

    Parameters
    ----------
    image : ImageInput
    objects : Rows
        ``diaObjectId``, ``ra``, ``dec``.
    start : int
        Number of the first row's id.
    seen : array_like of int64
        Objects that the image's own sources belong to.

    Returns
    -------
    Rows
        Of DiaForcedSource, sorted by object: fluxes on the difference (``psfFlux``) and on
        the science image (``scienceFlux``), nJy; NaN where no good pixel is.
    """
    x, y, inside = pixels_within(
        image.wcs, image.difference.shape, objects.numbers("ra"), objects.numbers("dec")
    )
    rows = np.flatnonzero(inside | np.isin(objects.ids("diaObjectId"), np.asarray(seen)))
    rows = rows[np.argsort(objects.ids("diaObjectId")[rows], kind="stable")]
    count = len(rows)
    head = source_ids(image.visit, image.detector, 1)[0]
    found: dict[str, NDArray[np.generic]] = {
        "diaForcedSourceId": head + start + np.arange(count, dtype=np.int64),
        **{name: objects[name][rows] for name in ("diaObjectId", "ra", "dec")},
        "visit": np.full(count, image.visit, dtype=np.int64),
        "detector": np.full(count, image.detector, dtype=np.int16),
    }
    for name, exposure in (("psfFlux", image.difference), ("scienceFlux", image.science)):
        found[name], found[f"{name}Err"] = _measured(image, exposure, x[rows], y[rows])
    found["midpointMjdTai"] = np.full(count, image.midpoint)
    found["band"] = np.full(count, image.band)
    return Rows(found)


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
