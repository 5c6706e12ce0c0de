"""What the mask says about a source: over its footprint and at its centre."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.images.mask import bit, bits

#: Column -> mask planes.
FOOTPRINT = {
    "pixelFlags_bad": bit("BAD"),
    "pixelFlags_cr": bit("CR"),
    "pixelFlags_edge": bit("EDGE"),
    "pixelFlags_interpolated": bit("INTRP"),
    "pixelFlags_saturated": bit("SAT"),
    "pixelFlags_suspect": bit("SUSPECT"),
    "pixelFlags_nodata": bits("NO_DATA", "UNMASKEDNAN"),
    "pixelFlags_streak": bit("STREAK"),
}
CENTRE = {
    "pixelFlags_crCenter": bit("CR"),
    "pixelFlags_interpolatedCenter": bit("INTRP"),
    "pixelFlags_saturatedCenter": bit("SAT"),
    "pixelFlags_suspectCenter": bit("SUSPECT"),
    "pixelFlags_nodataCenter": bits("NO_DATA", "UNMASKEDNAN"),
    "pixelFlags_streakCenter": bit("STREAK"),
}


def any_bits(
    mask: NDArray[np.int32], x: NDArray[np.float64], y: NDArray[np.float64], reach: int
) -> NDArray[np.int32]:
    """Return the bits set within `reach` pixels of positions along each axis, shape (n,)."""
    ny, nx = mask.shape
    column, row = np.rint(x).astype(np.int64), np.rint(y).astype(np.int64)
    made = np.zeros(len(x), dtype=np.int32)
    for j in range(-reach, reach + 1):
        for i in range(-reach, reach + 1):
            made |= mask[np.clip(row + j, 0, ny - 1), np.clip(column + i, 0, nx - 1)]
    return made


def footprint_bits(
    mask: NDArray[np.int32], basin: NDArray[np.int32], n: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the bits set in the pixels of every peak, and how many they are; shape (n,)."""
    at = np.flatnonzero(basin.ravel() > 0)
    owner = basin.ravel()[at] - 1
    made = np.zeros(n, dtype=np.int32)
    np.bitwise_or.at(made, owner, mask.ravel()[at])
    return made, np.bincount(owner, minlength=n).astype(np.int32)


def flag_columns(
    footprint: NDArray[np.int32], centre: NDArray[np.int32]
) -> dict[str, NDArray[np.bool_]]:
    """Return the columns `pixelFlags_*` from the bits of footprints and centres."""
    made = {name: (footprint & value) != 0 for name, value in FOOTPRINT.items()}
    return made | {name: (centre & value) != 0 for name, value in CENTRE.items()}
