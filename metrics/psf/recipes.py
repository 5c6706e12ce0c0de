"""Every choice behind the metrics of the point-spread function (LPM-17, 3.3.3.2 to 3.4.0.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skyassay.metrics.contract import Recipe

#: Clean, bright point sources. Flags that a table lacks are not asked for.
_STARS: dict[str, Any] = {
    "extendedness_below": 0.5,
    "unclean": [
        "pixelFlags_saturated",
        "pixelFlags_cr",
        "pixelFlags_bad",
        "pixelFlags_edge",
        "pixelFlags_interpolatedCenter",
    ],
    "pixel_scale": 0.2,
}

SRD_ENERGY = Recipe(
    "srd",
    {
        "stars": {**_STARS, "snr_min": 200.0},
        "min_stars": 10,
        "radii": [3, 6, 9, 12, 17, 25, 35, 50, 70],
        "total": "flux within the largest aperture",
        "curve": "median over the visit's stars of the flux as a share of the total",
        "interpolation": "log radius against log radius of the profile of the SRD at that energy",
        "profile": {"amplitude_ratio": 0.1, "width_ratio": 2.0},
        "least_missing": 1e-4,
        "seeing": "FWHM of the Gaussian with the stars' determinant radius, median of the visit",
        "delivered_seeing": 0.69,
        "statistic": "mean over visits of radius x 0.69 / seeing",
    },
)

SRD_ELLIPTICITY = Recipe(
    "srd",
    {
        "stars": {**_STARS, "snr_min": 100.0},
        "image": "visit x detector",
        "min_stars": 5,
        "delivered_seeing": 0.69,
        "seeing_tolerance": 0.10,
        "zenith_distance_max": 10.0,
        "ellipticity": "distortion of the mean star of an image, its own noise removed",
        "noise_share_max": 1.0 / 3.0,
        "SE2": 0.07,
        "EF1": 5.0,
    },
)

SRD_CORRELATION = Recipe(
    "srd",
    {
        "stars": {**_STARS, "snr_min": 100.0, "reserved": True},
        "residual": "distortion of the star minus distortion of the PSF model there",
        "image": "visit",
        "ranges": {
            "near": "at most 1 arcmin",
            "below": "below 5 arcmin",
            "far": "5 arcmin or more",
        },
        "pairs": "every pair once, zero lag excluded, all scales beyond 5 arcmin",
        "survey": "mean over all pairs of all images",
        "cell_arcmin": 5.0,
        "min_stars": 5,
        "min_pairs": 10,
        "noise_share_max": 1.0 / 3.0,
        "scatter_kept_min": 1.0 / 3.0,
        "TE3": 4e-5,
        "TE4": 2e-7,
        "TEF": 15.0,
    },
)

ENERGY: Mapping[str, Recipe] = {"srd": SRD_ENERGY}
ELLIPTICITY: Mapping[str, Recipe] = {"srd": SRD_ELLIPTICITY}
CORRELATION: Mapping[str, Recipe] = {"srd": SRD_CORRELATION}
