"""What alert packets hold (LSE-61 DMS-REQ-0274)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from skyassay.metrics.alerts.demonstrated import demonstrated
from skyassay.metrics.catalog.census import THERE, Census, recipe
from skyassay.metrics.catalog.sound import flag
from skyassay.metrics.contract import (
    Bindings,
    Column,
    Locality,
    Measurement,
    Recipe,
    Tables,
    finite,
)
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.unit_rows import UnitRows, from_columns, merge
from skyassay.metrics.unit_family import number

PRODUCT = "alert"
YEAR = 365.25
_TIME = (Column("midpointMjdTai", "d"), Column("firstDiaSourceMjdTai", "d"))


class IncompletePackets(Census):
    """Number of defects of alert packets, check by check.

    A packet must have a finite position and flux, exactly one of a DIAObject and a Solar System
    source, three cutouts that can be opened (shape, finite middle, coordinates, variance, PSF),
    and, with a DIAObject first seen within a year, as many earlier detections as the object
    counts.

    Source: LSE-61 DMS-REQ-0274.
    Differs from the peers: none opens packets.
    Not measured when: `alert` is empty or lacks one of the columns.
    """

    id = "alerts.content.incomplete"
    title = "Defects of alert packets"
    requirements = ("DMS-REQ-0274/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(cutouts=3, window_d=YEAR)}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (
            Column("diaSourceId"),
            Column("ra", "deg"),
            Column("dec", "deg"),
            Column("psfFlux", "nJy"),
            *(Column(n) for n in ("hasDiaObject", "hasSsSource", "nPrvDiaSources")),
            *(Column(n) for n in ("nDiaSources", "nCutouts", "nCutoutsSound")),
            *_TIME,
        )
    }
    locality: ClassVar[Locality] = "row"
    products = (PRODUCT,)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return, per part of a packet, the packets without it."""
        table = part[PRODUCT]
        found = flag(table, "hasDiaObject")
        with np.errstate(invalid="ignore"):
            age = number(table, "midpointMjdTai") - number(table, "firstDiaSourceMjdTai")
        recent = ~(np.where(np.isfinite(age), age, 0.0) > self.recipe["window_d"])
        earlier = np.maximum(number(table, "nDiaSources") - 1.0, 0.0)
        with np.errstate(invalid="ignore"):
            whole = number(table, "nPrvDiaSources") >= earlier
            three = number(table, "nCutouts") == self.recipe["cutouts"]
            open_ = number(table, "nCutoutsSound") == self.recipe["cutouts"]
        good = {
            "source": np.logical_and.reduce([finite(table[n]) for n in ("ra", "dec", "psfFlux")]),
            "time": finite(table["midpointMjdTai"]),
            "object": found ^ flag(table, "hasSsSource"),
            "cutouts": three & open_,
            "history": ~(found & recent) | whole,
        }
        wrong = {name: int((~there).sum()) for name, there in good.items()}
        return {**wrong, THERE: len(earlier)}


class HistoryWindow(BaseMetric):
    """Longest history of detections that an alert packet holds, d.

    From the oldest earlier detection in a packet to its own, of alerts whose object is older
    than the window: others cannot tell. That packets hold all of it, `alerts.content.incomplete`
    counts. A demonstration: at least so much is packaged.

    Source: LSE-61 DMS-REQ-0274 (alertHistoryWindow).
    Differs from the peers: none measures it.
    Not measured when: no object was first seen more than 12 months before an alert, or fewer than
    three visits have such alerts.
    """

    id = "alerts.content.history"
    unit = "d"
    title = "History in alert packets (alertHistoryWindow)"
    requirements = ("DMS-REQ-0274/alertHistoryWindow",)
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {"object_age_d": YEAR, "statistic": "longest", "min_visits": 3})
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (Column("diaSourceId"), Column("visit"), *_TIME, Column("oldestMjdTai", "d"))
    }
    locality: ClassVar[Locality] = "visit"
    error_units: ClassVar[tuple[str, ...]] = ("visit",)

    def zero(self) -> UnitRows:
        """Return the state of no data."""
        return UnitRows(("visit",))

    def fold(self, part: Tables) -> UnitRows:
        """Return the longest history of each visit of one partition."""
        table = part[PRODUCT]
        now, first, oldest = (
            number(table, n) for n in ("midpointMjdTai", "firstDiaSourceMjdTai", "oldestMjdTai")
        )
        with np.errstate(invalid="ignore"):
            age, held = now - first, now - oldest
        use = np.where(np.isfinite(age), age, 0.0) > self.recipe["object_age_d"]
        counts = {"rows": len(now), "old": int(use.sum())}
        visit = np.asarray(table["visit"]).astype(np.int64)[use]
        names, which = np.unique(visit, return_inverse=True)
        longest = np.zeros(len(names))
        np.fmax.at(longest, which, held[use])
        return from_columns(("visit",), {"visit": names, "held": longest}, counts)

    def merge(self, a: UnitRows, b: UnitRows) -> UnitRows:
        """Return the visits of both parts."""
        return merge(a, b)

    def finish(self, state: UnitRows, at: Bindings) -> list[Measurement]:
        """Return the longest history; none when there was no row at all."""
        rows = state.counts.get("rows", 0)
        if not rows:
            return []
        if len(state) < self.recipe["min_visits"]:
            why = NotMeasured(
                "span_too_short",
                f"{state.counts.get('old', 0)} of {rows} alerts, in {len(state)} visits, are of "
                "objects first seen more than 12 months before: the data must span more.",
            )
            return [self.not_measured(why, n=rows)]
        value = float(state["held"].max())
        old = state.counts["old"]
        notes = {"n_units": len(state), "n_visits": len(state), "n_old": old}
        return [self.measured(Value(value, old, demonstrated(value), diagnostics=notes))]
