"""Errors of parallaxes and proper motions: SIGpara, SIGpm, SIGparaRed (LPM-17 3.4.0.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.astrometry.fitted import NEEDED, errors, in_range, joined
from skyassay.metrics.contract import (
    Bindings,
    Column,
    Interval,
    Locality,
    Measurement,
    Recipe,
    Scalar,
    Table,
    Tables,
)
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.row_sample import RowSample, from_rows, merge
from skyassay.metrics.statistics.crossed import crossed_quantile, shares
from skyassay.metrics.statistics.sky_grid import place
from skyassay.metrics.statistics.tails import scaled

PRODUCT, TRUTH = "isolated_star_stellar_motions", "truth_motion"
_BANDS = ("u", "g", "r", "i", "z", "y")
_EVIDENCE_ROWS = 4_000
#: More stars without a finite fit than this share are no measurement.
_MOST_LOST = 0.05
#: Standard deviation of a normal over the median of its absolute value.
SIGMA_OF_MEDIAN = 1.482602218505602
_SCOPE: dict[str, Any] = {
    "cell_deg": 0.7,
    "min_stars": 30,
    "min_cells": 4,
    # The SRD speaks of the end of a ten-year survey.
    "min_years": 9.0,
}
FAINT = Recipe("srd", {**_SCOPE, "mag": {"r": [23.75, 24.25]}})
#: y of a 10-sigma detection at the design depth D1 (22.1 at 5 sigma), and the 5-sigma design
#: depth that such a star does not reach in any other band.
RED = Recipe(
    "srd",
    {
        **_SCOPE,
        "mag": {
            "y": [21.1, 21.6],
            "u": [23.9, None],
            "g": [25.0, None],
            "r": [24.7, None],
            "i": [24.0, None],
            "z": [23.3, None],
        },
    },
)


@dataclass(frozen=True)
class MotionMetric(BaseMetric):
    """Shared by all: fitted less true, of stars of a chosen true magnitude.

    A median error s of normal errors is read as their standard deviation, 1.4826 times the
    median absolute error, not as the median absolute error itself (which would allow half as
    much again): the SRD's 3 mas and 1 mas/yr at r = 24 are the standard errors of Ivezic et
    al. (2019), table 3. Errors are true ones, about zero, so what all stars share counts; the
    quoted errors are only looked at beside (``pull_width``).
    """

    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": FAINT}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (
            Column("objectId"),
            Column("ra", "deg"),
            Column("dec", "deg"),
            Column("parallax", "mas"),
            Column("raPM", "mas/yr"),
            Column("decPM", "mas/yr"),
            Column("parallaxErr", "mas", optional=True),
            Column("raPMErr", "mas/yr", optional=True),
            Column("decPMErr", "mas/yr", optional=True),
            Column("firstEpochMjdTai", "d"),
            Column("lastEpochMjdTai", "d"),
        ),
        TRUTH: (
            Column("objectId"),
            Column("parallax", "mas"),
            Column("pmRa", "mas/yr"),
            Column("pmDec", "mas/yr"),
            *(Column(f"{band}_mag", "mag") for band in _BANDS),
        ),
    }
    locality: ClassVar[Locality] = "object"
    error_units: ClassVar[tuple[str, ...]] = ("sky cell",)
    band: ClassVar[str] = "r"
    components: ClassVar[Mapping[str | None, str]] = {None: "parallax"}

    @property
    def state_key(self) -> str:
        """Return the hash of the recipe: metrics of the same stars share their state."""
        return f"motions:{self.recipe.hash}"

    def zero(self) -> RowSample:
        """Return the state of no data."""
        return RowSample(("objectId",))

    def fold(self, part: Tables) -> RowSample:
        """Return the true errors of one partition's stars."""
        fitted, truth = part[PRODUCT], part[TRUTH]
        row, true_row, unknown = joined(fitted, truth)
        chosen = in_range(truth, true_row, self.recipe["mag"])
        row, true_row = row[chosen], true_row[chosen]
        columns = errors(fitted, truth, row, true_row, tuple(self.recipe["mag"]))
        good = np.all([np.isfinite(columns[name]) for name in NEEDED], axis=0)
        counts = {
            "rejected_no_truth": unknown,
            "rejected_magnitude": int((~chosen).sum()),
            "rejected_no_fit": int((~good).sum()),
            "used": int(good.sum()),
        }
        kept = {name: column[good] for name, column in columns.items()}
        return from_rows(("objectId",), kept, counts)

    def merge(self, a: RowSample, b: RowSample) -> RowSample:
        """Return the stars of both parts."""
        return merge(a, b)

    def finish(self, state: RowSample, at: Bindings) -> list[Measurement]:
        """Return one measurement per component."""
        try:
            values = self._values(state)
        except NotMeasured as why:
            notes: dict[str, Scalar] = dict(sorted(state.counts.items()))
            return [self.not_measured(why, band=self.band, n=len(state), diagnostics=notes)]
        rejected = state.counts.get("rejected_no_truth", 0) + state.counts.get("rejected_no_fit", 0)
        return [self.measured(v, band=self.band, n_rejected=rejected) for v in values]

    def _values(self, state: RowSample) -> list[Value]:
        years = float(np.median(state["years"])) if len(state) else np.inf
        if years < self.recipe["min_years"]:
            raise NotMeasured(
                "out_of_scope_short_baseline",
                f"Half of the fits span less than {years:.2g} years; the limit is for the end of "
                "a ten-year survey.",
            )
        if len(state) < self.recipe["min_stars"]:
            raise NotMeasured(
                "too_few_stars",
                f"{len(state)} stars of the asked magnitude have a fit and a truth; the recipe "
                f"needs {self.recipe['min_stars']}.",
            )
        lost, used = (state.counts.get(n, 0) for n in ("rejected_no_fit", "used"))
        if lost > _MOST_LOST * (lost + used):
            raise NotMeasured(
                "fits_missing",
                f"{lost} of {lost + used} stars of the asked magnitude have no finite fit, more "
                f"than {_MOST_LOST:.0%}: they may be just those that cannot be fitted well.",
            )
        cell = place(state["ra"], state["dec"], self.recipe["cell_deg"]).cell
        cells = len(np.unique(cell))
        if cells < self.recipe["min_cells"]:
            raise NotMeasured(
                "too_few_cells",
                f"The stars lie in {cells} cells of the sky; the recipe needs "
                f"{self.recipe['min_cells']} to know what they share.",
            )
        return [
            self._value(state, name, component, cell) for component, name in self.components.items()
        ]

    def _value(
        self, state: RowSample, name: str, component: str | None, cell: NDArray[np.int64]
    ) -> Value:
        error, quoted = state[name], state[f"{name}_quoted"]
        labels = {"sky_cell": cell}
        value, interval = _sigma(error, labels)
        notes: dict[str, Scalar] = {
            "n_units": len(np.unique(cell)),
            "years": float(np.median(state["years"])),
            "offset": float(np.median(error)),
            "sampled": state.sampled,
            **shares(error, labels),
        }
        known = np.isfinite(quoted) & (quoted > 0)
        if known.any():
            pull = np.abs(error[known] / quoted[known])
            notes["pull_width"] = float(SIGMA_OF_MEDIAN * np.median(pull))
            notes["quoted_error"] = float(np.median(quoted[known]))
        return Value(value, len(error), interval, None, component, notes)

    def evidence(self, state: RowSample) -> Mapping[str, Table]:
        """Return single errors, with their sign, and where the stars are."""
        if not len(state):
            return {}
        rows = slice(0, _EVIDENCE_ROWS)
        first, *others = self.components.values()
        names = {"value": first, "ra": "ra", "dec": "dec", "mag": "mag"}
        names |= {f"value_{name}": name for name in others}
        return {self.band: {name: state[column][rows] for name, column in names.items()}}


