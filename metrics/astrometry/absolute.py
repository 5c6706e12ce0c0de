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
    Compared,
    compare,
    good_rows,
    magnitudes,
    nothing,
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
from skyassay.metrics.states.hashing import splitmix64
from skyassay.metrics.states.row_sample import RowSample, from_rows, likely, merge
from skyassay.metrics.statistics.crossed import Labels, crossed_quantile, crossed_rms, shares
from skyassay.metrics.statistics.sky_grid import place
from skyassay.metrics.statistics.tails import scaled

_KEY = ("lot", "objectId", "visit", "band")
#: Single measurements kept, of all bands together: 6 MB, and far more than an interval needs.
BOUND = 2**16
_EVIDENCE_ROWS = 4_000
#: More positions out of reach of their reference than this share are no measurement.
_MOST_LOST = 0.05
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
    #: Units of the value per mas.
    scale: ClassVar[float] = 1.0

    @property
    def state_key(self) -> str:
        """Return the hash of the recipe: one fold serves both."""
        return f"absolute:{self.recipe.hash}"

    def zero(self) -> RowSample:
        """Return the state of no data."""
        return RowSample(_KEY, bound=BOUND)

    def fold(self, part: Tables) -> RowSample:
        """Return the errors of one partition's positions."""
        table = part[PRODUCT]
        if not len(table["objectId"]):
            return self.zero()
        rows, counts = good_rows(table, self.recipe["cuts"])
        draw = _lot(table, rows)
        chosen = likely(draw, BOUND)
        rows, draw = rows[chosen], draw[chosen]
        stars, _ = reference.frame(part[reference.PRODUCT], self.recipe["reference_error_max_mas"])
        try:
            found = compare(table, rows, stars, self.recipe["match_radius_arcsec"])
        except NotMeasured as why:
            return from_rows(_KEY, {}, {f"cannot_{why.reason}": 1}, bound=BOUND)
        columns = _columns(table, rows, draw, found)
        return from_rows(_KEY, columns, counts, bound=BOUND)

    def merge(self, a: RowSample, b: RowSample) -> RowSample:
        """Return the errors of both parts."""
        return merge(a, b)

    def finish(self, state: RowSample, at: Bindings) -> list[Measurement]:
        """Return one measurement per band and coordinate."""
        matched = np.isfinite(state["east"])
        if not matched.any():
            notes = dict(sorted(state.counts.items()))
            return [self.not_measured(nothing(state.counts), diagnostics=notes)]
        found: list[Measurement] = []
        for band in sorted(set(state["band"].tolist())):
            here = state["band"] == band
            lost = int((here & ~matched).sum())
            try:
                _refuse_lost(state, here, matched)
                values = self._values(state, here & matched)
            except NotMeasured as why:
                number = int((here & matched).sum())
                found.append(self.not_measured(why, band=band, n=number, n_rejected=lost))
                continue
            found += [self.measured(v, band=band, n_rejected=lost) for v in values]
        return found

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
                "offset": float(error.mean()) * self.scale,
                "scatter": float(error.std()) * self.scale,
                **shares(error, labels),
            }
            result, number = scaled(interval, self.scale), int(here.sum())
            note = {**notes, **own}
            found.append(Value(value * self.scale, number, result, None, component, note))
        return found

    def labels(self, state: RowSample, here: NDArray[np.bool_]) -> Labels:
        """Return what shares errors: the visit, and the place on the sky."""
        cell = place(state["ra"][here], state["dec"][here], self.recipe["cell_deg"]).cell
        return {"visit": state["visit"][here], "sky_cell": cell}

    def statistic(self, error: NDArray[np.float64], labels: Labels) -> tuple[float, Interval]:
        """Return the value of one coordinate with its interval, mas."""
        raise NotImplementedError

    def evidence(self, state: RowSample) -> Mapping[str, Table]:
        """Return per band the size of single errors, and where and when they were."""
        found: dict[str, Table] = {}
        matched = np.isfinite(state["east"])
        for band in sorted(set(state["band"].tolist())) if matched.any() else ():
            rows = np.flatnonzero((state["band"] == band) & matched)[:_EVIDENCE_ROWS]
            east, north = (self.scale * state[n][rows] for n in ("east", "north"))
            names = ("ra", "dec", "mag", "mjd", "visit")
            found[str(band)] = {
                "value": np.hypot(east, north),
                **{name: state[name][rows] for name in names},
                "east": east,
                "north": north,
            }
        return found


