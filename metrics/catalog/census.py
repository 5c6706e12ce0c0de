"""What censuses of catalogs have in common: rows are counted, none is a sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from skyassay.metrics.contract import Bindings, Measurement, Recipe, Table, Tables
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states import unit_rows
from skyassay.metrics.states.unit_rows import UnitRows

#: Names of counts: rows of a product, violations by check, and rows that had something to break.
ROWS, WRONG, THERE = "rows.", "wrong.", "there"
#: Name of the count of what could be there, where that is not one for each row.
DUE = "due"


@dataclass(frozen=True)
class Census(BaseMetric):
    """Shared by counts of rows that break a rule.

    Subclasses give `count`: partition -> check -> rows that break it; under the name ``there``
    the rows that could have. The value is the sum of the checks; the diagnostic ``shown``
    says whether the capability is (no row breaks the rule).
    """

    unit = ""

    products: ClassVar[tuple[str, ...]]
    #: A catalog of which less than this share is filled shows no capability.
    least_filled: ClassVar[float] = 0.5

    def zero(self) -> UnitRows:
        """Return the state of no data."""
        return UnitRows(())

    def fold(self, part: Tables) -> UnitRows:
        """Return the counts of one partition."""
        rows = {f"{ROWS}{p}": len(next(iter(part[p].values()))) for p in self.products}
        counted = self.count(part)
        plain = (THERE, DUE)
        wrong = {k if k in plain else f"{WRONG}{k}": int(v) for k, v in counted.items()}
        return UnitRows((), {}, {**rows, **wrong})

    def merge(self, a: UnitRows, b: UnitRows) -> UnitRows:
        """Return the counts of both parts."""
        return unit_rows.merge(a, b)

    def count(self, part: Tables) -> Mapping[str, int]:
        """Return check -> rows of the partition that break it."""
        raise NotImplementedError

    def finish(self, state: UnitRows, at: Bindings) -> list[Measurement]:
        """Return the number of rows that break a rule; none when there was no row at all."""
        empty = [p for p in self.products if not state.counts.get(f"{ROWS}{p}")]
        if len(empty) == len(self.products):
            return []
        if empty:
            why = NotMeasured("no_rows", f"{', '.join(empty)} has no row: nothing was counted.")
            return [self.not_measured(why)]
        if not state.counts.get(THERE, 0):
            why = NotMeasured("nothing_filled", "No row has a value that the rule is about.")
            return [self.not_measured(why)]
        due = state.counts.get(DUE, state.counts[f"{ROWS}{self.products[0]}"])
        there = state.counts[THERE]
        wrong = sum(v for k, v in state.counts.items() if k.startswith(WRONG))
        if not wrong and there < self.least_filled * due:
            why = NotMeasured(
                "hardly_filled",
                f"Only {there} of {due} have a value that the rule is about; the others say why "
                "not, but so few do not show that it can be done.",
            )
            return [self.not_measured(why)]
        rows = sum(v for k, v in state.counts.items() if k.startswith(ROWS))
        notes = {"n_units": rows, "shown": wrong == 0, **dict(sorted(state.counts.items()))}
        return [self.measured(Value(float(wrong), rows, diagnostics=notes))]

    def evidence(self, state: UnitRows) -> Mapping[str, Table]:
        """Return the violations check by check."""
        checks = sorted(k for k in state.counts if k.startswith(WRONG))
        if not checks:
            return {}
        value = np.array([state.counts[k] for k in checks], dtype=np.float64)
        return {"": {"value": value, "check": np.array([k.removeprefix(WRONG) for k in checks])}}


def recipe(**parameters: object) -> Recipe:
    """Return a census recipe."""
    return Recipe("srd", {"statistic": "count of rows that break the rule", **parameters})
