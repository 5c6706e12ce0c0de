"""Area of the main survey and its visits per field: Asky, Nv1 (LPM-17, section 3.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Measurement, Recipe, Scalar
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.states.unit_rows import UnitRows
from skyassay.metrics.survey.counts import (
    cells_reaching,
    medians_over,
    survey_counts,
    uniform_cells,
)
from skyassay.metrics.survey.sky import SkyGrid
from skyassay.metrics.survey.visits import VISITS, SurveyMetric, notes, refused
from skyassay.pipeline.products import bands

#: Rows of evidence.
MOST_ROWS = 4000
SRD = Recipe(
    "srd",
    {
        "visits": VISITS,
        "statistic": "sum over bands of the median visits per cell of the most visited area",
        "total_share": 0.75,
        "band_share": 0.5,
        "Asky": 18000.0,
        "Nv1": 825.0,
    },
)


def evidence_of(cells: NDArray[np.int64], values: NDArray[Any], grid: SkyGrid) -> dict[str, Any]:
    """Return at most `MOST_ROWS` cells, evenly chosen by their number, with their values."""
    cells = np.sort(cells)
    chosen = cells[:: max(1, -(-len(cells) // MOST_ROWS))]
    ra, dec = grid.positions()
    return {"cell": chosen, "value": values[chosen], "ra": ra[chosen], "dec": dec[chosen]}


class _Coverage(SurveyMetric):
    """Shared by Asky and Nv1."""

    recipes = {"srd": SRD}  # noqa: RUF012

    def finish(self, state: UnitRows, at: Bindings) -> list[Measurement]:
        """Return the value at every bound parameter, or why there is none."""
        try:
            counts, grid, rows = survey_counts(state, self.recipe)
        except NotMeasured as why:
            return [self.not_measured(why, n=len(state), n_rejected=refused(state))]
        made = self.values(counts, grid, at, notes(rows))
        return [self.measured(v, band=b, n_rejected=refused(state)) for b, v in made]

    def values(
        self, counts: NDArray[np.int64], grid: SkyGrid, at: Bindings, known: dict[str, Scalar]
    ) -> list[tuple[str | None, Value]]:
        """Return (band, value) pairs."""
        raise NotImplementedError

    def companions(self, name: str, at: Bindings) -> list[float]:
        """Return what the other parameter is bound to; the recipe's own where nothing is."""
        found = {v for values in at.get(name, {}).values() for v in values}
        return sorted(found) or [float(self.recipe[name])]

    def evidence(self, state: UnitRows) -> Mapping[str, Mapping[str, NDArray[Any]]]:
        """Return visits per cell, summed over the bands, where there are any."""
        try:
            counts, grid, _ = survey_counts(state, self.recipe)
        except NotMeasured:
            return {}
        total = counts.sum(axis=0)
        return {"": evidence_of(np.flatnonzero(total), total.astype(np.float64), grid)}


class Asky(_Coverage):
    """Area that the main survey covers uniformly, deg2 (LPM-17, section 3.4.0.1, Asky at Nv1).

    The sky is cut into HEALPix cells of order 6 (0.84 deg2); a visit sees the cells whose
    centre is within its round field of 9.6 deg2. Asky at Nv1 is the largest area, cells with
    the most visits first, in which the medians of the visits per cell still add up to Nv1
    over the six bands. To be covered uniformly a cell needs at least 75 % of Nv1 visits in
    all, and half the usual number in each band. The first ten years count; visits of special
    programs and exposures below 24 s do not. Cloud does not matter: depth has its own metrics.

    Differs from the peers: MAF's fO area counts cells with at least 825 visits in any band,
    which asks more of the least visited cell and nothing of the bands.
    Not measured when: the table covers less than 9.5 years (`out_of_scope_years`) or less
    than 1000 deg2 (`out_of_scope_area`), has no column that marks special programs, or two
    visits have one time.
    """

    id = "survey.coverage.asky"
    unit = "deg2"
    title = "Area uniformly covered (Asky at Nv1)"
    requirements = ("LPM-17.Asky/value",)
    at_units = {"Nv1": ""}  # noqa: RUF012

    def values(
        self, counts: NDArray[np.int64], grid: SkyGrid, at: Bindings, known: dict[str, Scalar]
    ) -> list[tuple[str | None, Value]]:
        """Return Asky at every bound Nv1."""
        found: list[tuple[str | None, Value]] = []
        shares = self.recipe["total_share"], self.recipe["band_share"]
        seen = float((counts.sum(axis=0) > 0).sum() * grid.cell_area)
        for visits in self.companions("Nv1", at):
            cells = uniform_cells(counts, visits, *shares)
            number = cells_reaching(counts, cells, visits)
            extra = known | {
                "n_cells": number,
                "area_uniform_deg2": round(len(cells) * grid.cell_area, 1),
                "area_seen_deg2": round(seen, 1),
            }
            area = number * grid.cell_area
            found.append(
                (None, Value(area, number, at={"Nv1": visits}, diagnostics=extra)),
            )
        return found


