"""The books of a run: is every piece of work accounted for, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.catalog.census import THERE, WRONG, Census, recipe
from skyassay.metrics.contract import Bindings, Column, Locality, Measurement, Recipe, Table, Tables
from skyassay.metrics.plugin import BaseMetric, Value
from skyassay.metrics.states import keyed_sums, unit_rows
from skyassay.metrics.states.keyed_sums import KeyedSums
from skyassay.metrics.states.unit_rows import UnitRows, from_columns
from skyassay.metrics.unit_family import number, spread

PRODUCT = "quantum_summary"
DONE, GOOD = ("SUCCESS", "NO_WORK"), ("SUCCESS", "NO_WORK", "EXISTING")
BAD = ("FAILED", "SKIPPED", "LOST")


def _texts(table: Table, name: str) -> NDArray[Any]:
    return np.asarray(table[name]).astype(str)


@dataclass(frozen=True, eq=False)
class Books:
    """Counts of a census, and how often each piece of work was done."""

    counts: UnitRows = field(default_factory=lambda: UnitRows(()))
    done: KeyedSums = field(default_factory=lambda: KeyedSums(1.0))

    def to_bytes(self) -> bytes:
        """Return canonical bytes."""
        return self.counts.to_bytes() + b"\1" + self.done.to_bytes()


class UnaccountedWork(Census):
    """Number of pieces of work whose end is not recorded, not explained, or that were done twice.

    Every task on every data id must have succeeded, found nothing to do, been finished before,
    or have a reason (a code or a message) why it failed, was skipped or was lost.

    Source: LSE-61 DMS-REQ-0294.
    Differs from the peers: the provenance report of the Rubin middleware counts by state; it
    does not judge.
    Not measured when: `quantum_summary` is empty or lacks a column, or less than half of the
    work succeeded.
    """

    id = "processing.quanta.unaccounted"
    title = "Pieces of work that are not accounted for"
    requirements = ("DMS-REQ-0294/capability",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(good=list(GOOD), bad=list(BAD))}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: tuple(Column(n) for n in ("label", "dataId", "status", "code", "error"))
    }
    locality: ClassVar[Locality] = "row"
    products = (PRODUCT,)

    def zero(self) -> Any:
        """Return the state of no data."""
        return Books()

    def fold(self, part: Tables) -> Any:
        """Return the counts of one partition."""
        import pandas as pd

        table = part[PRODUCT]
        names = np.char.add(np.char.add(_texts(table, "label"), "\n"), _texts(table, "dataId"))
        mine = names[np.isin(_texts(table, "status"), DONE)]
        key = pd.util.hash_array(mine.astype(object)).view(np.int64)
        done = keyed_sums.from_values(key, np.ones(len(key)), 1.0)
        return Books(super().fold(part), done)

    def merge(self, a: Any, b: Any) -> Any:
        """Return the counts of both parts."""
        return Books(unit_rows.merge(a.counts, b.counts), keyed_sums.merge(a.done, b.done))

    def finish(self, state: Any, at: Bindings) -> list[Measurement]:
        """Return the number of unaccounted pieces; none when there was no row at all."""
        return super().finish(self._with_twice(state), at)

    def evidence(self, state: Any) -> Mapping[str, Table]:
        """Return the violations check by check."""
        return super().evidence(self._with_twice(state))

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return how many ends are unknown, and how many bad ones without a reason."""
        table = part[PRODUCT]
        status = _texts(table, "status")
        bad, good = np.isin(status, BAD), np.isin(status, GOOD)
        silent = (np.char.strip(_texts(table, "code")) == "") & (
            np.char.strip(_texts(table, "error")) == ""
        )
        return {
            "unknown_end": int((~bad & ~good).sum()),
            "no_reason": int((bad & silent).sum()),
            THERE: int(good.sum()),
        }

    @staticmethod
    def _with_twice(state: Books) -> UnitRows:
        """Return the counts with what was done more than once."""
        twice = int((state.done.count - 1).sum())
        counts = dict(state.counts.counts)
        return UnitRows((), {}, {**counts, f"{WRONG}twice": twice} if counts else counts)


