"""Fiducial conditions in every band, and the depth a visit would have had under them.

LPM-17 sections 3.3.2.1 and 3.3.2.2 state the conditions in r: images of 0.7 arcsec, a sky of
21 mag/arcsec2, airmass 1, 30 s, no cloud. In another band the same weather is meant: the
images are those of 0.7 arcsec in r, by the ratio of the bands' image sizes at the zenith,
and the sky is brighter than the band's dark sky by as much as 21 is brighter than r's.
The numbers are those of Ivezic et al. (2019), table 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BANDS = "ugrizy"
#: Effective image size at the zenith in the reference atmosphere, arcsec.
_ZENITH_SIZE = dict(zip(BANDS, (0.92, 0.87, 0.83, 0.80, 0.78, 0.76), strict=True))
_DARK_SKY = dict(zip(BANDS, (22.99, 22.26, 21.20, 20.48, 19.60, 18.61), strict=True))
_EXTINCTION = dict(zip(BANDS, (0.491, 0.213, 0.126, 0.096, 0.069, 0.170), strict=True))

#: What a recipe states: seeing in arcsec, sky in mag/arcsec2, extinction in mag per airmass.
CONDITIONS: Mapping[str, Any] = {
    "seeing": {b: round(0.7 * _ZENITH_SIZE[b] / _ZENITH_SIZE["r"], 4) for b in BANDS},
    "sky": {b: round(_DARK_SKY[b] - (_DARK_SKY["r"] - 21.0), 4) for b in BANDS},
    "extinction_per_airmass": _EXTINCTION,
    "exposure": 30.0,
    "airmass": 1.0,
}


def per_band(table: Mapping[str, float], band: NDArray[Any]) -> Floats:
    """Return the entry of each band; NaN for a band that has none."""
    names, index = np.unique(band.astype(str), return_inverse=True)
    return np.array([table.get(str(n), np.nan) for n in names], dtype=np.float64)[index]


def fiducial_depth(
    conditions: Mapping[str, Any],
    band: NDArray[Any],
    depth: Floats,
    seeing: Floats,
    sky: Floats,
    airmass: Floats,
    exposure: Floats,
) -> Floats:
    """Return the depth each visit would have had under fiducial conditions, no cloud removed.

    Parameters
    ----------
    conditions : mapping
        As `CONDITIONS`.
    band : ndarray of str, shape (n,)
    depth : ndarray, shape (n,)
        Five-sigma depth as taken, mag.
    seeing : ndarray, shape (n,)
        Effective image size, arcsec.
    sky : ndarray, shape (n,)
        mag/arcsec2.
    airmass : ndarray, shape (n,)
    exposure : ndarray, shape (n,)
        s.

    Notes
    -----
    Ivezic et al. (2019), eq. 6, solved for the conditions: noise is the sky's, so read-out
    noise makes the correction of short or dark exposures too small.
    """
    moved = depth + 2.5 * np.log10(seeing / per_band(conditions["seeing"], band))
    moved += 0.5 * (per_band(conditions["sky"], band) - sky)
    moved += per_band(conditions["extinction_per_airmass"], band) * (
        airmass - conditions["airmass"]
    )
    return np.asarray(moved - 1.25 * np.log10(exposure / conditions["exposure"]))


def zenith_zero_point(
    conditions: Mapping[str, Any],
    band: NDArray[Any],
    zero_point: Floats,
    airmass: Floats,
    exposure: Floats,
) -> Floats:
    """Return zero points brought to airmass 1 and 30 s: what is left is cloud and throughput."""
    loss = per_band(conditions["extinction_per_airmass"], band) * (airmass - conditions["airmass"])
    return np.asarray(zero_point + loss - 2.5 * np.log10(exposure / conditions["exposure"]))