class Nv1(_Coverage):
    """Sum over the bands of the median visits per field (LPM-17, section 3.4.0.1, Nv1 at Asky).

    A field is a HEALPix cell of order 6 whose centre lies in the visit's round field of
    9.6 deg2. The medians are those of the Asky deg2 with the most visits in all; cells that
    were never visited are among them when the survey is smaller. The first ten years count;
    visits of special programs and exposures below 24 s do not.

    Differs from the peers: MAF's fONv is the median of the visits summed over the bands, not
    the sum of the medians, and on finer cells.
    Not measured when: the table covers less than 9.5 years (`out_of_scope_years`) or less
    than 1000 deg2 (`out_of_scope_area`), has no column that marks special programs, or two
    visits have one time.
    """

    id = "survey.coverage.nv1"
    unit = ""
    title = "Visits per field, median summed over bands (Nv1 at Asky)"
    requirements = ("LPM-17.Nv1/value",)
    at_units = {"Asky": "deg2"}  # noqa: RUF012

    def values(
        self, counts: NDArray[np.int64], grid: SkyGrid, at: Bindings, known: dict[str, Scalar]
    ) -> list[tuple[str | None, Value]]:
        """Return Nv1 at every bound Asky."""
        found: list[tuple[str | None, Value]] = []
        for area in self.companions("Asky", at):
            per_band = medians_over(counts, area, grid)
            extra = known | {
                f"median_{b}": float(m) for b, m in zip(bands(), per_band, strict=True)
            }
            number = int(np.ceil(area / grid.cell_area))
            value = Value(float(per_band.sum()), number, at={"Asky": area}, diagnostics=extra)
            found.append((None, value))
        return found


class Nv1Band(_Coverage):
    """Median visits per field in each band over the best 18,000 deg2 (LPM-17, table 24).

    The distribution of the visits over the bands; the document gives an example, no limit,
    so that nothing is judged. Cells and visits as for Nv1.

    Differs from the peers: MAF shows the same medians on finer cells.
    Not measured when: Nv1 is not.
    """

    id = "survey.coverage.nv1_band"
    unit = ""
    title = "Visits per field by band"
    requirements = tuple(f"LPM-17.Nv1/example-{b}" for b in "ugrizy")

    def values(
        self, counts: NDArray[np.int64], grid: SkyGrid, at: Bindings, known: dict[str, Scalar]
    ) -> list[tuple[str | None, Value]]:
        """Return the median of each band."""
        area = float(self.recipe["Asky"])
        number = int(np.ceil(area / grid.cell_area))
        per_band = medians_over(counts, area, grid)
        return [
            (b, Value(float(m), number, diagnostics=known))
            for b, m in zip(bands(), per_band, strict=True)
        ]

    def evidence(self, state: UnitRows) -> Mapping[str, Mapping[str, NDArray[Any]]]:
        """Return the visits per cell of each band."""
        try:
            counts, grid, _ = survey_counts(state, self.recipe)
        except NotMeasured:
            return {}
        seen = np.flatnonzero(counts.sum(axis=0))
        return {
            b: evidence_of(seen, counts[k].astype(np.float64), grid) for k, b in enumerate(bands())
        }