def _sigma(
    error: NDArray[np.float64], labels: Mapping[str, NDArray[Any]]
) -> tuple[float, Interval]:
    """Return the standard deviation that the median absolute error stands for."""
    median, interval = crossed_quantile(np.abs(error), labels, 0.5)
    return SIGMA_OF_MEDIAN * median, scaled(interval, SIGMA_OF_MEDIAN)


class ParallaxError(MotionMetric):
    """Standard error of parallaxes at r = 24, from true errors, mas (SIGpara).

    1.4826 times the median of |fitted - true| over stars with a true r of 23.75 to 24.25 whose
    fits span nine years or more. Source: LPM-17, section 3.4.0.2, table 26.

    Differs from the peers: MAF's `ParallaxMetric` predicts the formal error from visit times;
    this is the error that was made.
    Not measured when: there is no truth, fewer than 30 such stars, they lie in fewer than
    four cells of the sky, or more than 5 % of them have no finite fit; not applicable when half
    of the fits span less than nine years.
    """

    id = "astrometry.motion.parallax"
    unit = "mas"
    title = "Error of parallaxes at r = 24 (SIGpara)"
    requirements = ("LPM-17.SIGpara/r",)


class ProperMotionError(MotionMetric):
    """Standard error of proper motions at r = 24 per coordinate, mas/yr (SIGpm).

    As SIGpara, for the proper motion east (times cos dec) and north, each by itself; the worse
    decides. Source: LPM-17, section 3.4.0.2, table 26.

    Differs from the peers: MAF's `ProperMotionMetric` predicts the formal error from visit
    times; this is the error that was made.
    Not measured when: as SIGpara.
    """

    id = "astrometry.motion.proper_motion"
    unit = "mas/yr"
    title = "Error of proper motions at r = 24 per coordinate (SIGpm)"
    requirements = ("LPM-17.SIGpm/r",)
    components = {"ra": "pm_ra", "dec": "pm_dec"}  # noqa: RUF012 - a class constant


class RedParallaxError(MotionMetric):
    """Standard error of parallaxes of stars that only y sees at 10 sigma, mas (SIGparaRed).

    As SIGpara, for stars within 0.25 mag of y = 21.35, the 10-sigma depth of a single visit
    that goes with the design depth D1 (22.1 at 5 sigma), and fainter than the 5-sigma design
    depth in every other band. The 10 sigma are those of a single visit: of a ten-year stack
    they would give 50 mas, not 6. Source: LPM-17, section 3.4.0.2, table 26.

    Differs from the peers: as SIGpara.
    Not measured when: as SIGpara.
    """

    id = "astrometry.motion.parallax_red"
    unit = "mas"
    title = "Error of parallaxes of stars seen in y alone (SIGparaRed)"
    requirements = ("LPM-17.SIGparaRed/y",)
    recipes = {"srd": RED}  # noqa: RUF012
    band = "y"
