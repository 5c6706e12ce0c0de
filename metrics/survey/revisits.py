"""Area that is visited again within minutes: RVA1 (LPM-17, section 3.4.0.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Measurement, Recipe
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.states.unit_rows import UnitRows
from skyassay.metrics.survey.counts import survey_counts
from skyassay.metrics.survey.coverage import evidence_of
from skyassay.metrics.survey.sky import SkyGrid
from skyassay.metrics.survey.visits import VISITS, SurveyMetric, notes, refused

Ints = NDArray[np.int64]
SECONDS = 86400.0
#: Visits whose cells are sorted at once.
_CHUNK = 40_000
SRD = Recipe(
    "srd",
    {
        "visits": VISITS,
        "interval_s": [40.0, 1800.0],
        "parts": 3,
        "min_revisits": 82,
        "min_per_part": 14,
        "statistic": "area of the cells with enough intervals between consecutive visits",
    },
)


class RVA1(SurveyMetric):
    """Area with revisits on scales from 40 s to 30 min, deg2 (LPM-17, section 3.4.0.2).

    A revisit is the interval from one visit of a HEALPix cell (order 6, centre in the round
    field of 9.6 deg2) to the next, in any bands. A cell counts with at least 82 revisits of
    40 s to 30 min in ten years, a tenth of its visits; as the document asks for a nearly
    uniform sampling of these scales, each third of the range must hold at least 14, half of
    an even share. Special programs and exposures below 24 s do not count.

    Differs from the peers: MAF's RapidRevisit asks for 82 revisits of 40 s to 30 min, 28 of
    them below 20 min, which pairs at one spacing can satisfy; here each third counts.
    Not measured when: the table covers less than 9.5 years (`out_of_scope_years`) or less
    than 1000 deg2 (`out_of_scope_area`), has no column that marks special programs, or two
    visits have one time.
    """

    id = "survey.cadence.rva1"
    unit = "deg2"
    title = "Area with fast revisits (RVA1)"
    requirements = ("LPM-17.RVA1/value",)
    recipes = {"srd": SRD}  # noqa: RUF012

    def finish(self, state: UnitRows, at: Bindings) -> list[Measurement]:
        """Return the area, or why there is none."""
        try:
            _, grid, rows = survey_counts(state, self.recipe)
        except NotMeasured as why:
            return [self.not_measured(why, n=len(state), n_rejected=refused(state))]
        found = _revisits(rows, grid, self.recipe)
        good = self._good(found)
        known = notes(rows) | {
            "n_revisits": int(found.sum()),
            "area_any_spacing_deg2": round(
                float((found.sum(axis=0) >= self.recipe["min_revisits"]).sum() * grid.cell_area), 1
            ),
        }
        value = Value(float(good.sum() * grid.cell_area), int(good.sum()), diagnostics=known)
        return [self.measured(value, n_rejected=refused(state))]

    def _good(self, found: Ints) -> NDArray[np.bool_]:
        enough = found.sum(axis=0) >= self.recipe["min_revisits"]
        even = (found >= self.recipe["min_per_part"]).all(axis=0)
        return np.asarray(enough & even)

    def evidence(self, state: UnitRows) -> Mapping[str, Mapping[str, NDArray[Any]]]:
        """Return the revisits per cell."""
        try:
            _, grid, rows = survey_counts(state, self.recipe)
        except NotMeasured:
            return {}
        total = _revisits(rows, grid, self.recipe).sum(axis=0)
        return {"": evidence_of(np.flatnonzero(total), total.astype(np.float64), grid)}


def _revisits(rows: UnitRows, grid: SkyGrid, recipe: Recipe) -> Ints:
    """Return the revisits of a recipe, shape (parts, n_cells)."""
    low, high = recipe["interval_s"]
    return revisits(rows, grid, low, high, recipe["parts"])


@lru_cache(maxsize=1)
def revisits(rows: UnitRows, grid: SkyGrid, low: float, high: float, parts: int) -> Ints:
    """Return how often cells were visited again, shape (parts, n_cells).

    Parameters
    ----------
    rows : UnitRows
        Visits sorted by time.
    grid : SkyGrid
    low, high : float
        Shortest and longest interval between consecutive visits, s; both are in.
    parts : int
        The range is cut into so many equal parts.
    """
    found = np.zeros((parts, grid.size), dtype=np.int64)
    edges = low + (high - low) / parts * np.arange(1, parts)
    for start, stop in _stretches(rows["mjd"], high):
        mjd = rows["mjd"][start:stop]
        pieces = list(grid.seen(rows["ra"][start:stop], rows["dec"][start:stop]))
        visit, cell = (np.concatenate(p) for p in zip(*pieces, strict=True))
        order = np.argsort(cell, kind="stable")  # the visits of a cell stay in time order
        time, cell = mjd[visit[order]], cell[order]
        # To the microsecond, which is what a time in days can hold.
        gap = np.round(np.diff(time) * SECONDS, 6)
        again = (np.diff(cell) == 0) & (gap >= low) & (gap <= high)
        key = np.searchsorted(edges, gap[again], side="left") * grid.size + cell[1:][again]
        found += np.bincount(key, minlength=found.size).reshape(found.shape)
    found.flags.writeable = False
    return found


def _stretches(mjd: NDArray[np.float64], longest: float) -> Iterator[tuple[int, int]]:
    """Yield stretches of visits that end where the next comes later than `longest` (s)."""
    pauses = np.flatnonzero(np.diff(mjd) * SECONDS > longest + 1.0) + 1
    start = 0
    while start < len(mjd):
        after = np.searchsorted(pauses, start + _CHUNK)
        stop = int(pauses[after]) if after < len(pauses) else len(mjd)
        yield start, stop
        start = stop
