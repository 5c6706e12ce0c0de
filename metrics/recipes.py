"""The recipes: every cut and choice, as data, one mapping per family and publisher.

``srd`` estimates the population quantity the SRD speaks of. ``faro``, ``validate_drp`` and
``analysis_tools`` follow those packages' published definitions so that values can be
compared; they carry no interval and decide nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skyassay.metrics.contract import Recipe

#: Point-source saturation of a 15 s exposure in median seeing, AB (LSST Science Book, 2.0).
SATURATION = {"u": 14.7, "g": 15.7, "r": 15.8, "i": 15.8, "z": 15.3, "y": 13.9}

#: LPM-17 section 3.3.4.1: the bright end is 1 to 4 mag fainter than saturation.
_BRIGHT = {band: [mag + 1.0, mag + 4.0] for band, mag in SATURATION.items()}
_CLEAN: dict[str, Any] = {"unusable": "drop_row", "flags": "drop_row", "extendedness_max": 0.5}
_PEER_OBJECT: dict[str, Any] = {
    "unusable": "reject_object",
    "extendedness_max": 0.9,
    "min_visits": 2,
}

SRD_PHOTOMETRY = Recipe(
    "srd",
    {
        "selection": {**_CLEAN, "mag": _BRIGHT, "snr": [100.0, None]},
        "min_stars": 10,
        "statistic": "sqrt(shared variance + squared median of median-unbiased own deviations)",
        "residual_scale": "sqrt(n / (n - 1))",
        "PA2": {"g": 15.0, "r": 15.0, "i": 15.0, "*": 22.5},
        "PF1": {"*": 10.0},
    },
)
FARO_PHOTOMETRY = Recipe(
    "faro",
    {
        "selection": {**_PEER_OBJECT, "flags": "ignore", "snr": [200.0, None]},
        "min_stars": 10,
        "min_visits_used": 3,
        "ddof": 0,
        "statistic": "median",
        "PA2": {"*": 15.0},
    },
)
VALIDATE_DRP_PHOTOMETRY = Recipe(
    "validate_drp",
    {
        "selection": {
            **_PEER_OBJECT,
            "flags": "reject_object",
            "extendedness_max": 1.0,
            "snr": [50.0, None],
        },
        "min_stars": 2,
        "repetitions": 50,
        "seed": 8675309,
        "statistic": "mean over repetitions of the scaled interquartile range of pair differences",
        "PA2": {"*": 15.0},
        "PF1": {"*": 10.0},
    },
)
ANALYSIS_TOOLS_PHOTOMETRY = Recipe(
    "analysis_tools",
    {
        "selection": {
            "unusable": "drop_row",
            "flags": "drop_row",
            "row_snr_min": 200.0,
            "snr": [200.0, None],
            "extendedness_max": 0.5000001,
            "extendedness_statistic": "median",
            "min_visits": 3,
        },
        "min_stars": 1,
        "ddof": 1,
        "statistic": "median",
        "PA2": {"*": 15.0},
    },
)

_POINT_ASTROMETRY = {"mag": {"*": [17.0, 21.5]}, "snr": [50.0, None]}
SRD_ASTROMETRY = Recipe(
    "srd",
    {
        "selection": {**_CLEAN, **_POINT_ASTROMETRY},
        "min_stars": 10,
        "min_pairs": 30,
        "max_pairs": 20_000,
        "half_width_arcmin": 1.0,
        "statistic": "sqrt(shared variance + squared median of median-unbiased own deviations)",
        "residual_scale": "sqrt(n / (n - 1))",
        "centre": "mean over visits",
        "AD": {"1": 20.0, "2": 20.0, "3": 30.0},
        "AF": 10.0,
    },
)
FARO_ASTROMETRY = Recipe(
    "faro",
    {
        "selection": {**_PEER_OBJECT, **_POINT_ASTROMETRY, "flags": "reject_object"},
        "min_stars": 2,
        "min_pairs": 1,
        "half_width_arcmin": 1.0,
        "ddof": 1,
        "min_visits_residual": 3,
        "centre": "median over visits",
        "AD": {"1": 20.0, "2": 20.0, "3": 30.0},
        "AF": 10.0,
    },
)
VALIDATE_DRP_ASTROMETRY = Recipe(
    "validate_drp",
    {
        "selection": {
            **_PEER_OBJECT,
            **_POINT_ASTROMETRY,
            "flags": "reject_object",
            "extendedness_max": 1.0,
        },
        "min_stars": 2,
        "min_pairs": 1,
        "half_width_arcmin": 1.0,
        "ddof": 1,
        "tail": "one-sided, on the scatter of a pair",
        "AD": {"1": 20.0, "2": 20.0, "3": 30.0},
        "AF": 10.0,
    },
)
ANALYSIS_TOOLS_ASTROMETRY = Recipe(
    "analysis_tools",
    {
        "selection": {**_CLEAN, **_POINT_ASTROMETRY, "row_snr_min": 50.0, "min_visits": 2},
        "min_stars": 2,
        "min_pairs": 1,
        "half_width_arcmin": 1.0,
        "ddof": 1,
        "min_visits_residual": 3,
        "centre": "mean over visits",
        "AD": {"1": 20.0, "2": 20.0, "3": 30.0},
        "AF": 10.0,
    },
)

SRD_BAND_TO_BAND = Recipe(
    "srd",
    {
        "selection": {**_CLEAN, **_POINT_ASTROMETRY},
        "reference_band": "r",
        "min_stars": 10,
        "min_pairs": 30,
        "max_pairs": 6_000,
        "separation_arcmin": 5.0,
        "half_width_arcmin": 1.0,
        "statistic": "root mean square over single visits in the band against single visits in r",
        "AB2": 20.0,
        "ABF1": 10.0,
    },
)
FARO_BAND_TO_BAND = Recipe(
    "faro",
    {
        "selection": {**_PEER_OBJECT, **_POINT_ASTROMETRY, "flags": "reject_object"},
        "reference_band": "r",
        "min_stars": 2,
        "ddof": 1,
        "statistic": "mean over visit pairs of the standard deviation of the distance",
    },
)

PHOTOMETRY: Mapping[str, Recipe] = {
    r.name: r
    for r in (
        SRD_PHOTOMETRY,
        FARO_PHOTOMETRY,
        VALIDATE_DRP_PHOTOMETRY,
        ANALYSIS_TOOLS_PHOTOMETRY,
    )
}
ASTROMETRY: Mapping[str, Recipe] = {
    r.name: r
    for r in (
        SRD_ASTROMETRY,
        FARO_ASTROMETRY,
        VALIDATE_DRP_ASTROMETRY,
        ANALYSIS_TOOLS_ASTROMETRY,
    )
}
BAND_TO_BAND: Mapping[str, Recipe] = {r.name: r for r in (SRD_BAND_TO_BAND, FARO_BAND_TO_BAND)}
