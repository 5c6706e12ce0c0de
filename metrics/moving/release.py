"""When new Solar System objects are public (LSE-61, sections 1.3.1.2 and 2.2.9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.catalog.census import THERE, Census, recipe
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
from skyassay.metrics.states import unit_rows
from skyassay.metrics.states.unit_rows import UnitRows, from_columns
from skyassay.metrics.statistics.bounds import ONE_SIDED_ALPHA, TWO_SIDED_ALPHA
from skyassay.metrics.unit_family import number

PRODUCT = "linked_source"
ROW = ("linkId", "diaSourceId")
#: A clock that is a model may give each night the same delay to the last bit; h.
_LEAST_SPREAD = 1e-6


class PublicDelay(BaseMetric):
    """Delay within which 95 % of nights have all their linked objects public, h.

    Of every night the longest delay of a linked detection is taken, from the first exposure of
    the night to the release of the orbit. Nights are independent and taken to be normal; the
    value is their mean plus 1.645 standard deviations, its limits are the exact tolerance
    limits of a normal population (noncentral t).

    Source: LSE-61 DMS-REQ-0405 and DMS-REQ-0089 (L1PublicT), "longest" read as what all but
    one night in twenty keeps.
    Differs from the peers: none computes it.
    Not measured when: fewer than three nights put something into links, or a delay is missing.
    """

    id = "moving.release.delay"
    unit = "h"
    title = "Delay of new Solar System objects (L1PublicT)"
    requirements: ClassVar[tuple[str, ...]] = ("DMS-REQ-0405/L1PublicT", "DMS-REQ-0089/L1PublicT")
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe(
            "srd",
            {
                "statistic": "quantile of nights' longest delays",
                "share": 0.95,
                "min_nights": 3,
            },
        )
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (*(Column(n) for n in ROW), Column("night"), Column("delay", "h"))
    }
    locality: ClassVar[Locality] = "row"
    error_units: ClassVar[tuple[str, ...]] = ("night",)

    def zero(self) -> UnitRows:
        """Return the state of no data."""
        return UnitRows(ROW)

    def fold(self, part: Tables) -> UnitRows:
        """Return the delays of one partition."""
        table = part[PRODUCT]
        delay = number(table, "delay")
        known = np.isfinite(delay)
        columns = {n: np.asarray(table[n]).astype(np.int64)[known] for n in (*ROW, "night")}
        counts = {"rows": len(delay), "missing": int((~known).sum())}
        return from_columns(ROW, {**columns, "delay": delay[known]}, counts)

    def merge(self, a: UnitRows, b: UnitRows) -> UnitRows:
        """Return the delays of both parts."""
        return unit_rows.merge(a, b)

    def finish(self, state: UnitRows, at: Bindings) -> list[Measurement]:
        """Return the one measurement; none when there was no row at all."""
        if not state.counts.get("rows"):
            return []
        lost = state.counts.get("missing", 0)
        try:
            if lost:
                raise NotMeasured("delays_missing", f"{lost} linked detections have no delay.")
            return [self.measured(self._value(state))]
        except NotMeasured as why:
            return [self.not_measured(why, n=len(state), n_rejected=lost)]

    def evidence(self, state: UnitRows) -> Mapping[str, Table]:
        """Return the longest delay of every night, h."""
        if not len(state):
            return {}
        night, worst = longest(state)
        return {"": {"value": worst, "night": night}}

    def _value(self, state: UnitRows) -> Value:
        _, worst = longest(state)
        n = len(worst)
        if n < self.recipe["min_nights"]:
            raise NotMeasured(
                "too_few_nights",
                f"{n} nights put detections into links; {self.recipe['min_nights']} are needed.",
            )
        value, interval = normal_quantile(worst, float(self.recipe["share"]))
        notes = {"n_units": n, "longest": float(worst.max()), "n_detections": len(state)}
        return Value(value, n, interval, diagnostics=notes)


class UnreleasedLinks(Census):
    """Number of linked detections whose record has no time of release, or one over a day late.

    Source: LSE-61 DMS-REQ-0405 and DMS-REQ-0089: elapsed times are there for each new object,
    and within 24 h.
    Differs from the peers: none counts them.
    Not measured when: `linked_source` is empty or lacks a column.
    """

    id = "moving.release.late"
    title = "Linked detections without a timely release"
    requirements = ("DMS-REQ-0405/capability", "DMS-REQ-0089/capability")
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(longest=24.0, unit="h")}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (*(Column(n) for n in ROW), Column("delay", "h"))
    }
    locality: ClassVar[Locality] = "row"
    products = (PRODUCT,)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many have no delay, and how many one that is none or too long."""
        delay = number(part[PRODUCT], "delay")
        known = np.isfinite(delay)
        with np.errstate(invalid="ignore"):
            good = known & (delay >= 0.0) & (delay <= self.recipe["longest"])
        return {
            "no_time": int((~known).sum()),
            "late": int((known & ~good).sum()),
            THERE: int(known.sum()),
        }


