"""The recipes of detection and classification: every cut and choice, as data."""

from __future__ import annotations

from typing import Any

from skyassay.metrics.contract import Column, Recipe

#: What is kept of each object: flux for its S/N, the class.
OBJECT_COLUMNS = {
    "flux": Column("i_cModelFlux", "nJy"),
    "error": Column("i_cModelFluxErr", "nJy"),
    "extendedness": Column("refExtendedness"),
}
_SKY: dict[str, Any] = {
    "band": "i",
    "cell_deg": 0.1,
    "block_deg": 0.35,
    "radius_arcsec": 0.5,
    "pairing": "each the nearest of the other",
    "min_blocks": 3,
}
COMPLETENESS = Recipe(
    "srd",
    {
        **_SKY,
        "levels": [50.0, 80.0, 90.0],
        "statistic": "logistic fit of degree 4 between 1.25 mag before and 0.75 mag after the half",
        "min_sources": 100,
    },
)
FALSE_DETECTIONS = Recipe("srd", {**_SKY, "min_detections": 100})
CUT = Recipe(
    "srd",
    {
        **_SKY,
        "cut": "S/N",
        "tried": [3.0, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0, 10.0],
        "mag": [20.0, 24.0],
        "purity_wanted": 95.0,
        "choice": "most complete cut with the wanted purity, on the patches with an even hash",
        "min_sources": 100,
    },
)
CLASSES = Recipe(
    "srd",
    {
        **_SKY,
        "mag": [18.0, 23.0],
        "extendedness_max": 0.5,
        "not_finite": "a class of its own, never a star and never a galaxy",
        "min_sources": 30,
    },
)
