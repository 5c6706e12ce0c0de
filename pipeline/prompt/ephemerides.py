"""Known Solar System objects in and around an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from astropy.table import Table

from skyassay.pipeline.orbits.ephemeris import predict
from skyassay.pipeline.prompt.region import pixels_within

if TYPE_CHECKING:
    from skyassay.pipeline.astrometry.wcs import SkyWcs

#: Designation of an orbit -> name in `ss_source`.
_DESIGNATIONS = ("designation", "unpacked_primary_provisional_designation")


def objects_in_image(
    mpcorb: Table, wcs: SkyWcs, shape: tuple[int, int], mjd_tai: float, pad: float
) -> Table:
    """Return `preloaded_ss_object`: what of a catalogue of orbits is expected in an image.

    Parameters
    ----------
    mpcorb : Table
        See `orbits.ephemeris.predict`.
    wcs : SkyWcs
    shape : tuple of int
        Rows and columns.
    mjd_tai : float
        Middle of the exposure.
    pad : float
        Margin beside the image, pixel; five errors of the predicted place are added to it.

    Returns
    -------
    Table
        Sorted by ``ssObjectId``: the columns of `predict`, ``x`` and ``y``, ``designation``, and
        the orbit.

    Raises
    ------
    OrbitError
        As `predict`.
    """
    places = predict(mpcorb, mjd_tai)
    scale = float(wcs.pixel_scale(shape[1] / 2, shape[0] / 2))
    margin = pad + 5.0 * np.asarray(places["err"]) / scale
    x, y, near = pixels_within(wcs, shape, places["ra"], places["dec"], margin)
    found, orbits = places[near], mpcorb[near]
    found["x"], found["y"] = x[near], y[near]
    for name in orbits.colnames:
        if name not in found.colnames:
            found[name] = orbits[name]
    if "id" not in found.colnames:
        # Row of the catalogue: what packets call an orbit that has no number.
        found["id"] = np.flatnonzero(near) + 1
    known = next((n for n in _DESIGNATIONS if n in orbits.colnames), None)
    if known and "designation" not in found.colnames:
        found["designation"] = np.asarray(orbits[known]).astype(str)
    found.meta.clear()
    found.sort("ssObjectId")
    return found
