"""What was handed to the outbound link of every alert that should exist, visit by visit.

The denominator is the point. An alert that was built is in the books of its detector; what a
failed or lost detector would have sent nobody knows, so the median of the visit's other
detectors takes its place, at least one. All these count as never handed when they were not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Table
from skyassay.metrics.processing.images import image_key
from skyassay.metrics.states import unit_rows
from skyassay.metrics.states.unit_rows import UnitRows, from_columns
from skyassay.metrics.unit_family import number

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DAY = 86_400.0
#: Latencies are kept in whole steps of this, s.
STEP = 0.01
#: Step of what was never handed over.
NEVER = 2**40
DONE, UNKNOWN = ("DONE",), ("FAILED", "LOST")
_LATENCY, _VISIT = ("visit", "step"), ("visit",)


@dataclass(frozen=True, eq=False)
class Handed:
    """Alerts by visit and latency, and what is known of each visit.

    Attributes
    ----------
    latency : UnitRows
        ``visit``, ``step`` (of `STEP` s after readout, `NEVER` for never), ``count``.
    visits : UnitRows
        ``visit``, ``mjd``, ``images`` that should give alerts, ``blind`` of them that failed in
        a visit without any that did not, ``typical`` number of alerts of one that did not.
    """

    latency: UnitRows = field(default_factory=lambda: UnitRows(_LATENCY))
    visits: UnitRows = field(default_factory=lambda: UnitRows(_VISIT))

    @property
    def counts(self) -> Mapping[str, int]:
        """Return the counts of rows."""
        return self.visits.counts

    def to_bytes(self) -> bytes:
        """Return canonical bytes."""
        return self.latency.to_bytes() + b"\1" + self.visits.to_bytes()


def merge(a: Handed, b: Handed) -> Handed:
    """Return the visits of both parts."""
    return Handed(unit_rows.merge(a.latency, b.latency), unit_rows.merge(a.visits, b.visits))


def handed(images: Table, log: Table) -> Handed:
    """Return the state of whole visits.

    Parameters
    ----------
    images : mapping
        ``visit``, ``detector``, ``status``, ``nAlert`` of `night_detector`.
    log : mapping
        ``visit``, ``detector``, ``readoutEndMjdTai``, ``handedMjdTai`` and, where there is one,
        ``delivered`` of `alert_delivery`.
    """
    step, counts = _steps(log)
    status = np.asarray(images["status"]).astype(str)
    counts |= {
        "images": len(status),
        "no_template": int((status == "NO_TEMPLATE").sum()),
        "failed_images": int(np.isin(status, UNKNOWN).sum()),
    }
    visit = np.asarray(images["visit"]).astype(np.int64)
    sent = np.asarray(log["visit"]).astype(np.int64)
    due, typical, blind = _due(images, status, _logged(images, log))
    names = np.unique(np.r_[visit[status != "NO_TEMPLATE"], sent])
    at = np.searchsorted(names, visit)
    ours = np.isin(visit, names)
    never = np.bincount(at[ours], due[ours], len(names))
    rows = {
        "visit": names,
        "mjd": _times(names, sent, number(log, "readoutEndMjdTai")),
        "images": np.bincount(at[ours], status[ours] != "NO_TEMPLATE", len(names)).astype(int),
        "blind": np.bincount(at[ours], blind[ours], len(names)).astype(int),
        "typical": _per_visit(names, visit[ours], typical[ours]),
    }
    latency = _counted(np.r_[sent, names], np.r_[step, np.full(len(names), NEVER)],
                       np.r_[np.ones(len(sent)), never])  # fmt: skip
    if not len(names):
        return Handed(visits=UnitRows(_VISIT, {}, counts))
    return Handed(latency, from_columns(_VISIT, rows, counts))


def _steps(log: Table) -> tuple[Ints, dict[str, int]]:
    """Return the latency of every alert of the log in steps, and how many have none."""
    ready, sent = number(log, "readoutEndMjdTai"), number(log, "handedMjdTai")
    there = np.isfinite(sent)
    if "delivered" in log:
        there &= np.asarray(log["delivered"]).astype(bool)
    known = np.isfinite(ready)
    use = there & known
    seconds = np.where(use, np.where(use, sent, 0.0) - np.where(use, ready, 0.0), 0.0) * DAY
    counts = {
        "logged": len(ready),
        "no_readout": int((~known).sum()),
        "early": int((seconds < 0.0).sum()),
    }
    # Up, so that no latency looks smaller; MJDs in double precision are good to a microsecond.
    whole = np.ceil(np.clip(seconds, 0.0, 1e9) / STEP - 1e-3).astype(np.int64)
    return np.where(use, whole, NEVER), counts


def _logged(images: Table, log: Table) -> Ints:
    """Return the alerts of each image that are in the log."""
    names, found = np.unique(image_key(log), return_counts=True)
    key = image_key(images)
    if not len(names):
        return np.zeros(len(key), dtype=np.int64)
    at = np.minimum(np.searchsorted(names, key), len(names) - 1)
    return np.where(names[at] == key, found[at], 0).astype(np.int64)


def _due(images: Table, status: NDArray[Any], logged: Ints) -> tuple[Floats, Floats, Floats]:
    """Return, image by image, alerts due beyond the log, alerts of a sound one, blindness."""
    built = number(images, "nAlert")
    whole = np.isin(status, DONE)
    total = np.where(whole & np.isfinite(built), np.maximum(built, logged), logged)
    lost = np.isin(status, UNKNOWN)
    visit = np.asarray(images["visit"]).astype(np.int64)
    blind = np.zeros(len(visit))
    for v in np.unique(visit[lost]):
        mine = visit == v
        sound = total[mine & whole]
        if len(sound):
            typical = max(np.ceil(np.median(sound)), 1.0)
            total[mine & lost] = np.maximum(total[mine & lost], typical)
        else:
            blind[mine & lost] = 1.0
    return total - logged, np.where(whole, total, np.nan), blind


def _times(names: Ints, sent: Ints, mjd: Floats) -> Floats:
    """Return the first end of readout that the alerts of each visit state; NaN without any."""
    found = np.full(len(names), np.nan)
    if len(sent):
        order = np.argsort(sent, kind="stable")
        first = np.flatnonzero(np.r_[True, np.diff(sent[order]) != 0])
        found[np.searchsorted(names, sent[order][first])] = np.fmin.reduceat(mjd[order], first)
    return found


def _per_visit(names: Ints, visit: Ints, values: Floats) -> Floats:
    """Return the median of the finite values of each visit; NaN without any."""
    good = np.isfinite(values)
    visit, values = visit[good], values[good]
    order = np.lexsort((values, visit))
    found = np.full(len(names), np.nan)
    if len(order):
        ours, start, size = np.unique(visit[order], return_index=True, return_counts=True)
        middle = 0.5 * (values[order][start + (size - 1) // 2] + values[order][start + size // 2])
        found[np.searchsorted(names, ours)] = middle
    return found


def _counted(visit: Ints, step: Ints, count: Floats) -> UnitRows:
    """Return the number of alerts of each visit and latency."""
    if not len(visit):
        return UnitRows(_LATENCY)
    order = np.lexsort((step, visit))
    visit, step, count = visit[order], step[order], count[order]
    first = np.flatnonzero(np.r_[True, (np.diff(visit) != 0) | (np.diff(step) != 0)])
    total = np.rint(np.add.reduceat(count, first)).astype(np.int64)
    return from_columns(_LATENCY, {"visit": visit[first], "step": step[first], "count": total})
