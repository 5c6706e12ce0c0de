"""A bound of the latency from the time stamps of packets, where nobody wrote down more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from skyassay.metrics.contract import Bindings, Column, Locality, Measurement, Recipe, Table, Tables
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.row_sample import RowSample, from_rows, merge
from skyassay.metrics.statistics.clustered import clustered_quantile
from skyassay.metrics.unit_family import number

PRODUCT = "alert"
_MINUTES = 1440.0


class StampedLatency(BaseMetric):
    """Latency that 98 % of alerts had at least when they were processed, min.

    The time of processing in the packet less the end of readout, which is taken to be 3 s after
    the shutter closed; an exposure is taken to be 30 s where the packet does not say. Sending
    comes later, and what was never sent is not there: a lower limit of OTT1, whose upper limit is
    unknown, so that it may show a failure and never a success.
    Packets processed more than a day later are reprocessing and are left out.

    Source: LPM-17 table 28 (OTT1), for data without send times.
    Differs from the peers: ap_association starts at the closing of the shutter.
    Not measured when: no packet has its times; fewer than two visits give no interval.
    """

    id = "alerts.latency.lower_bound"
    unit = "min"
    title = "Lower limit of the latency, from packets"
    requirements: ClassVar[tuple[str, ...]] = ()
    diagnostic: ClassVar[bool] = True
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe(
            "srd", {"OTR1": 98.0, "readout_s": 3.0, "exposure_s": 30.0, "longest_min": 1440.0}
        )
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (
            Column("visit"),
            Column("diaSourceId"),
            Column("midpointMjdTai", "d"),
            Column("exposureTime", "s", optional=True),
            Column("timeProcessedMjdTai", "d"),
        )
    }
    locality: ClassVar[Locality] = "visit"
    error_units: ClassVar[tuple[str, ...]] = ("visit",)

    def zero(self) -> RowSample:
        """Return the state of no data."""
        return RowSample(("visit", "diaSourceId"))

    def fold(self, part: Tables) -> RowSample:
        """Return the latencies of one partition."""
        table = part[PRODUCT]
        middle, done = number(table, "midpointMjdTai"), number(table, "timeProcessedMjdTai")
        blank = np.full(len(middle), np.nan)
        exposure = number(table, "exposureTime") if "exposureTime" in table else blank
        exposure = np.where(np.isfinite(exposure), exposure, self.recipe["exposure_s"])
        after = 0.5 * exposure + self.recipe["readout_s"]
        with np.errstate(invalid="ignore"):
            late = (done - middle) * _MINUTES - after / 60.0
        known = np.isfinite(late)
        seconds = np.where(known, late, 0.0)
        use = known & (seconds <= self.recipe["longest_min"])
        counts = {
            "rows": len(late),
            "no_time": int((~known).sum()),
            "reprocessed": int((known & ~use).sum()),
        }
        columns: dict[str, Any] = {
            n: np.asarray(table[n]).astype(np.int64)[use] for n in ("visit", "diaSourceId")
        }
        return from_rows(("visit", "diaSourceId"), {**columns, "late": late[use]}, counts)

    def merge(self, a: RowSample, b: RowSample) -> RowSample:
        """Return the packets of both parts."""
        return merge(a, b)

    def finish(self, state: RowSample, at: Bindings) -> list[Measurement]:
        """Return the bound; none when there was no row at all."""
        rows = state.counts.get("rows", 0)
        if not rows:
            return []
        left = rows - len(state) if not state.sampled else state.counts.get("no_time", 0)
        if not len(state):
            why = NotMeasured("no_usable_row", f"{rows} packets, none with its times.")
            return [self.not_measured(why, n_rejected=left)]
        return [self.measured(self._value(state), n_rejected=left)]

    def evidence(self, state: RowSample) -> Mapping[str, Table]:
        """Return the latency of single packets, min."""
        if not len(state):
            return {}
        return {"": {"value": state["late"][:4000], "visit": state["visit"][:4000]}}

    def _value(self, state: RowSample) -> Value:
        share = self.recipe["OTR1"] / 100.0
        visits = len(np.unique(state["visit"]))
        notes = {"n_units": visits, "n_visits": visits, "median": float(np.median(state["late"]))}
        try:
            value, interval = clustered_quantile(state["late"], state["visit"], share)
        except NotMeasured:
            value = float(np.quantile(state["late"], share))
            return Value(value, len(state), diagnostics=notes)
        # What came after the time stamp is not known.
        open_ended = replace(interval, high=np.inf, upper=np.inf)
        return Value(value, len(state), open_ended, diagnostics=notes)