class _Cost(BaseMetric):
    """Shared by both: one row per piece of work that was done now, task by task."""

    diagnostic = True
    requirements: ClassVar[tuple[str, ...]] = ()
    locality: ClassVar[Locality] = "row"
    #: Column of the cost, its unit and what the metric's unit makes of it.
    cost: ClassVar[str]
    scale: ClassVar[float] = 1.0

    @property
    def _key(self) -> tuple[str, ...]:
        return ("label", "dataId", "cost")

    def zero(self) -> UnitRows:
        """Return the state of no data."""
        return UnitRows(self._key)

    def fold(self, part: Tables) -> UnitRows:
        """Return the costs of one partition."""
        table = part[PRODUCT]
        cost = number(table, self.cost) * self.scale
        with np.errstate(invalid="ignore"):
            sound = np.isin(_texts(table, "status"), DONE) & np.isfinite(cost) & (cost >= 0.0)
        columns = {
            "label": _texts(table, "label")[sound],
            "dataId": _texts(table, "dataId")[sound],
            "cost": cost[sound],
        }
        return from_columns(self._key, columns, {"rows": len(cost)})

    def merge(self, a: UnitRows, b: UnitRows) -> UnitRows:
        """Return the costs of both parts."""
        return unit_rows.merge(a, b)

    def finish(self, state: UnitRows, at: Bindings) -> list[Measurement]:
        """Return one measurement per task; none when there was no row at all."""
        from skyassay.metrics.plugin import NotMeasured

        if not len(state):
            if not state.counts.get("rows"):
                return []
            why = NotMeasured("no_usable_row", "No piece of work that was done has its cost.")
            return [self.not_measured(why, n_rejected=state.counts["rows"])]
        return [self.measured(self.of(state, str(label))) for label in np.unique(state["label"])]

    def of(self, state: UnitRows, label: str) -> Value:
        """Return the value of one task."""
        cost = state["cost"][state["label"] == label]
        notes = {
            "n_units": len(cost),
            "median": float(np.median(cost)),
            "total": float(np.sort(cost).sum()),
            "largest": float(cost.max()),
        }
        return Value(self.statistic(cost), len(cost), component=label, diagnostics=notes)

    def statistic(self, cost: NDArray[np.float64]) -> float:
        """Return the value of the costs of one task."""
        raise NotImplementedError

    def evidence(self, state: UnitRows) -> Mapping[str, Table]:
        """Return the cost of every piece of work."""
        if not len(state):
            return {}
        some = spread(len(state))
        return {"": {"value": state["cost"][some], "label": state["label"][some]}}


class TaskSeconds(_Cost):
    """Median wall time of a piece of work of each task, reading and writing included, s.

    Source: none; it tells where the time goes. The total is among the diagnostics.
    Differs from the peers: the Rubin middleware keeps the same in the task metadata.
    Not measured when: `quantum_summary` has no finished work with its time.
    """

    id = "processing.task.seconds"
    unit = "s"
    title = "Wall time of a task"
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {"statistic": "median over the data ids that were done now"})
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (Column("label"), Column("dataId"), Column("status"), Column("seconds", "s"))
    }
    cost = "seconds"

    def statistic(self, cost: NDArray[np.float64]) -> float:
        """Return the median."""
        return float(np.median(cost))


class TaskMemory(_Cost):
    """Largest peak of resident memory during a piece of work of each task, Mbyte.

    Source: none; it tells what a worker must have.
    Differs from the peers: the Rubin middleware keeps the same in the task metadata.
    Not measured when: `quantum_summary` has no finished work with its memory.
    """

    id = "processing.task.memory"
    unit = "Mbyte"
    title = "Peak memory of a task"
    recipes: ClassVar[Mapping[str, Recipe]] = {
        "srd": Recipe("srd", {"statistic": "largest over the data ids that were done now"})
    }
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (Column("label"), Column("dataId"), Column("status"), Column("memory", "byte"))
    }
    cost = "memory"
    scale = 1e-6

    def statistic(self, cost: NDArray[np.float64]) -> float:
        """Return the largest."""
        return float(cost.max())
