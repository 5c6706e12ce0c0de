"""Visits whose alerts are late, and visits that give none (LSE-61 DMS-REQ-0392)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from skyassay.metrics.alerts.handed import Handed
from skyassay.metrics.alerts.visits import Latencies, NightMetric
from skyassay.metrics.contract import Bindings, Interval, Recipe, Scalar
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.statistics.bounds import ONE_SIDED_ALPHA
from skyassay.metrics.statistics.clustered import binomial_bounds, interval_of
from skyassay.metrics.statistics.tails import scaled


def zero_failure_size(percent: float) -> int:
    """Return how many visits without a failure show a rate of at most `percent`.

    One-sided 95 %: the smallest n with (1 - p)^n <= 0.05, 299 for 1 % and 2995 for 0.1 %.
    """
    return int(np.ceil(np.log(ONE_SIDED_ALPHA) / np.log1p(-percent / 100.0)))


class _Share(NightMetric):
    """Shared by both: visits are the independent units, limits are exact."""

    unit = "%"

    def share(self, bad: int, n: int) -> tuple[float, Interval, dict[str, Scalar]]:
        """Return a share of visits in per cent, its interval, and what more would show.

        Raises
        ------
        NotMeasured
            ``too_few_visits``.
        """
        if n < self.recipe["min_visits"]:
            raise NotMeasured(
                "too_few_visits",
                f"{n} visits should have alerts; {self.recipe['min_visits']} are needed, and "
                f"{self._needed()} without a failure to show {self.recipe['shown_below']:g} %.",
            )
        fraction = bad / n
        words = (
            f"exact binomial over {n} visits; {self._needed()} without a failure show "
            f"{self.recipe['shown_below']:g} %"
        )
        interval = interval_of(lambda alpha: binomial_bounds(fraction, n, alpha), words)
        notes: dict[str, Scalar] = {"n_bad": bad, "zero_failure_visits": self._needed()}
        return 100.0 * fraction, scaled(interval, 100.0), notes

    def _needed(self) -> int:
        return zero_failure_size(float(self.recipe["shown_below"]))


class VisitAlertDelay(_Share):
    """Share of visits of which fewer than 98 % of the alerts left within a minute, %.

    A visit is late when less than OTR1 of the alerts that it should have given were handed over
    within OTT1; which those are, `alerts.latency.ott1` says. Limits are those of Clopper and
    Pearson with visits as independent units: 299 visits, none of them late, show 1 %.

    Source: LSE-61 DMS-REQ-0392, LSE-30 OSS-REQ-0112 (sciVisitAlertDelay).
    Differs from the peers: none computes it.
    Not measured when: fewer than three visits should have alerts, or as `alerts.latency.ott1`.
    """

    id = "alerts.visits.delayed"
    title = "Visits with late alerts (sciVisitAlertDelay)"
    requirements = (
        "DMS-REQ-0392/sciVisitAlertDelay",
        "OSS-REQ-0112/sciVisitAlertDelay",
        "DMS-REQ-0392/capability",
    )
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {"OTR1": 98.0, "OTT1": 1.0, "shown_below": 1.0, "min_visits": 3})
    }

    def values(self, alerts: Latencies, state: Handed, at: Bindings) -> list[Value]:
        """Return the share at every share and latency that is bound."""
        found = []
        for latest in self.bound("OTT1", at):
            _, due, _, timely = alerts.per_visit(latest)
            use = due > 0
            for wanted in self.bound("OTR1", at):
                late = 100.0 * timely[use] < wanted * due[use]
                value, interval, notes = self.share(int(late.sum()), int(use.sum()))
                where = {"OTT1": latest, "OTR1": wanted}
                notes = {**self.notes(alerts, state), **notes, "n_units": int(use.sum())}
                notes["shown"] = value <= self.recipe["shown_below"]
                found.append(Value(value, int(use.sum()), interval, where, None, notes))
        return found


class VisitAlertFailure(_Share):
    """Share of visits that gave no alert at all, %.

    Visits with an image that had a template and from which not one alert was handed over, of
    all visits of at most `nAlertVisitPeak` alerts. Limits are those of Clopper and Pearson:
    2995 visits, none of them failed, show 0.1 %.

    Source: LSE-61 DMS-REQ-0392, LSE-30 OSS-REQ-0112 (sciVisitAlertFailure).
    Differs from the peers: in ap_association a visit without alerts has a latency of -1, which
    is below every limit.
    Not measured when: there are fewer than three such visits, or as `alerts.latency.ott1`.
    """

    id = "alerts.visits.failed"
    title = "Visits without any alert (sciVisitAlertFailure)"
    requirements = ("DMS-REQ-0392/sciVisitAlertFailure", "OSS-REQ-0112/sciVisitAlertFailure")
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe(
            "srd", {"OTR1": 98.0, "nAlertVisitPeak": 40000.0, "shown_below": 0.1, "min_visits": 3}
        )
    }
    at_units: ClassVar[Mapping[str, str]] = {"nAlertVisitPeak": ""}

    def values(self, alerts: Latencies, state: Handed, at: Bindings) -> list[Value]:
        """Return the share of visits up to every peak that is bound."""
        _, due, sent, _ = alerts.per_visit(np.inf)
        found = []
        for peak in self.bound("nAlertVisitPeak", at):
            use = due <= peak
            value, interval, notes = self.share(int((sent[use] == 0).sum()), int(use.sum()))
            notes = {**self.notes(alerts, state), **notes, "n_units": int(use.sum())}
            found.append(
                Value(value, int(use.sum()), interval, {"nAlertVisitPeak": peak}, None, notes)
            )
        return found
