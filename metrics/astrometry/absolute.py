"""Absolute astrometry: AA1 and the rms of the same errors (LPM-17 3.3.5.2; LSE-61 5.1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.astrometry import reference
from skyassay.metrics.astrometry.measured import (
    PRODUCT,
    SOURCE_COLUMNS,
    compare,
    dates,
    good_rows,
    magnitudes,
)
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
from skyassay.metrics.statistics.crossed import Labels, crossed_quantile, crossed_rms, shares
from skyassay.metrics.statistics.sky_grid import place

_KEY = ("objectId", "visit", "band")
_EVIDENCE_ROWS = 4_000
COMPONENTS = (("ra", "east"), ("dec", "north"))

SRD = Recipe(
    "srd",
    {
        # Photon noise of 6 mas at most: an eighth of the limit.
        "cuts": {"snr_min": 50.0, "extendedness_max": 0.5},
        "match_radius_arcsec": 1.0,
        "reference_error_max_mas": 5.0,
        "cell_deg": 0.7,
        "min_stars": 30,
        "epoch": "reference carried to the position's epoch by proper motion and parallax",
    },
)


@dataclass(frozen=True)
class AbsoluteMetric(BaseMetric):
    """Shared by both: errors of single-visit positions against the external frame."""

    unit: ClassVar[str] = "mas"
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": SRD}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: SOURCE_COLUMNS,
        reference.PRODUCT: reference.COLUMNS,
    }
    locality: ClassVar[Locality] = "object"
    error_units: ClassVar[tuple[str, ...]] = ("visit", "sky cell")

    @property
    def state_key(self) -> str:
        """Return the hash of the recipe: one fold serves both."""
        return f"absolute:{self.recipe.hash}"

    def zero(self) -> RowSample:
        """Return the state of no data."""
        return RowSample(_KEY)

    def fold(self, part: Tables) -> RowSample:
        """Return the errors of one partition's positions."""
        table = part[PRODUCT]
        stars, refused = reference.frame(
            part[reference.PRODUCT], self.recipe["reference_error_max_mas"]
        )
        rows, counts = good_rows(table, self.recipe["cuts"])
        if not len(table["objectId"]):
            return self.zero()
        try:
            found = compare(table, rows, stars, self.recipe["match_radius_arcsec"], by_object=True)
        except NotMeasured as why:
            return from_rows(_KEY, {}, {f"cannot_{why.reason}": 1})
        counts |= {
            "rejected_unmatched": found.unmatched,
            "rejected_undated": found.undated,
            "no_reference": int(len(stars) == 0 and refused > 0),
        }
        return from_rows(_KEY, self._columns(table, found.row, found.east, found.north), counts)

    def _columns(
        self,
        table: Table,
        row: NDArray[np.intp],
        east: NDArray[np.float64],
        north: NDArray[np.float64],
    ) -> dict[str, NDArray[Any]]:
        return {
            "objectId": np.asarray(table["objectId"])[row].astype(np.int64),
            "visit": np.asarray(table["visit"])[row].astype(np.int64),
            "band": np.asarray(table["band"])[row].astype(str),
            "ra": np.asarray(table["coord_ra"], dtype=np.float64)[row],
            "dec": np.asarray(table["coord_dec"], dtype=np.float64)[row],
            "east": east,
            "north": north,
            "mag": magnitudes(table, row),
            "mjd": dates(table)[0][row],
        }

    def merge(self, a: RowSample, b: RowSample) -> RowSample:
        """Return the errors of both parts."""
        return merge(a, b)

    def finish(self, state: RowSample, at: Bindings) -> list[Measurement]:
        """Return one measurement per band and coordinate."""
        if not len(state):
            return [self._nothing(state)]
        found: list[Measurement] = []
        for band in sorted(set(state["band"].tolist())):
            try:
                values = self._values(state, state["band"] == band)
            except NotMeasured as why:
                number = len(np.unique(state["objectId"][state["band"] == band]))
                found.append(self.not_measured(why, band=band, n=number))
                continue
            rejected = sum(v for k, v in state.counts.items() if k.startswith("rejected"))
            found += [self.measured(v, band=band, n_rejected=rejected) for v in values]
        return found

    def _nothing(self, state: RowSample) -> Measurement:
        why = NotMeasured(
            "no_reference_match",
            "No good measurement has a star of reference_star; see the numbers rejected.",
        )
        if state.counts.get("cannot_no_epoch"):
            why = NotMeasured(
                "no_epoch", "matched_source needs expMidptMJD, or epochMjdTai for brought places."
            )
        return self.not_measured(why, diagnostics=dict(sorted(state.counts.items())))

    def _values(self, state: RowSample, here: NDArray[np.bool_]) -> list[Value]:
        stars = len(np.unique(state["objectId"][here]))
        if stars < self.recipe["min_stars"]:
            raise NotMeasured(
                "too_few_stars",
                f"{stars} stars have a reference; the recipe needs {self.recipe['min_stars']}.",
            )
        labels = self.labels(state, here)
        units = {name: len(np.unique(label)) for name, label in labels.items()}
        notes: dict[str, Scalar] = {
            "n_units": min(units.values()),
            "n_visits": units["visit"],
            "n_cells": units["sky_cell"],
            "n_stars": stars,
            "sampled": state.sampled,
        }
        found = []
        for component, column in COMPONENTS:
            error = state[column][here]
            value, interval = self.statistic(error, labels)
            own = {
                "offset": float(error.mean()),
                "scatter": float(error.std()),
                **shares(error, labels),
            }
            found.append(Value(value, int(here.sum()), interval, None, component, {**notes, **own}))
        return found

    def labels(self, state: RowSample, here: NDArray[np.bool_]) -> Labels:
        """Return what shares errors: the visit, and the place on the sky."""
        cell = place(state["ra"][here], state["dec"][here], self.recipe["cell_deg"]).cell
        return {"visit": state["visit"][here], "sky_cell": cell}

    def statistic(self, error: NDArray[np.float64], labels: Labels) -> tuple[float, Interval]:
        """Return the value of one coordinate with its interval."""
        raise NotImplementedError

    def evidence(self, state: RowSample) -> Mapping[str, Table]:
        """Return per band the size of single errors (mas), and where and when they were."""
        found: dict[str, Table] = {}
        for band in sorted(set(state["band"].tolist())) if len(state) else ():
            rows = np.flatnonzero(state["band"] == band)[:_EVIDENCE_ROWS]
            found[str(band)] = {
                "value": np.hypot(state["east"][rows], state["north"][rows]),
                **{name: state[name][rows] for name in ("ra", "dec", "mag", "mjd", "visit")},
                "east": state["east"][rows],
                "north": state["north"][rows],
            }
        return found


