"""Recorded times against a reference clock: TACREL and TACABS (LPM-17 section 3.3.5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import (
    Bindings,
    Column,
    Locality,
    Measurement,
    Recipe,
    Scalar,
    Table,
    Tables,
)
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.row_sample import RowSample, from_rows, merge
from skyassay.metrics.statistics.crossed import crossed_rms, shares
from skyassay.metrics.statistics.tails import scaled

PRODUCT, TRUTH = "visit_table", "truth_visit"
#: Milliseconds per day; an MJD of 61,000 in double precision is good to 0.0006 ms.
MS = 86_400_000.0
_EVIDENCE_ROWS = 4_000
#: More visits without a recorded time than this share are no measurement.
_MOST_LOST = 0.05

SRD = Recipe(
    "srd",
    {
        "min_visits": 10,
        "min_nights": 3,
        # The date changes at noon UTC, as Rubin's day_obs does.
        "night_starts": 0.5,
        "time": "midpoint of the exposure",
    },
)


@dataclass(frozen=True)
class ClockMetric(BaseMetric):
    """Shared by both: recorded less true time of every visit's midpoint, ms."""

    unit: ClassVar[str] = "ms"
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": SRD}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (Column("visit"), Column("expMidptMJD", "d")),
        TRUTH: (Column("visit"), Column("trueMidptMJD", "d")),
    }
    locality: ClassVar[Locality] = "visit"
    error_units: ClassVar[tuple[str, ...]] = ("night",)

    @property
    def state_key(self) -> str:
        """Return the hash of the recipe: both metrics share one fold."""
        return f"clock:{self.recipe.hash}"

    def zero(self) -> RowSample:
        """Return the state of no data."""
        return RowSample(("visit",))

    def fold(self, part: Tables) -> RowSample:
        """Return the error of every visit's time in one partition."""
        table, truth = part[PRODUCT], part[TRUTH]
        mine, theirs = (np.asarray(t["visit"]).astype(np.int64) for t in (table, truth))
        visit, row, true_row = np.intersect1d(mine, theirs, return_indices=True)
        recorded = np.asarray(table["expMidptMJD"], dtype=np.float64)[row]
        true = np.asarray(truth["trueMidptMJD"], dtype=np.float64)[true_row]
        known = np.isfinite(true)
        good = np.isfinite(recorded) & known
        counts = {
            "rejected_no_truth": len(mine) - len(row) + int((~known).sum()),
            "rejected_no_time": int((known & ~good).sum()),
            "used": int(good.sum()),
        }
        night = np.floor(true[good] - self.recipe["night_starts"]).astype(np.int64)
        columns = {
            "visit": visit[good],
            "night": night,
            "mjd": true[good],
            # The difference of two nearby doubles is exact.
            "error": (recorded[good] - true[good]) * MS,
        }
        return from_rows(("visit",), columns, counts)

    def merge(self, a: RowSample, b: RowSample) -> RowSample:
        """Return the visits of both parts."""
        return merge(a, b)

    def finish(self, state: RowSample, at: Bindings) -> list[Measurement]:
        """Return the one measurement."""
        rejected = sum(n for name, n in state.counts.items() if name.startswith("rejected"))
        try:
            nights = len(np.unique(state["night"]))
            if len(state) < self.recipe["min_visits"] or nights < self.recipe["min_nights"]:
                raise NotMeasured(
                    "too_few_visits",
                    f"{len(state)} visits in {nights} nights have a time by the reference clock; "
                    f"{self.recipe['min_visits']} in {self.recipe['min_nights']} are needed.",
                )
            lost = state.counts.get("rejected_no_time", 0)
            if lost > _MOST_LOST * (lost + state.counts.get("used", 0)):
                raise NotMeasured(
                    "times_missing",
                    f"{lost} visits that the reference clock knows have no recorded time, more "
                    f"than {_MOST_LOST:.0%}: they may be just the wrong ones.",
                )
            value = self.value(state)
        except NotMeasured as why:
            notes: dict[str, Scalar] = dict(sorted(state.counts.items()))
            return [self.not_measured(why, n=len(state), n_rejected=rejected, diagnostics=notes)]
        return [self.measured(value, n_rejected=rejected)]

    def value(self, state: RowSample) -> Value:
        """Return the value.

        Raises
        ------
        NotMeasured
            With the reason.
        """
        raise NotImplementedError

    def evidence(self, state: RowSample) -> Mapping[str, Table]:
        """Return the error of single times (ms), in the order of time."""
        if not len(state):
            return {}
        rows = np.argsort(state["mjd"][:_EVIDENCE_ROWS], kind="stable")
        return {"": {"value": state["error"][rows], "mjd": state["mjd"][rows]}}


class TACABS(ClockMetric):
    """Rms error of recorded exposure times against a reference clock, ms.

    Recorded less true midpoint of each exposure; a constant offset, the clock's wander from
    night to night and the jitter of single exposures all count. Source: LPM-17, section
    3.3.5.3, table 21 ("absolute accuracy", no statistic is given there: an rms about zero is
    never below the offset, and has a sign that cannot be mistaken).

    Differs from the peers: none computes it.
    Not measured when: there is no reference clock, fewer than ten visits in three nights have
    a time by it, more than 5 % of those have no recorded time, or both times agree exactly (a
    clock compared with itself).
    """

    id = "timing.clock.tacabs"
    title = "Absolute accuracy of recorded times (TACABS)"
    requirements = ("LPM-17.TACABS/value",)

    def value(self, state: RowSample) -> Value:
        """Return the rms about zero."""
        error, night = state["error"], {"night": state["night"]}
        value, interval = crossed_rms(error, night)
        notes: dict[str, Scalar] = {
            "n_units": len(np.unique(state["night"])),
            "offset": float(error.mean()),
            "largest": float(np.abs(error).max()),
            **shares(error, night),
        }
        return Value(value, len(error), interval, diagnostics=notes)


class TACREL(ClockMetric):
    """Rms error of the time between two exposures of one night, ms.

    The square root of two times the scatter of the clock's error within a night (n - 1 in
    every night); the constant part of the error drops out. Source: LPM-17, section 3.3.5.3,
    table 21.

    Differs from the peers: none computes it.
    Not measured when: as TACABS, or when no night has two visits.
    """

    id = "timing.clock.tacrel"
    title = "Relative accuracy of recorded times (TACREL)"
    requirements = ("LPM-17.TACREL/value",)

    def value(self, state: RowSample) -> Value:
        """Return the rms of differences within nights."""
        residual, night = _within(state["error"], state["night"])
        nights = len(np.unique(night))
        if nights < self.recipe["min_nights"]:
            raise NotMeasured(
                "too_few_visits", f"Only {nights} nights have two visits with a known time."
            )
        value, interval = crossed_rms(residual, {"night": night}, lost=nights)
        notes: dict[str, Scalar] = {
            "n_units": nights,
            "largest": float(np.abs(residual).max()),
        }
        root = float(np.sqrt(2.0))
        return Value(root * value, len(residual), scaled(interval, root), diagnostics=notes)


def _within(
    error: NDArray[np.float64], night: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return residuals from each night's mean, scaled by sqrt(n / (n - 1)), and their nights."""
    _, index, count = np.unique(night, return_inverse=True, return_counts=True)
    mean = np.bincount(index, error) / count
    keep = count[index] > 1
    n = count[index][keep].astype(np.float64)
    return (error - mean[index])[keep] * np.sqrt(n / (n - 1.0)), night[keep]