def _refuse_lost(state: RowSample, here: NDArray[np.bool_], matched: NDArray[np.bool_]) -> None:
    """Refuse positions of which many are out of reach of the star that they belong to.

    A star that has a reference has it always: its positions that do not find it are off by
    more than the match radius, or have no date. Left out in silence they would flatter.

    Raises
    ------
    NotMeasured
        ``positions_unmatched``.
    """
    known = here & np.isin(state["objectId"], state["objectId"][matched])
    lost = int((known & ~matched).sum())
    if lost > _MOST_LOST * int(known.sum()):
        raise NotMeasured(
            "positions_unmatched",
            f"{lost} of {int(known.sum())} positions of stars with a reference are farther from "
            "it than the match radius, or have no date: their errors are not known.",
        )


def _lot(table: Table, rows: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return a fixed random number of each measurement: its star's and its visit's together."""
    star = splitmix64(np.asarray(table["objectId"])[rows].astype(np.int64))
    visit = np.asarray(table["visit"])[rows].astype(np.int64).view(np.uint64)
    return np.asarray((star ^ visit).view(np.int64))


def _columns(
    table: Table, rows: NDArray[np.intp], lot: NDArray[np.int64], found: Compared
) -> dict[str, NDArray[Any]]:
    """Return the columns of the state; rows without a reference star have no error."""
    at = np.searchsorted(rows, found.row)
    errors = {name: np.full(len(rows), np.nan) for name in ("east", "north", "mjd")}
    for name, column in errors.items():
        column[at] = getattr(found, name)
    return {
        "lot": lot,
        "objectId": np.asarray(table["objectId"])[rows].astype(np.int64),
        "visit": np.asarray(table["visit"])[rows].astype(np.int64),
        "band": np.asarray(table["band"])[rows].astype(str),
        "ra": np.asarray(table["coord_ra"], dtype=np.float64)[rows],
        "dec": np.asarray(table["coord_dec"], dtype=np.float64)[rows],
        "mag": magnitudes(table, rows),
        **errors,
    }


class AA1(AbsoluteMetric):
    """Median absolute position error per coordinate of bright stars, mas.

    The error is a star's position in one visit less that of the external catalogue, carried
    to the same time, east (times cos dec) and north. A constant offset counts in full. Of
    normal errors with rms s about zero the median is 0.6745 s; the SRD says median, and the
    median it is. Section 3.3.5.2 stands among the specifications of single images, so the
    positions are those of single visits; each band is measured, the worst decides.
    Source: LPM-17, section 3.3.5.2, table 20; LSE-61, DMS-REQ-0360.

    Differs from the peers: no peer computes AA1; analysis_tools plots the same residuals.
    Not measured when: no reference stars are matched, fewer than 30 stars of a band have one,
    the data hold one visit or one cell of the sky only, or more than 5 % of the positions of
    stars with a reference are out of reach of it.
    """

    id = "astrometry.absolute.aa1"
    title = "Median absolute position error per coordinate (AA1)"
    requirements = ("LPM-17.AA1/value", "DMS-REQ-0360/AA1")

    def statistic(self, error: NDArray[np.float64], labels: Labels) -> tuple[float, Interval]:
        """Return the median of the absolute errors."""
        return crossed_quantile(np.abs(error), labels, 0.5)


class PositionRms(AbsoluteMetric):
    """Rms position error per coordinate against the external frame, arcsec.

    Definition as for AA1, with the root mean square about zero in place of the median (note
    on the flow-down from OSS to DMSR: rms per coordinate). What the sky and the telescope
    add is in it too, so it is an upper limit of what the processing adds.
    Source: LSE-30, OSS-REQ-0162, as the note on the flow-down from OSS to DMSR quotes it.

    Differs from the peers: faro's dmL2AstroErr is the scatter about a star's own mean, which
    no error of the frame can move.
    Not measured when: as for AA1.
    """

    id = "astrometry.absolute.rms"
    unit = "arcsec"
    scale = 1e-3
    title = "Rms position error per coordinate against the external frame"
    requirements = ("OSS-REQ-0162/dmL2AstroErr",)

    def statistic(self, error: NDArray[np.float64], labels: Labels) -> tuple[float, Interval]:
        """Return the root mean square of the errors."""
        return crossed_rms(error, labels)