class WrongPrecovery(Census):
    """Number of earlier detections that were given to a new object and are not its own.

    Earlier: taken before the first night with two of its detections. A link's object is that of
    most of its other detections.

    Source: LSE-61 DMS-REQ-0286.
    Differs from the peers: none checks precovery against truth.
    Not measured when: a table is empty or lacks a column, or no detection was precovered.
    """

    id = "moving.precovery.wrong"
    title = "Precovered detections that are another object's"
    requirements = ("DMS-REQ-0286/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(owner="of most other detections")}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (*(Column(n) for n in ROW), Column("isPrecovered")),
        "truth_moving_source": (Column("diaSourceId"), Column("ssObjectId")),
    }
    #: A link must be whole, and its detections' owners beside it.
    locality: ClassVar[Locality] = "sample"
    products = (PRODUCT, "truth_moving_source")
    #: Few objects were seen before; that some are is what is asked.
    least_filled: ClassVar[float] = 0.0

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many are wrong, and how many there are."""
        table, truth = part[PRODUCT], part["truth_moving_source"]
        link, source = (np.asarray(table[n]).astype(np.int64) for n in ROW)
        early = np.asarray(table["isPrecovered"]).astype(bool)
        if not len(truth["diaSourceId"]) or not len(link):
            return {"wrong": 0, THERE: 0}
        order = np.argsort(np.asarray(truth["diaSourceId"]), kind="stable")
        known = np.asarray(truth["diaSourceId"]).astype(np.int64)[order]
        place = np.clip(np.searchsorted(known, source), 0, len(known) - 1)
        whose = np.asarray(truth["ssObjectId"]).astype(np.int64)[order][place]
        whose = np.where(known[place] == source, whose, 0)
        right = 0
        for name in np.unique(link[early]):
            mine = link == name
            others = whose[mine & ~early]
            who, times = np.unique(others[others > 0], return_counts=True)
            if len(who):
                right += int((whose[mine & early] == who[times.argmax()]).sum())
        return {"wrong": int(early.sum()) - right, THERE: int(early.sum())}


def longest(state: UnitRows) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return nights and the longest delay of each, h."""
    night, label = np.unique(state["night"], return_inverse=True)
    worst = np.full(len(night), -np.inf)
    np.maximum.at(worst, label, state["delay"])
    return night, worst


def normal_quantile(values: NDArray[np.float64], share: float) -> tuple[float, Interval]:
    """Return the quantile of a normal population and its exact limits.

    Source: G. J. Hahn and W. Q. Meeker, Statistical Intervals (1991), section 4.4.
    """
    from scipy.special import nctdtrit, ndtri

    n, mean = len(values), float(values.mean())
    spread, z = max(float(values.std(ddof=1)), _LEAST_SPREAD), float(ndtri(share))

    def limit(tail: float) -> float:
        factor = float(nctdtrit(n - 1, z * np.sqrt(n), tail)) / np.sqrt(n)
        return float(mean + factor * spread)

    return mean + z * spread, Interval(
        low=limit(TWO_SIDED_ALPHA),
        high=limit(1.0 - TWO_SIDED_ALPHA),
        confidence=1.0 - 2.0 * TWO_SIDED_ALPHA,
        method=f"tolerance limits of a normal population, {n} nights",
        lower=limit(ONE_SIDED_ALPHA),
        upper=limit(1.0 - ONE_SIDED_ALPHA),
        one_sided_confidence=1.0 - ONE_SIDED_ALPHA,
    )