class AA1(AbsoluteMetric):
    """Median absolute position error per coordinate of bright stars, mas.

    The error is a star's position in one visit less that of the external catalogue, carried
    to the same time, east (times cos dec) and north. A constant offset counts in full. Of
    normal errors with rms s about zero the median is 0.6745 s; the SRD says median, and the
    median it is. Section 3.3.5.2 stands among the specifications of single images, so the
    positions are those of single visits; each band is measured, the worst decides.

    Differs from the peers: no peer computes AA1; analysis_tools plots the same residuals.
    Not measured when: no reference stars are matched, fewer than 30 stars of a band have one,
    or the data hold one visit or one cell of the sky only.
    """

    id = "astrometry.absolute.aa1"
    title = "Median absolute position error per coordinate (AA1)"
    requirements = ("LPM-17.AA1/value", "DMS-REQ-0360/AA1")

    def statistic(self, error: NDArray[np.float64], labels: Labels) -> tuple[float, Interval]:
        """Return the median of the absolute errors."""
        return crossed_quantile(np.abs(error), labels, 0.5)


class PositionRms(AbsoluteMetric):
    """Rms position error per coordinate against the external frame, mas.

    Definition as for AA1, with the root mean square about zero in place of the median (note
    on the flow-down from OSS to DMSR: rms per coordinate). What the sky and the telescope
    add is in it too, so it is an upper limit of what the processing adds.

    Differs from the peers: faro's dmL2AstroErr is the scatter about a star's own mean, which
    no error of the frame can move.
    Not measured when: as for AA1.
    """

    id = "astrometry.absolute.rms"
    title = "Rms position error per coordinate against the external frame"
    requirements = ("OSS-REQ-0162/dmL2AstroErr",)

    def statistic(self, error: NDArray[np.float64], labels: Labels) -> tuple[float, Interval]:
        """Return the root mean square of the errors."""
        return crossed_rms(error, labels)
