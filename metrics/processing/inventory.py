"""What became of raw frames: kept or lost, processed or not (LSE-61, sections 1.1, 2.2, 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.catalog.sound import flag
from skyassay.metrics.contract import (
    Bindings,
    Column,
    Interval,
    Locality,
    Measurement,
    Recipe,
    Table,
    Tables,
)
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.processing.images import DETECTORS, KEY, image_key
from skyassay.metrics.states import keyed_sums
from skyassay.metrics.states.keyed_sums import KeyedSums
from skyassay.metrics.statistics.clustered import clustered_fraction
from skyassay.metrics.unit_family import spread

RAW = "raw_inventory"


class _Share(BaseMetric):
    """Shared by shares of raw frames: which frames are good is counted visit by visit."""

    unit = "%"
    locality: ClassVar[Locality] = "visit"

    def good(self, part: Tables) -> NDArray[np.bool_]:
        """Return which raw frames are as they should be."""
        raise NotImplementedError

    def zero(self) -> KeyedSums:
        """Return the state of no data."""
        return KeyedSums(1.0)

    def fold(self, part: Tables) -> KeyedSums:
        """Return good frames per visit."""
        visit = np.asarray(part[RAW]["visit"]).astype(np.int64)
        return keyed_sums.from_values(visit, self.good(part).astype(np.float64), 1.0)

    def merge(self, a: KeyedSums, b: KeyedSums) -> KeyedSums:
        """Return the counts of both parts."""
        return keyed_sums.merge(a, b)

    def finish(self, state: KeyedSums, at: Bindings) -> list[Measurement]:
        """Return the one measurement; none when there was no row at all."""
        if not len(state.key):
            return []
        try:
            return [self.measured(self.value(state))]
        except NotMeasured as why:
            return [self.not_measured(why, n=int(state.count.sum()))]

    def value(self, state: KeyedSums) -> Value:
        """Return the share of good frames: a census, in which nothing is estimated."""
        n, good = int(state.count.sum()), int(state.total.sum())
        if not good:
            raise NotMeasured("nothing_there", f"None of {n} raw frames is: nobody looked.")
        return Value(100.0 * good / n, n, diagnostics=self.notes(state))

    @staticmethod
    def notes(state: KeyedSums) -> dict[str, Any]:
        """Return what tells a reader how many there were."""
        n, good = int(state.count.sum()), int(state.total.sum())
        return {"n_units": len(state.key), "n_frames": n, "n_not": n - good}

    def evidence(self, state: KeyedSums) -> Mapping[str, Table]:
        """Return the share of every visit, %."""
        if not len(state.key):
            return {}
        some = spread(len(state.key))
        share = 100.0 * state.total[some] / state.count[some]
        return {"": {"value": share, "visit": state.key[some]}}


class RawKept(_Share):
    """Share of the raw frames behind the products that are in the archive, %.

    LSE-61, DMS-REQ-0346: all raw data must be kept; a census of the inventory.

    Differs from the peers: none counts them.
    Not measured when: `raw_inventory` is empty or lacks a column, or no frame at all is there.
    """

    id = "processing.raw.kept"
    title = "Raw frames kept (rawDataKept)"
    requirements: ClassVar[tuple[str, ...]] = ("DMS-REQ-0346/rawDataKept",)
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {"statistic": "frames of the inventory that are ingested"})
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {RAW: (*KEY, Column("ingested"))}

    def good(self, part: Tables) -> NDArray[np.bool_]:
        """Return which frames are in the archive."""
        return flag(part[RAW], "ingested")


class RawLoss(RawKept):
    """Fraction of raw frames that did not reach the archive whole.

    LSE-61, DMS-REQ-0309 dataLossMax. Limits are those of a binomial; what is lost together,
    in one visit, counts as less than as many independent losses.

    Differs from the peers: none counts them.
    Not measured when: `raw_inventory` is empty, lacks a column or has one visit only, or no
    frame at all is there.
    """

    id = "processing.raw.loss"
    unit = ""
    title = "Raw frames lost (dataLossMax)"
    requirements: ClassVar[tuple[str, ...]] = (
        "DMS-REQ-0309/dataLossMax",
        "DMS-REQ-0309/capability",
    )
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {"statistic": "frames not ingested over frames", "clusters": "visit"})
    }
    error_units: ClassVar[tuple[str, ...]] = ("visit",)

    def value(self, state: KeyedSums) -> Value:
        """Return the fraction of lost frames with binomial limits."""
        n = int(state.count.sum())
        lost: NDArray[np.int64] = state.count - state.total
        if not state.total.any():
            raise NotMeasured("nothing_there", f"None of {n} raw frames is: nobody looked.")
        label = np.repeat(np.arange(len(state.key)), state.count)
        place = np.arange(n) - np.repeat(np.cumsum(state.count) - state.count, state.count)
        found: tuple[float, Interval] = clustered_fraction(place < lost[label], label)
        return Value(found[0], n, found[1], diagnostics=self.notes(state))


class Completeness(_Share):
    """Share of the raw frames of the inventory that are archived and processed, %.

    LSE-61, DMS-REQ-0284 l1EventualCompleteness; a census. Every frame of `raw_inventory` is
    taken to be marked for processing, and is processed when `visit_detector_table` has it.

    Differs from the peers: none counts them.
    Not measured when: either table is empty or lacks a column, or no frame was processed.
    """

    id = "processing.raw.processed"
    title = "Raw frames archived and processed (l1EventualCompleteness)"
    requirements = ("DMS-REQ-0284/l1EventualCompleteness",)
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {"statistic": "frames ingested and in visit_detector_table"})
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        RAW: (*KEY, Column("ingested")),
        DETECTORS: KEY,
    }

    def good(self, part: Tables) -> NDArray[np.bool_]:
        """Return which frames are in the archive and were processed."""
        processed = np.isin(image_key(part[RAW]), image_key(part[DETECTORS]))
        return flag(part[RAW], "ingested") & processed
