"""Streams of alerts: how many were whole and in time, and what was not delivered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.alerts.demonstrated import demonstrated
from skyassay.metrics.catalog.census import DUE, THERE, Census, recipe
from skyassay.metrics.catalog.sound import flag
from skyassay.metrics.contract import (
    Bindings,
    Column,
    Locality,
    Measurement,
    Recipe,
    Table,
    Tables,
)
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.unit_rows import UnitRows, from_columns, merge
from skyassay.metrics.unit_family import number

PRODUCT = "alert_stream"
_KEY = (Column("visit"), Column("stream"), Column("isFull"))
_TIMES = (Column("readoutEndMjdTai", "d"), Column("lastHandedMjdTai", "d"))
_DAY_MINUTES = 1440.0


def minutes(table: Table) -> NDArray[np.float64]:
    """Return the latency of the last alert of each row, min; infinite where it is not known."""
    with np.errstate(invalid="ignore"):
        late = number(table, "lastHandedMjdTai") - number(table, "readoutEndMjdTai")
    late = late * _DAY_MINUTES
    return np.where(np.isfinite(late), late, np.inf)


class StreamCount(BaseMetric):
    """Number of full streams of which at least 98 % of the alerts went out within OTT1.

    Of each visit a stream has in time what was delivered to it, if the last alert was handed over
    within OTT1 of the end of readout, else nothing. What such streams were is a demonstrated
    capacity: at least so many.

    Source: LSE-61 DMS-REQ-0391 (numStreams at OTT1).
    Differs from the peers: none counts streams.
    Not measured when: there are fewer than three visits, or no full stream.
    """

    id = "alerts.streams.number"
    unit = ""
    title = "Full streams in time (numStreams)"
    requirements = ("DMS-REQ-0391/numStreams",)
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {"OTR1": 98.0, "OTT1": 1.0, "min_visits": 3})
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (*_KEY, Column("nAlert"), Column("nDelivered"), *_TIMES)
    }
    locality: ClassVar[Locality] = "visit"
    error_units: ClassVar[tuple[str, ...]] = ("visit",)
    at_units: ClassVar[Mapping[str, str]] = {"OTT1": "min"}

    def zero(self) -> UnitRows:
        """Return the state of no data."""
        return UnitRows(("visit", "stream"))

    def fold(self, part: Tables) -> UnitRows:
        """Return the full streams of one partition."""
        table = part[PRODUCT]
        full = flag(table, "isFull")
        columns = {
            "visit": np.asarray(table["visit"]).astype(np.int64),
            "stream": np.asarray(table["stream"]).astype(str),
            "due": np.nan_to_num(number(table, "nAlert")),
            "sent": np.nan_to_num(number(table, "nDelivered")),
            "late": minutes(table),
        }
        kept = {n: c[full] for n, c in columns.items()}
        return from_columns(("visit", "stream"), kept, {"rows": len(full)})

    def merge(self, a: UnitRows, b: UnitRows) -> UnitRows:
        """Return the streams of both parts."""
        return merge(a, b)

    def finish(self, state: UnitRows, at: Bindings) -> list[Measurement]:
        """Return the number of streams; none when there was no row at all."""
        if not state.counts.get("rows", 0):
            return []
        given = {v for values in at.get("OTT1", {}).values() for v in values}
        try:
            n = len(np.unique(state["visit"]))
            if n < self.recipe["min_visits"] or not state["due"].sum():
                raise NotMeasured(
                    "too_few_visits",
                    f"Full streams have alerts of {n} visits; "
                    f"{self.recipe['min_visits']} are needed.",
                )
            latest = sorted(given) or [float(self.recipe["OTT1"])]
            return [self.measured(self._value(state, t, n)) for t in latest]
        except NotMeasured as why:
            return [self.not_measured(why, n=len(state))]

    def evidence(self, state: UnitRows) -> Mapping[str, Table]:
        """Return the latency of the last alert of every visit of every full stream, min."""
        some = np.flatnonzero(np.isfinite(state["late"]))[:4000] if len(state) else np.empty(0, int)
        table = {"value": "late", "visit": "visit", "stream": "stream"}
        return {"": {n: state[c][some] for n, c in table.items()}} if len(some) else {}

    def _value(self, state: UnitRows, latest: float, visits: int) -> Value:
        names, which = np.unique(state["stream"], return_inverse=True)
        timely = np.where(state["late"] <= latest, np.minimum(state["sent"], state["due"]), 0.0)
        due, sent = (np.bincount(which, c, len(names)) for c in (state["due"], timely))
        good = int(((due > 0.0) & (100.0 * sent >= self.recipe["OTR1"] * due)).sum())
        ceiling = np.inf if good == len(names) else float(good)
        notes = {"n_units": visits, "n_visits": visits, "n_streams": len(names)}
        interval = demonstrated(float(good), ceiling)
        return Value(float(good), len(state), interval, {"OTT1": latest}, None, notes)


class UndeliveredAlerts(Census):
    """Number of visits and full streams of which not all alerts arrived once and in time.

    Counted per visit and full stream: fewer delivered than there were alerts, more than there
    were, the last one later than OTT1 after the end of readout.

    Source: LSE-61 DMS-REQ-0391.
    Differs from the peers: a failed send is a line in the log.
    Not measured when: `alert_stream` is empty, lacks a column or has no full stream; or nothing
    is wrong but the time of a delivery is not known.
    """

    id = "alerts.streams.undelivered"
    title = "Visits whose alerts did not all reach every full stream"
    requirements = ("DMS-REQ-0391/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(OTT1=1.0)}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = StreamCount.inputs
    locality: ClassVar[Locality] = "visit"
    products = (PRODUCT,)
    #: One time that nobody knows, and it is not known whether all were in time.
    least_filled: ClassVar[float] = 1.0

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many rows lack alerts, have too many, or are late."""
        table = part[PRODUCT]
        full = flag(table, "isFull")
        due, sent = number(table, "nAlert"), number(table, "nDelivered")
        with np.errstate(invalid="ignore"):
            lost, twice = ~(sent >= due), sent > due
        latency = minutes(table)
        timed = np.isfinite(latency) | (due == 0.0)
        late = timed & (latency > self.recipe["OTT1"]) & ~(due == 0.0)
        return {
            "lost": int((full & lost).sum()),
            "twice": int((full & twice).sum()),
            "late": int((full & late).sum()),
            THERE: int((full & np.isfinite(sent) & (timed | lost | twice)).sum()),
            DUE: int(full.sum()),
        }


class FilteredAlerts(Census):
    """Number of visits and user filters whose owner got something else than what matches.

    Source: LSE-61 DMS-REQ-0342: matching alerts and nothing else.
    Differs from the peers: none counts them.
    Not measured when: `alert_stream` is empty, lacks a column or has no stream of a user.
    """

    id = "alerts.streams.filters"
    title = "Visits of which a user's filter got the wrong alerts"
    requirements = ("DMS-REQ-0342/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(delivered="as many as match")}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (*_KEY, Column("nMatching"), Column("nDelivered"))
    }
    locality: ClassVar[Locality] = "visit"
    products = (PRODUCT,)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many rows have fewer or more alerts than match."""
        table = part[PRODUCT]
        mine = ~flag(table, "isFull")
        due, sent = number(table, "nMatching"), number(table, "nDelivered")
        with np.errstate(invalid="ignore"):
            lost, more = ~(sent >= due), sent > due
        return {
            "lost": int((mine & lost).sum()),
            "too_many": int((mine & more).sum()),
            THERE: int((mine & np.isfinite(sent)).sum()),
            DUE: int(mine.sum()),
        }
