"""Depth of the stacked visits of every cell: the example of LPM-17, table 24."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Column, Measurement, Recipe, Tables
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.survey.counts import most_visited
from skyassay.metrics.survey.coverage import evidence_of
from skyassay.metrics.survey.sky import SkyGrid, sky_grid
from skyassay.metrics.survey.visits import DAYS_PER_YEAR, PRODUCT, VISITS, SurveyMetric, main_visits
from skyassay.pipeline.products import bands

Ints = NDArray[np.int64]
#: A visit of this depth weighs one; weights are kept as multiples of 2^-24, so that their
#: sums are whole numbers and the same in any order.
_UNIT_DEPTH, _STEP = 24.0, 2.0**24
#: Depths outside are no depths, mag.
_DEPTHS = (15.0, 30.0)
SRD = Recipe(
    "srd",
    {
        "visits": VISITS,
        "Asky": 18000.0,
        "statistic": "median over the most visited area of 1.25 log10 sum 10^(0.8 depth)",
    },
)


@dataclass(frozen=True, eq=False)
class Stack:
    """Sums over the visits of each band and cell.

    Attributes
    ----------
    weight, number : ndarray of int64, shape (n_bands, n_cells), or empty before the first visit
        Sum of ``10^(0.8 (depth - 24))`` in units of 2^-24; visits.
    first, last : float
        Times of the first and last visit, MJD.
    counts : mapping
        Rows left out, by reason.
    """

    weight: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    number: Ints = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    first: float = math.inf
    last: float = -math.inf
    counts: Mapping[str, int] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return canonical bytes."""
        text = [f"{k}={v}" for k, v in sorted(self.counts.items()) if v]
        head = f"{self.first!r} {self.last!r} {' '.join(text)}".encode()
        return b"\0".join([head, self.weight.tobytes(), self.number.tobytes()])


class CoaddDepth(BaseMetric):
    """Depth of the ideal stack of a field's visits, mag (LPM-17, section 3.4.0.1, table 24).

    Each visit counts with its own five-sigma depth, so airmass, Moon, seeing and cloud are in
    it, as they are not in the document's example; the stack is ideal. The median over the
    18,000 deg2 with the most visits; cells, visits and exclusions as for Nv1. The document
    gives an example, no limit, so that nothing is judged.

    Differs from the peers: MAF's Coaddm5 is the same sum on finer cells.
    Not measured when: the visits have no depths, the table covers less than 9.5 or more than
    10.5 years (`out_of_scope_years`), or half the area has no visit in the band.
    """

    id = "survey.coverage.coadd_depth"
    unit = "mag(AB)"
    title = "Depth of the stacked visits"
    requirements = tuple(f"LPM-17.CoaddDepth/{b}" for b in "ugrizy")
    recipes = {"srd": SRD}  # noqa: RUF012
    inputs = {PRODUCT: (*SurveyMetric.inputs[PRODUCT], Column("magLim", "mag"))}  # noqa: RUF012
    locality = "visit"

    def zero(self) -> Stack:
        """Return no visits."""
        return Stack()

    def fold(self, part: Tables) -> Stack:
        """Return the sums of one partition."""
        table = part[PRODUCT]
        depth = np.asarray(table["magLim"], dtype=np.float64)
        with np.errstate(invalid="ignore"):
            known = (depth > _DEPTHS[0]) & (depth < _DEPTHS[1])
        rows = main_visits({n: c[known] for n, c in table.items()})
        counts = {**rows.counts, "n_no_depth": int((~known).sum())}
        if not len(rows):
            return Stack(counts=counts)
        order = np.argsort(np.asarray(table["visit"])[known], kind="stable")
        kept = np.isin(np.asarray(table["visit"])[known][order], rows["visit"])
        depth = depth[known][order][kept]
        return _stacked(rows["ra"], rows["dec"], rows["band"], depth, rows["mjd"], counts)

    def merge(self, a: Stack, b: Stack) -> Stack:
        """Return the sums of both."""
        counts = {k: a.counts.get(k, 0) + b.counts.get(k, 0) for k in {*a.counts, *b.counts}}
        if not (a.weight.size and b.weight.size):
            some = a if a.weight.size else b
            return Stack(some.weight, some.number, some.first, some.last, counts)
        weight, number = a.weight + b.weight, a.number + b.number
        return Stack(weight, number, min(a.first, b.first), max(a.last, b.last), counts)

    def finish(self, state: Stack, at: Bindings) -> list[Measurement]:
        """Return the median depth of each band, or why there is none."""
        left_out = sum(v for k, v in state.counts.items() if k != "n_special")
        try:
            best = self._best(state)
        except NotMeasured as why:
            return [self.not_measured(why, n_rejected=left_out)]
        found = []
        for k, band in enumerate(bands()):
            depth = float(np.median(_depths(state.weight[k, best])))
            if math.isfinite(depth):
                value = Value(depth, len(best), diagnostics={"n_units": len(best)})
                found.append(self.measured(value, band=band, n_rejected=left_out))
            else:
                none = NotMeasured("band_not_observed", "Half the area has no visit in this band.")
                found.append(self.not_measured(none, band=band, n_rejected=left_out))
        return found

    def _best(self, state: Stack) -> Ints:
        """Return the most visited cells.

        Raises
        ------
        NotMeasured
            ``no_visits``, ``out_of_scope_years``.
        """
        cuts = self.recipe["visits"]
        if not state.weight.size:
            raise NotMeasured("no_visits", "The table has no main-survey visit with a depth.")
        covered = (state.last - state.first) / DAYS_PER_YEAR
        if not cuts["min_years"] <= covered <= 2.0 * cuts["years"] - cuts["min_years"]:
            raise NotMeasured(
                "out_of_scope_years",
                f"The table covers {covered:.2f} years; the example is about {cuts['years']:g}.",
            )
        number = math.ceil(self.recipe["Asky"] / _grid().cell_area)
        return most_visited(state.number)[:number]

    def evidence(self, state: Stack) -> Mapping[str, Mapping[str, NDArray[Any]]]:
        """Return the depth of the cells in each band."""
        found = {}
        for k, band in enumerate(bands() if state.weight.size else ()):
            seen = np.flatnonzero(state.weight[k])
            if len(seen):
                found[band] = evidence_of(seen, _depths(state.weight[k]), _grid())
        return found


def _grid() -> SkyGrid:
    return sky_grid(VISITS["healpix_order"], VISITS["field_deg2"])


def _depths(weight: Ints) -> NDArray[np.float64]:
    """Return the depth of stacks, mag; minus infinity without visits."""
    with np.errstate(divide="ignore"):
        return np.asarray(_UNIT_DEPTH + 1.25 * np.log10(weight / _STEP))


def _stacked(
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    band: Ints,
    depth: NDArray[np.float64],
    mjd: NDArray[np.float64],
    counts: Mapping[str, int],
) -> Stack:
    """Return the sums of visits in any order."""
    grid, number = _grid(), len(bands())
    own = np.rint(10.0 ** (0.8 * (depth - _UNIT_DEPTH)) * _STEP).astype(np.int64)
    weight, visits = (np.zeros(number * grid.size, dtype=np.int64) for _ in range(2))
    for row, cell in grid.seen(ra, dec):
        key = band[row] * grid.size + cell
        np.add.at(weight, key, own[row])
        visits += np.bincount(key, minlength=len(visits))
    shape = (number, grid.size)
    first, last = float(mjd.min()), float(mjd.max())
    return Stack(weight.reshape(shape), visits.reshape(shape), first, last, counts)
