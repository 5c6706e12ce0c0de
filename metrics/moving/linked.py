"""What the linking metrics have in common: links, whose detections they are, and who could be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Column, Locality, Measurement, Recipe, Tables
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states import unit_rows
from skyassay.metrics.states.unit_rows import UnitRows, from_columns
from skyassay.metrics.statistics.clustered import binomial_bounds, interval_of
from skyassay.metrics.statistics.tails import scaled

Ints = NDArray[np.int64]
LINKED, OWNER, OBJECT = "linked_source", "truth_moving_source", "truth_linkable_object"
RECIPE = Recipe(
    "srd",
    {
        "pure": "all detections of a link are of one object",
        "found": "a link has six detections or more, nine tenths of them the object's",
        "least_detections": 6,
        "least_share": 0.9,
        "min_units": 20,
    },
)


@dataclass(frozen=True, eq=False)
class Linking:
    """Rows of the three tables; they are joined at the end, so they may come in any parts."""

    links: UnitRows = field(default_factory=lambda: UnitRows(("linkId", "diaSourceId")))
    owners: UnitRows = field(default_factory=lambda: UnitRows(("diaSourceId",)))
    objects: UnitRows = field(default_factory=lambda: UnitRows(("ssObjectId",)))

    def to_bytes(self) -> bytes:
        """Return canonical bytes."""
        return b"\1".join(p.to_bytes() for p in (self.links, self.owners, self.objects))


@dataclass(frozen=True)
class Judged:
    """Links against truth.

    Attributes
    ----------
    link : array of int, shape (l,)
    size : array of int, shape (l,)
        Detections of each.
    owner, share : array, shape (l,)
        Object that most of them belong to, 0 for none, and the share that do.
    """

    link: Ints
    size: Ints
    owner: Ints
    share: NDArray[np.float64]


@dataclass(frozen=True)
class LinkingMetric(BaseMetric):
    """Shared by shares of links and of objects, %; the units are independent."""

    unit: ClassVar[str] = "%"
    diagnostic: ClassVar[bool] = True
    requirements: ClassVar[tuple[str, ...]] = ()
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": RECIPE}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        LINKED: (Column("linkId"), Column("diaSourceId")),
        OWNER: (Column("diaSourceId"), Column("ssObjectId")),
        OBJECT: (Column("ssObjectId"), Column("isLinkable")),
    }
    locality: ClassVar[Locality] = "row"

    @property
    def state_key(self) -> str:
        """Return the hash of the recipe: all of them share one fold."""
        return f"linking:{self.recipe.hash}"

    def zero(self) -> Linking:
        """Return the state of no data."""
        return Linking()

    def fold(self, part: Tables) -> Linking:
        """Return the rows of one partition."""
        none = self.zero()

        def rows(name: str, empty: UnitRows) -> UnitRows:
            columns = {c.name: np.asarray(part[name][c.name]) for c in self.inputs[name]}
            return from_columns(empty.key, columns, {name: len(columns[empty.key[0]])})

        return Linking(
            rows(LINKED, none.links), rows(OWNER, none.owners), rows(OBJECT, none.objects)
        )

    def merge(self, a: Linking, b: Linking) -> Linking:
        """Return the rows of both parts."""
        return Linking(
            unit_rows.merge(a.links, b.links),
            unit_rows.merge(a.owners, b.owners),
            unit_rows.merge(a.objects, b.objects),
        )

    def finish(self, state: Linking, at: Bindings) -> list[Measurement]:
        """Return the share; none when there was no row at all."""
        if not (len(state.links) or len(state.owners) or len(state.objects)):
            return []
        try:
            if not len(state.owners) or not len(state.objects):
                raise NotMeasured("no_truth", "The truth tables have no row.")
            return [self.measured(self.share(self.hits(state), state))]
        except NotMeasured as why:
            return [self.not_measured(why, n=len(state.links))]

    def hits(self, state: Linking) -> NDArray[np.bool_]:
        """Return, of every unit that counts, whether it is as it should be."""
        raise NotImplementedError

    def share(self, hit: NDArray[np.bool_], state: Linking) -> Value:
        """Return a share with exact binomial limits."""
        n, good = len(hit), int(hit.sum())
        if n < self.recipe["min_units"]:
            raise NotMeasured(
                "too_few_units",
                f"There are {n} {self.units}; {self.recipe['min_units']} are needed.",
            )
        interval = interval_of(
            lambda alpha: binomial_bounds(good / n, n, alpha),
            f"exact binomial over {n} {self.units}",
        )
        notes = {"n_units": n, "n_not": n - good, "n_detections": len(state.links)}
        return Value(100.0 * good / n, n, scaled(interval, 100.0), diagnostics=notes)

    units: ClassVar[str] = "units"


def judged(state: Linking) -> Judged:
    """Return whose detections each link has.

    A detection that the truth does not know belongs to nothing.
    """
    links, source = state.links["linkId"], state.links["diaSourceId"]
    known = state.owners["diaSourceId"]
    order = np.argsort(known, kind="stable")
    place = np.clip(np.searchsorted(known[order], source), 0, len(known) - 1)
    there = known[order][place] == source
    owner = np.where(there, state.owners["ssObjectId"][order][place], 0).astype(np.int64)
    pair, count = np.unique(np.stack([links, owner], axis=1), axis=0, return_counts=True)
    # The most frequent owner last of each link; a tie goes to the object, not to nothing.
    rank = np.lexsort((pair[:, 1] != 0, count, pair[:, 0]))
    last = np.flatnonzero(np.diff(pair[rank, 0], append=np.iinfo(np.int64).max))
    best = rank[last]
    link, size = np.unique(links, return_counts=True)
    share = count[best] / size
    return Judged(link.astype(np.int64), size, pair[best, 1].astype(np.int64), share)
