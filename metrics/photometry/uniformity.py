"""Zero-point uniformity: PA3, PF2 and PA4 (LPM-17 section 3.3.4.2; LSE-61 5.1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from skyassay.metrics.contract import Bindings, Recipe, Scalar
from skyassay.metrics.photometry.cell_metric import CellMetric
from skyassay.metrics.photometry.zero_points import Cells, Term
from skyassay.metrics.plugin import Value
from skyassay.metrics.recipes import SATURATION
from skyassay.metrics.statistics.nested import Nested, split
from skyassay.metrics.statistics.nested_tails import cells_beyond, cells_reach
from skyassay.metrics.statistics.tails import scaled

#: Regions of order 3 nearer than this are neighbours, degrees.
NEAR = 9.5
#: Stars that are neither saturated nor faint: from 1 mag below saturation, S/N of 50.
BRIGHT = {band: [mag + 1.0, 30.0] for band, mag in SATURATION.items()}
SRD_UNIFORMITY = Recipe(
    "srd",
    {
        "cells": {"order": 6, "mag": BRIGHT, "snr_min": 50.0},
        "enough": {
            "region_order": 3,
            "min_stars": 50,
            "min_cells": 12,
            "min_regions": 3,
            "neighbours_deg": NEAR,
            "most_noisy_share": 0.05,
        },
        # A third of PA3 (LPM-17 table 15): the noise of noisier cells would decide.
        "most_noise_mmag": {"u": 20.0 / 3.0, "*": 10.0 / 3.0},
        "statistic": "rms over cells about their mean, star noise removed, mean given back",
        "PA4": {"*": 15.0},
        "PF2": {"*": 10.0},
    },
)


@dataclass(frozen=True)
class _Uniformity(CellMetric):
    """Shared by the three: the cells of a band and the split of their scatter."""

    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": SRD_UNIFORMITY}


def fit(cells: Cells) -> Nested:
    """Return the split of the cells' zero-point errors by region, mmag."""
    return split(cells.mean, cells.noise, cells.region, cells.direction, NEAR)


def notes(cells: Cells, found: Nested) -> dict[str, Scalar]:
    """Return what explains a value: units, noise, and the parts of the variance."""
    total = found.between + found.within
    noise = min(found.noise / total, 1.0) if total > 0 else 0.0
    region = min(found.shared, 1.0 - noise)
    return {
        "n_units": found.groups.number,
        "independent_regions": found.between_dof + 1.0,
        "n_cells": len(cells.cell),
        "n_stars": int(cells.stars.sum()),
        "cell_noise": float(np.sqrt(found.noise)),
        "mean_error": float(cells.mean.mean()),
        "budget_region": region,
        "budget_cell": 1.0 - region - noise,
        "budget_star_noise": noise,
    }


class PA3(_Uniformity):
    """Rms over the sky of the error of the zero point, about its mean over the sky, mmag.

    The zero-point error of a HEALPix cell of order 6 (0.84 square degrees) is the mean of
    measured minus true magnitude of its stars, at least 50. The mean over all cells is taken
    off (it belongs to PA6) and what it takes from the scatter is given back; the noise of the
    stars, known from their scatter inside the cell, is removed. Cells share large-scale
    errors: regions of order 3 (54 square degrees) are taken as the independent units, fewer
    where neighbouring regions are seen to be alike.

    Source: LPM-17 section 3.3.4.2, table 15; LSE-61 section 5.1.1.

    Differs from the peers: none of them computes it.

    Not measured when: fewer than 12 cells have 50 stars, they lie in fewer than 3 regions, or
    the stars of more than 5 % of the cells scatter so much that the cell's noise exceeds a
    third of the limit, or more than 5 % of the bright stars have neither a flux nor a flag.
    With stars of S/N 50 quoted errors keep below it, and a cell whose stars
    scatter more is kept, since that may be the error looked for.
    """

    id = "photometry.uniformity.pa3"
    unit = "mmag"
    title = "Zero-point uniformity over the sky (PA3)"
    requirements = (
        "LPM-17.PA3/grizy",
        "LPM-17.PA3/u",
        "DMS-REQ-0359/PA3",
        "DMS-REQ-0359/PA3u",
        "OSS-REQ-0275/procCalUniformity",
    )

    def values(self, cells: Cells, term: Term, at: Bindings) -> list[Value]:
        """Return PA3 of one band."""
        found = fit(cells)
        value, interval = found.spread()
        return [Value(value, len(cells.cell), interval, diagnostics=notes(cells, found))]


class PF2(_Uniformity):
    """Share of the sky whose zero point is wrong by more than PA4, %.

    The fraction of the cells of PA3 whose error is beyond PA4, after the cells' errors were
    brought to the scatter they have without the noise of the stars.

    The interval takes what a region shares as normal: of few regions (fewer than 29 for 10 % at
    95 % confidence) a rare one that is far worse than all others may not have been seen.

    Source: LPM-17 section 3.3.4.2, table 15; LSE-61 section 5.1.1.

    Differs from the peers: none of them computes it.

    Not measured when: the cells are too few for PA3.
    """

    id = "photometry.uniformity.pf2"
    unit = "%"
    title = "Share of the sky with an outlying zero point (PF2 at PA4)"
    requirements = ("LPM-17.PF2/grizy", "LPM-17.PF2/u", "DMS-REQ-0359/PF2")
    at_units = {"PA4": "mmag"}  # noqa: RUF012 - a class constant of the contract

    def values(self, cells: Cells, term: Term, at: Bindings) -> list[Value]:
        """Return PF2 of one band at every bound PA4."""
        found = fit(cells)
        why, n = notes(cells, found), len(cells.cell)
        made = []
        for limit in self.bound("PA4", term.band, at):
            value, interval = cells_beyond(found, limit)
            made.append(Value(100.0 * value, n, scaled(interval, 100.0), {"PA4": limit}, None, why))
        return made


class PA4(_Uniformity):
    """Error of the zero point that PF2 % of the sky exceed, mmag.

    The inverse of PF2 on the same cells: PF2 at PA4 is met exactly where PA4 at PF2 is.
    Its interval takes what a region shares as normal, as that of PF2 does.

    Source: LPM-17 section 3.3.4.2, table 15; LSE-61 section 5.1.1.

    Differs from the peers: none of them computes it.

    Not measured when: the cells are too few for PA3.
    """

    id = "photometry.uniformity.pa4"
    unit = "mmag"
    title = "Outlier limit of zero points over the sky (PA4 at PF2)"
    requirements = ("LPM-17.PA4/grizy", "LPM-17.PA4/u", "DMS-REQ-0359/PA4")
    at_units = {"PF2": "%"}  # noqa: RUF012

    def values(self, cells: Cells, term: Term, at: Bindings) -> list[Value]:
        """Return PA4 of one band at every bound PF2."""
        found = fit(cells)
        why, n = notes(cells, found), len(cells.cell)
        made = []
        for fraction in self.bound("PF2", term.band, at):
            value, interval = cells_reach(found, fraction / 100.0)
            made.append(Value(value, n, interval, {"PF2": fraction}, None, why))
        return made
