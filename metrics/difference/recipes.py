"""The recipes of differences: every radius, cut and choice, as data."""

from __future__ import annotations

from typing import Any

from skyassay.metrics.contract import Recipe

#: Cuts on the reliability score that are tried.
TRIED = [round(0.05 * i, 2) for i in range(20)] + [0.97, 0.98, 0.99]
PAIRING: dict[str, Any] = {
    "radius_arcsec": 1.0,
    "pairing": "each the nearest of the other, on one detector of one visit",
    # A detection beside something that hardly changed is not a detection of it.
    "least_true_snr": 2.0,
}
_JOINT: dict[str, Any] = {
    **PAIRING,
    "cut": "reliability",
    "tried": TRIED,
    "choice": "cut whose worse margin, in parts of the room to 100 %, is the largest, on the "
    "detector-visits with an even hash",
    "min_sources": 100,
    "min_visits": 3,
}
TRANSIENTS = Recipe(
    "srd",
    {**_JOINT, "kinds": ["injected"], "transSampleSNR": 6.0, "wanted": [90.0, 95.0]},
)
MOVING = Recipe(
    "srd",
    {**_JOINT, "kinds": ["solar_system"], "transSampleSNR": 5.0, "wanted": [99.0, 50.0]},
)
INJECTED = Recipe(
    "srd",
    {
        "radius_arcsec": 1.0,
        "pairing": "each the nearest of the other, on one detector of one visit",
        "kinds": ["injected"],
        "min_snr": 10.0,
        "min_sources": 30,
        "min_visits": 3,
        "min_fitted": 100,
        "most_without_flux": 0.05,
    },
)
