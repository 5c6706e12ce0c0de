"""Of what truly changed, how much is told in time: alerts against the truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Column, Locality, Measurement, Recipe, Table, Tables
from skyassay.metrics.difference.joint import FOUND, TRUTH, against, stacked
from skyassay.metrics.difference.matching import partners, significant, true_rows
from skyassay.metrics.difference.transients import SNR_EDGES
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.row_sample import RowSample, merge
from skyassay.metrics.statistics.clustered import clustered_fraction
from skyassay.metrics.statistics.tails import scaled
from skyassay.metrics.unit_family import number

LOG = "alert_delivery"
_DAY_MINUTES = 1440.0


class TimelyTruth(BaseMetric):
    """Share of the true changes of S/N 6 and more whose alert was handed over within OTT1, %.

    Of everything that changed or moved on a detector of a visit, also of detectors that failed
    and of what was not detected: what a user of the stream misses, whatever the reason. A change
    and an alert belong together when the alert's DIASource is the mutual nearest neighbour within
    1 arcsec.

    Source: LSE-30 OSS-REQ-0166 (completeness of alerts) gives no limit that is known here.
    Differs from the peers: none compares alerts with a truth.
    Not measured when: there are fewer than three visits or 30 such changes.
    """

    id = "alerts.completeness.timely"
    unit = "%"
    title = "True changes told in time"
    requirements: ClassVar[tuple[str, ...]] = ()
    diagnostic: ClassVar[bool] = True
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe(
            "srd",
            {
                "radius_arcsec": 1.0,
                "min_snr": 6.0,
                "kept_snr": 3.0,
                "OTT1": 1.0,
                "min_visits": 3,
                "min_sources": 30,
            },
        )
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        "truth_dia_source": TRUTH,
        "dia_source": tuple(c for c in FOUND if c.name not in ("snr", "reliability")),
        LOG: (
            Column("diaSourceId"),
            Column("visit"),
            Column("readoutEndMjdTai", "d"),
            Column("handedMjdTai", "d"),
        ),
    }
    locality: ClassVar[Locality] = "visit"
    error_units: ClassVar[tuple[str, ...]] = ("visit",)

    def zero(self) -> RowSample:
        """Return the state of no data."""
        return RowSample(("visit", "detector", "truthId"))

    def fold(self, part: Tables) -> RowSample:
        """Return the true changes of one partition and when each was told."""
        truth, found = part["truth_dia_source"], part["dia_source"]
        pair = partners(found, truth, self.recipe["radius_arcsec"])
        minutes = np.full(len(truth["truthId"]), np.inf)
        hit = pair >= 0
        minutes[pair[hit]] = _told(part[LOG], found)[hit]
        use = np.asarray(truth["seen"]).astype(bool)
        use &= significant(truth) >= self.recipe["kept_snr"]
        return true_rows(truth, use, {"snr": significant(truth), "minutes": minutes}, "truth")

    def merge(self, a: RowSample, b: RowSample) -> RowSample:
        """Return the changes of both parts."""
        return merge(a, b)

    def finish(self, state: RowSample, at: Bindings) -> list[Measurement]:
        """Return the share; none when there was no row at all."""
        if not state.counts.get("truth_rows", 0):
            return []
        try:
            return [self.measured(self._value(state))]
        except NotMeasured as why:
            return [self.not_measured(why, n=len(state))]

    def evidence(self, state: RowSample) -> Mapping[str, Table]:
        """Return the share told in time (percent) against true S/N."""
        if not len(state):
            return {}
        return stacked([against(state["snr"], self._timely(state), SNR_EDGES, "snr")])

    def _timely(self, state: RowSample) -> NDArray[np.bool_]:
        return np.asarray(state["minutes"] <= self.recipe["OTT1"])

    def _value(self, state: RowSample) -> Value:
        use = state["snr"] >= self.recipe["min_snr"] if len(state) else np.zeros(0, dtype=bool)
        visits = len(np.unique(state["visit"][use])) if len(state) else 0
        if visits < self.recipe["min_visits"]:
            raise NotMeasured("too_few_visits", f"{visits} visits have changes so bright.")
        if use.sum() < self.recipe["min_sources"]:
            raise NotMeasured(
                "too_few_sources",
                f"{int(use.sum())} changes are so bright; {self.recipe['min_sources']} are needed.",
            )
        share, interval = clustered_fraction(self._timely(state)[use], state["visit"][use])
        told = int(np.isfinite(state["minutes"][use]).sum())
        notes = {"n_units": visits, "n_visits": visits, "n_told": told}
        return Value(100.0 * share, int(use.sum()), scaled(interval, 100.0), diagnostics=notes)


def _told(log: Table, found: Table) -> NDArray[np.float64]:
    """Return how long after readout the alert of each detection was handed over, min."""
    with np.errstate(invalid="ignore"):
        late = (number(log, "handedMjdTai") - number(log, "readoutEndMjdTai")) * _DAY_MINUTES
    # An alert that left before its readout ended has a clock that cannot be believed.
    late = np.where(np.isfinite(late) & (late >= 0.0), late, np.inf)
    keys = [np.column_stack([t["visit"], t["diaSourceId"]]).astype(np.int64) for t in (log, found)]
    names, which = np.unique(np.concatenate(keys), axis=0, return_inverse=True)
    told = np.full(len(names), np.inf)
    mine, theirs = np.split(which.ravel(), [len(late)])
    told[mine] = late
    return np.asarray(told[theirs])
