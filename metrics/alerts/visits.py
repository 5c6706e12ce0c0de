"""A night's alerts as minutes of latency: what the metrics of latency are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.alerts.handed import NEVER, STEP, Handed, handed, merge
from skyassay.metrics.contract import (
    Bindings,
    Column,
    Locality,
    Measurement,
    Scalar,
    Table,
    Tables,
)
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.unit_family import spread

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
IMAGES, LOG = "night_detector", "alert_delivery"
#: Alerts that an interval is made from at most; of more a systematic sample is.
MOST_ALERTS = 2**19
#: What never left is shown at a day, min.
NEVER_MIN = 1440.0
_KEY = (Column("visit"), Column("detector"))


@dataclass(frozen=True)
class Latencies:
    """Alerts of every visit in order of visit and latency.

    Attributes
    ----------
    visit : ndarray of int64, shape (n,)
    minutes : ndarray, shape (n,)
        Infinite where never handed over.
    count : ndarray of int64, shape (n,)
    """

    visit: Ints
    minutes: Floats
    count: Ints

    def single(self) -> tuple[Floats, Ints]:
        """Return latency and visit of single alerts; of very many every k-th."""
        ends = np.cumsum(self.count)
        total = int(ends[-1]) if len(ends) else 0
        rate = min(1.0, MOST_ALERTS / max(total, 1))
        kept = np.diff(np.floor(ends * rate), prepend=0.0).astype(np.int64)
        return np.repeat(self.minutes, kept), np.repeat(self.visit, kept)

    def per_visit(self, latest: float) -> tuple[Ints, Ints, Ints, Ints]:
        """Return visits with their alerts due, handed over, and handed over in time."""
        names, at = np.unique(self.visit, return_inverse=True)
        sums = [
            np.bincount(at, self.count * use, len(names)).astype(np.int64)
            for use in (True, np.isfinite(self.minutes), self.minutes <= latest)
        ]
        return names, sums[0], sums[1], sums[2]


@dataclass(frozen=True)
class NightMetric(BaseMetric):
    """Shared by metrics of what was handed over of each visit, and when.

    Subclasses give `values`.
    """

    requirements: ClassVar[tuple[str, ...]] = ()
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        IMAGES: (*_KEY, Column("status"), Column("nAlert")),
        LOG: (
            *_KEY,
            Column("readoutEndMjdTai", "d"),
            Column("handedMjdTai", "d"),
            Column("delivered", optional=True),
        ),
    }
    locality: ClassVar[Locality] = "visit"
    error_units: ClassVar[tuple[str, ...]] = ("visit",)
    at_units: ClassVar[Mapping[str, str]] = {"OTT1": "min", "OTR1": "%"}

    @property
    def state_key(self) -> str:
        """Return one key for all: the fold has no choices."""
        return f"alerts:handed:{STEP}"

    def zero(self) -> Any:
        """Return the state of no data."""
        return Handed()

    def fold(self, part: Tables) -> Any:
        """Return the visits of one partition."""
        return handed(part[IMAGES], part[LOG])

    def merge(self, a: Any, b: Any) -> Any:
        """Return the visits of both parts."""
        return merge(a, b)

    def finish(self, state: Any, at: Bindings) -> list[Measurement]:
        """Return the measurements; none when there was no row at all."""
        if not any(state.counts.values()):
            return []
        try:
            found = self.values(latencies(state), state, at)
        except NotMeasured as why:
            return [self.not_measured(why, diagnostics=dict(sorted(state.counts.items())))]
        return [self.measured(v) for v in found]

    def values(self, alerts: Latencies, state: Handed, at: Bindings) -> list[Value]:
        """Return the values.

        Raises
        ------
        NotMeasured
            With the reason.
        """
        raise NotImplementedError

    def bound(self, parameter: str, at: Bindings) -> tuple[float, ...]:
        """Return the values that criteria bind in any band, or the recipe's own."""
        given = {v for values in at.get(parameter, {}).values() for v in values}
        return tuple(sorted(given)) or (float(self.recipe[parameter]),)

    def notes(self, alerts: Latencies, state: Handed) -> dict[str, Scalar]:
        """Return what tells a reader where the value comes from."""
        due, sent = alerts.count, np.isfinite(alerts.minutes)
        n = len(state.visits)
        return {
            "n_units": n,
            "n_visits": n,
            "n_due": int(due.sum()),
            "n_never": int(due[~sent].sum()),
            **{k: state.counts.get(k, 0) for k in ("failed_images", "no_template")},
        }

    def evidence(self, state: Any) -> Mapping[str, Table]:
        """Return visit by visit: latency within which the share of OTR1 was handed, min."""
        try:
            alerts = latencies(state)
        except NotMeasured:
            return {}
        names, due, sent, _ = alerts.per_visit(np.inf)
        mjd = state.visits["mjd"][np.searchsorted(state.visits["visit"], names)]
        some = spread(len(names))
        share = self.recipe["OTR1"] / 100.0
        value = np.array([_reached(alerts, v, share) for v in names[some].tolist()])
        value = np.minimum(value, NEVER_MIN)
        table = {"mjd": mjd, "visit": names, "n_due": due, "n_handed": sent}
        kept = np.isfinite(value)
        rows = {"value": value[kept], **{n: c[some][kept] for n, c in table.items()}}
        return {"": rows} if kept.any() else {}


def latencies(state: Handed) -> Latencies:
    """Return the alerts that should exist, those of blind visits filled in.

    Raises
    ------
    NotMeasured
        ``no_rows``, ``readout_unknown``, ``handed_before_readout``, ``no_alert_due``.
    """
    counts = state.counts
    if not counts.get("images", 0):
        raise NotMeasured(
            "no_rows", f"{IMAGES} has no row: nobody knows which alerts should exist."
        )
    if counts.get("no_readout", 0):
        raise NotMeasured(
            "readout_unknown", f"{counts['no_readout']} alerts do not say when their readout ended."
        )
    if counts.get("early", 0):
        raise NotMeasured(
            "handed_before_readout",
            f"{counts['early']} alerts were handed over before their readout ended: the clocks "
            "do not agree.",
        )
    rows, visits = state.latency, state.visits
    if not len(visits) or not (rows["count"].sum() + visits["blind"].sum()):
        raise NotMeasured("no_alert_due", "No visit should have given an alert.")
    typical = visits["typical"][np.isfinite(visits["typical"])]
    each = max(float(np.ceil(np.median(typical))), 1.0) if len(typical) else 1.0
    never = rows["step"] == NEVER
    blind = visits["blind"][np.searchsorted(visits["visit"], rows["visit"])]
    count = rows["count"] + np.where(never, blind * int(each), 0)
    minutes = np.where(never, np.inf, rows["step"] * (STEP / 60.0))
    return Latencies(rows["visit"], minutes, count.astype(np.int64))


def _reached(alerts: Latencies, visit: int, share: float) -> float:
    """Return the latency within which a share of one visit's alerts was handed over."""
    mine = slice(*np.searchsorted(alerts.visit, [visit, visit + 1]))
    total = np.cumsum(alerts.count[mine])
    if not total[-1]:
        return float("nan")
    return float(alerts.minutes[mine][np.searchsorted(total, share * total[-1] - 1e-9)])
