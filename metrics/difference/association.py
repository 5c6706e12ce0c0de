"""Detections of one source gathered in one record (LSE-61 DMS-REQ-0285)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import (
    Bindings,
    Column,
    Interval,
    Locality,
    Measurement,
    Recipe,
    Scalar,
    Table,
    Tables,
)
from skyassay.metrics.difference.joint import TRUTH
from skyassay.metrics.difference.matching import partners, significant
from skyassay.metrics.difference.recipes import PAIRING
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.row_sample import RowSample, from_rows, merge
from skyassay.metrics.statistics.clustered import clustered_fraction
from skyassay.metrics.statistics.tails import scaled

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
_KEY = ("visit", "diaSourceId")
_FOUND = (
    *(Column(n) for n in ("diaSourceId", "visit", "detector", "diaObjectId")),
    Column("ssObjectId", optional=True),
    Column("ra", "deg"),
    Column("dec", "deg"),
)


@dataclass(frozen=True)
class AssociationMetric(BaseMetric):
    """Shared by three: real detections of what stands still, their source and their record.

    Subclasses give `judged`.
    """

    unit = "%"
    requirements: ClassVar[tuple[str, ...]] = ()
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {**PAIRING, "min_units": 30, "shown_above": 95.0})
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        "dia_source": _FOUND,
        "truth_dia_source": TRUTH,
    }
    locality: ClassVar[Locality] = "visit"
    error_units: ClassVar[tuple[str, ...]] = ("detector",)

    @property
    def state_key(self) -> str:
        """Return what identifies the fold: all share it."""
        return f"difference:association:{self.recipe.hash}"

    def zero(self) -> RowSample:
        """Return the state of no data."""
        return RowSample(_KEY)

    def fold(self, part: Tables) -> RowSample:
        """Return the real detections of one partition."""
        found, truth = part["dia_source"], part["truth_dia_source"]
        strong = significant(truth) >= self.recipe["least_true_snr"]
        there = {c.name: np.asarray(truth[c.name])[strong] for c in TRUTH}
        pair = partners(found, there, self.recipe["radius_arcsec"])
        still = np.asarray(there["kind"]).astype(str) != "solar_system"
        use = pair >= 0
        use[use] = still[pair[use]]
        columns = {
            **{n: _ids(found, n)[use] for n in (*_KEY, "detector", "diaObjectId")},
            "truthId": _ids(there, "truthId")[pair[use]],
        }
        counts = {"rows": len(use), "used": int(use.sum())}
        return from_rows(_KEY, columns, counts) if use.any() else RowSample(_KEY, {}, counts)

    def merge(self, a: RowSample, b: RowSample) -> RowSample:
        """Return the detections of both parts."""
        return merge(a, b)

    def finish(self, state: RowSample, at: Bindings) -> list[Measurement]:
        """Return the share; none when there was no row at all."""
        rows = state.counts.get("rows", 0)
        if not rows:
            return []
        try:
            if not len(state):
                raise NotMeasured("no_usable_row", f"None of {rows} detections is of a source.")
            return [self.measured(self._value(state))]
        except NotMeasured as why:
            return [self.not_measured(why, n=len(state))]

    def judged(self, rows: RowSample) -> tuple[Bools, Ints]:
        """Return which units are hits, and the detector of each."""
        raise NotImplementedError

    def _value(self, rows: RowSample) -> Value:
        hit, detector = self.judged(rows)
        if len(hit) < self.recipe["min_units"]:
            raise NotMeasured(
                "too_few_units", f"{len(hit)} are at hand; {self.recipe['min_units']} are needed."
            )
        share, interval = clustered_fraction(hit, detector)
        notes: dict[str, Scalar] = {
            "n_units": len(np.unique(detector)),
            "n_hits": int(hit.sum()),
            **self.notes(100.0 * share),
        }
        percent: Interval = scaled(interval, 100.0)
        return Value(100.0 * share, len(hit), percent, diagnostics=notes)

    def notes(self, share: float) -> Mapping[str, Scalar]:
        """Return what a share shows: nothing, unless a metric says so."""
        return {}


class MixedObjects(AssociationMetric):
    """Share of DIAObjects that hold detections of two sources or more, %.

    Of objects with a real detection of something that stands still; real and its source are
    found by position as in `difference.transients.purity`. Detections on one detector of the
    camera share the density of its field.

    Source: LSE-61 DMS-REQ-0285 asks for association; no limit is stated.
    Differs from the peers: ap_association counts new and unassociated objects, without truth.
    Not measured when: there are fewer than 30 such objects, or they are on one detector.
    """

    id = "difference.association.mixed"
    title = "DIAObjects that mix sources"
    diagnostic: ClassVar[bool] = True

    def judged(self, rows: RowSample) -> tuple[Bools, Ints]:
        """Return which objects mix sources."""
        return _several(rows, "diaObjectId", "truthId")


class SplitSources(AssociationMetric):
    """Share of the sources with two detections or more that are split over DIAObjects, %.

    What is counted is as in `difference.association.mixed`; a detection without an object is
    counted by `difference.association.right`.

    Source: LSE-61 DMS-REQ-0285 asks for association; no limit is stated.
    Differs from the peers: none has the truth.
    Not measured when: there are fewer than 30 such sources, or they are on one detector.
    """

    id = "difference.association.split"
    title = "Sources split over DIAObjects"
    diagnostic: ClassVar[bool] = True

    def judged(self, rows: RowSample) -> tuple[Bools, Ints]:
        """Return which sources are split."""
        return _several(rows, "truthId", "diaObjectId", least=2)


class RightAssociations(AssociationMetric):
    """Share of the real detections that are attached to the right record, %.

    The record is right when most of its real detections are of the same source, and most of the
    source's are in it. Of sources that stand still; movers are judged by the linking.

    Source: LSE-61 DMS-REQ-0285; the share above which it counts as shown is ours.
    Differs from the peers: none has the truth.
    Not measured when: there are fewer than 30 real detections, or they are on one detector.
    """

    id = "difference.association.right"
    title = "Detections attached to the right record"
    requirements: ClassVar[tuple[str, ...]] = ("DMS-REQ-0285/capability",)

    def judged(self, rows: RowSample) -> tuple[Bools, Ints]:
        """Return which detections are with the others of their source."""
        objects, sources = rows["diaObjectId"], rows["truthId"]
        main = _most(objects, sources) == sources
        home = _most(sources, objects) == objects
        return main & home & (objects != 0), rows["detector"]

    def notes(self, share: float) -> Mapping[str, Scalar]:
        """Return whether the share shows the capability."""
        return {"shown": share >= self.recipe["shown_above"]}


def _ids(table: Table, name: str) -> Ints:
    """Return identifiers, 0 where there is none."""
    column = np.asarray(table[name])
    if column.dtype.kind == "f":
        column = np.nan_to_num(column)
    return column.astype(np.int64)


def _several(rows: RowSample, owner: str, member: str, least: int = 1) -> tuple[Bools, Ints]:
    """Return which owners have several members, and a detector of each; 0 is no identifier."""
    use = (rows[owner] != 0) & (rows[member] != 0)
    mine = rows[owner][use]
    if not len(mine):
        return np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64)
    names, first, size = np.unique(mine, return_index=True, return_counts=True)
    pairs = np.unique(np.column_stack([mine, rows[member][use]]), axis=0)
    number = np.bincount(np.searchsorted(names, pairs[:, 0]), minlength=len(names))
    enough = size >= least
    return (number > 1)[enough], rows["detector"][use][first][enough]


def _most(owner: Ints, member: Ints) -> Any:
    """Return for each row the member that its owner has most often, the smallest of equals."""
    pairs, count = np.unique(np.column_stack([owner, member]), axis=0, return_counts=True)
    order = np.lexsort((pairs[:, 1], -count, pairs[:, 0]))
    names, first = np.unique(pairs[order, 0], return_index=True)
    return pairs[order, 1][first][np.searchsorted(names, owner)]
