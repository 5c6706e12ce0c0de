"""How soon alerts leave: OTT1 and OTR1 (LPM-17 table 28, LSE-61 DMS-REQ-0406)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.alerts.handed import Handed
from skyassay.metrics.alerts.visits import Latencies, NightMetric
from skyassay.metrics.contract import Bindings, Interval, Recipe
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.statistics.clustered import clustered_fraction, clustered_quantile
from skyassay.metrics.statistics.tails import scaled

Floats = NDArray[np.float64]
SRD = Recipe(
    "srd",
    {
        "latency": "handed to the outbound link less end of readout",
        "due": "alerts built; for a failed detector the median of the visit's others, at least 1",
        "OTR1": 98.0,
        "OTT1": 1.0,
        # What never left has waited for at least a day.
        "never_min": 1440.0,
        "min_visits": 3,
    },
)


class _Latency(NightMetric):
    """Shared by both: visits share network, queue and pool."""

    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": SRD}

    def single(self, alerts: Latencies) -> tuple[Floats, NDArray[np.int64]]:
        """Return latency and visit of every alert, what never left at its least latency.

        Raises
        ------
        NotMeasured
            ``too_few_visits``.
        """
        minutes, visit = alerts.single()
        n = len(np.unique(visit))
        if n < self.recipe["min_visits"]:
            raise NotMeasured(
                "too_few_visits",
                f"{n} visits have alerts; {self.recipe['min_visits']} are needed.",
            )
        gone = np.isfinite(minutes)
        longest = float(minutes[gone].max()) if gone.any() else 0.0
        return np.where(gone, minutes, max(self.recipe["never_min"], longest)), visit


class OTT1(_Latency):
    """Latency that 98 % of the alerts that should exist do not exceed, min.

    From the end of readout to the moment an alert was handed to the outbound link. An alert
    that was built and not handed over, or whose delivery was never acknowledged, counts with
    a day; so do the alerts that a failed detector would have sent, as many as the median of
    the visit's other detectors. Images without a template should give none. The interval is one
    of order statistics over visits.

    Source: LPM-17 table 28 (OTT1); LSE-61 DMS-REQ-0406, 0391, 0392 (with OTR1 = 98 %).
    Differs from the peers: ap_association gives the time from shutter close to the last alert
    of a detector, -1 where none was sent, and no percentile; nobody counts alerts that are missing.
    Not measured when: there is no book of the night's detectors, fewer than three visits have
    alerts, an end of readout is missing, or an alert was handed over before its readout ended.
    """

    id = "alerts.latency.ott1"
    unit = "min"
    title = "Latency of alerts (OTT1)"
    requirements = (
        "LPM-17.OTT1/value",
        "DMS-REQ-0406/OTT1",
        "DMS-REQ-0391/OTT1",
        "DMS-REQ-0392/OTT1",
    )

    def values(self, alerts: Latencies, state: Handed, at: Bindings) -> list[Value]:
        """Return the quantile."""
        minutes, visit = self.single(alerts)
        notes = self.notes(alerts, state)
        notes["median"] = float(np.median(minutes))
        if not np.isfinite(alerts.minutes[alerts.count > 0]).any():
            # Nothing ever left: no interval is needed to see that.
            day = float(self.recipe["never_min"])
            none = Interval(day, np.inf, 0.95, "no alert was handed over", day, np.inf)
            return [Value(day, len(minutes), none, diagnostics=notes)]
        value, interval = clustered_quantile(minutes, visit, self.recipe["OTR1"] / 100.0)
        return [Value(value, len(minutes), interval, diagnostics=notes)]


class OTR1(_Latency):
    """Share of the alerts that should exist that were handed over within OTT1, %.

    Latency and denominator are those of `alerts.latency.ott1`; limits are binomial, for as many
    independent alerts as the visits are worth.

    Source: LSE-61 DMS-REQ-0406 and 0392 (OTR1, at OTT1 = 1 min).
    Differs from the peers: none computes it.
    Not measured when: as `alerts.latency.ott1`.
    """

    id = "alerts.latency.otr1"
    unit = "%"
    title = "Alerts in time (OTR1)"
    requirements = ("DMS-REQ-0406/OTR1", "DMS-REQ-0392/OTR1", "DMS-REQ-0406/capability")

    def values(self, alerts: Latencies, state: Handed, at: Bindings) -> list[Value]:
        """Return the share at every latency that is bound."""
        minutes, visit = self.single(alerts)
        found = []
        # Where all are alike a visit is one unit, whatever the number of its alerts.
        values = minutes if np.ptp(minutes) > 0.0 else None
        for latest in self.bound("OTT1", at):
            share, interval = clustered_fraction(minutes <= latest, visit, values)
            notes = self.notes(alerts, state)
            notes["shown"] = 100.0 * share >= self.recipe["OTR1"]
            percent = scaled(interval, 100.0)
            found.append(Value(100.0 * share, len(minutes), percent, {"OTT1": latest}, None, notes))
        return found
