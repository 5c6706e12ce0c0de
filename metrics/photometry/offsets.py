"""Zero points as a whole: between bands (PA5) and on the AB scale (PA6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

from skyassay.metrics.contract import Bindings, Column, Recipe
from skyassay.metrics.photometry.cell_metric import CellMetric
from skyassay.metrics.photometry.uniformity import BRIGHT, NEAR
from skyassay.metrics.photometry.zero_points import BANDS, INPUTS, TRUTH, Cells, Term
from skyassay.metrics.plugin import Value
from skyassay.metrics.statistics.neighbours import region_mean

COLOURS = tuple(Term(f"{b}-{r}", b, r) for b, r in pairwise(BANDS))
_CELLS: dict[str, Any] = {"order": 6, "mag": BRIGHT, "snr_min": 50.0}
_REGIONS: dict[str, Any] = {
    "region_order": 3,
    "min_regions": 3,
    "neighbours_deg": NEAR,
    "most_noisy_share": 1.0,
}
#: The scatter inside a cell does not matter here: it widens the interval of a mean.
_ANY_NOISE = {"*": None}
SRD_COLOUR = Recipe(
    "srd",
    {
        # The main sequence from turn-off stars to early M dwarfs.
        "cells": {**_CELLS, "g_i": [0.3, 2.8]},
        "enough": {
            "region_order": 3,
            "min_stars": 10,
            "min_cells": 12,
            "min_regions": 3,
            "most_noisy_share": 1.0,
        },
        "most_noise_mmag": _ANY_NOISE,
        "statistic": "mean over cells, each counted once",
    },
)
SRD_ABSOLUTE = Recipe(
    "srd",
    {
        "cells": {**_CELLS, "standards_only": True},
        "enough": {
            "region_order": 3,
            "min_stars": 1,
            "min_cells": 3,
            "min_regions": 3,
            "most_noisy_share": 1.0,
        },
        "most_noise_mmag": _ANY_NOISE,
        "statistic": "mean over cells with a standard star, each counted once",
    },
)


def offset(cells: Cells, component: str | None) -> Value:
    """Return the mean error over the sky, with Student's t over regions."""
    mean, interval = region_mean(cells.mean, cells.region, cells.direction, NEAR)
    notes = {
        "n_units": len(set(cells.region.tolist())),
        "n_cells": len(cells.cell),
        "n_stars": int(cells.stars.sum()),
        "rms_over_cells": float(cells.mean.std()),
    }
    return Value(mean, len(cells.cell), interval, None, component, notes)


@dataclass(frozen=True)
class PA5(CellMetric):
    """Error of the zero point of a colour of main-sequence stars, over the whole sky, mmag.

    The mean over sky cells of measured minus true colour of main-sequence stars, for each
    pair of adjacent bands; the worst colour decides. A colour is reported under its bluer
    band, z - y under y too, so that u - g alone stands under u. The value has a sign; the
    requirement limits its size.

    The wander of zero points over the sky is PA3's: PA5 is what remains when it is averaged
    out, since two bands that use up PA3 could not keep a limit of half of it on their colour
    in each place.

    Source: LPM-17 section 3.3.4.3, table 16; LSE-61 section 5.1.1 (PA5 and PA5u).

    Differs from the peers: none of them computes it.

    Not measured when: fewer than 12 cells have 10 such stars, or they lie in fewer than 3
    regions of order 3.
    """

    id = "photometry.zero_point.pa5"
    unit = "mmag"
    title = "Zero points of colours of main-sequence stars (PA5)"
    requirements = (
        "LPM-17.PA5/grizy",
        "LPM-17.PA5/u",
        "DMS-REQ-0359/PA5",
        "DMS-REQ-0359/PA5u",
        "OSS-REQ-0275/procColorZP",
    )
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": SRD_COLOUR}
    terms: ClassVar[tuple[Term, ...]] = COLOURS

    def bands_of(self, term: Term) -> tuple[str, ...]:
        """Return the bluer band; for the last colour both."""
        return (term.band, "y") if term.other == "y" else (term.band,)

    def values(self, cells: Cells, term: Term, at: Bindings) -> list[Value]:
        """Return the error of one colour."""
        return [offset(cells, term.name)]


@dataclass(frozen=True)
class PA6(CellMetric):
    """Error of the flux scale of a band against the AB scale, mmag.

    The mean over the sky of measured minus true magnitude of the standard stars: those that
    `truth_star` flags as `isStandard`, whose flux is known on the AB scale. It has a sign; the
    requirement limits its size. An error of the standards' own fluxes is not seen.

    Source: LPM-17 section 3.3.4.4, table 17; LSE-61 section 5.1.1.

    Differs from the peers: none of them computes it.

    Not measured when: no star is flagged as a standard, or the standards lie in fewer than 3
    regions of order 3.
    """

    id = "photometry.zero_point.pa6"
    unit = "mmag"
    title = "Tie of the flux scale to the AB scale (PA6)"
    requirements = ("LPM-17.PA6/value", "DMS-REQ-0359/PA6")
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": SRD_ABSOLUTE}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        **INPUTS,
        TRUTH: (*INPUTS[TRUTH], Column("isStandard", optional=True)),
    }

    def values(self, cells: Cells, term: Term, at: Bindings) -> list[Value]:
        """Return the offset of one band."""
        return [offset(cells, None)]
