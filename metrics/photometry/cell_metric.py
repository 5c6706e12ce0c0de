"""What metrics of zero points in sky cells have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from skyassay.metrics.contract import (
    Bindings,
    Column,
    Locality,
    Measurement,
    Recipe,
    Table,
    Tables,
)
from skyassay.metrics.photometry.zero_points import (
    INPUTS,
    STEP,
    ZERO_POINTS,
    Cells,
    Term,
    cells_of_term,
    fold_cells,
    refuse_holes,
)
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.keyed_sums import KeyedSums, merge


@dataclass(frozen=True)
class CellMetric(BaseMetric):
    """Shared by metrics of zero-point errors in sky cells.

    Notes
    -----
    Subclasses give `id`, `unit`, `title`, `requirements`, `recipes`, `terms` and `values`.
    """

    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = INPUTS
    locality: ClassVar[Locality] = "object"
    error_units: ClassVar[tuple[str, ...]] = ("sky region", "sky cell")
    terms: ClassVar[tuple[Term, ...]] = ZERO_POINTS

    @property
    def state_key(self) -> str:
        """Return the hash of the cuts: metrics that add up alike share their state."""
        names = [t.name for t in self.terms]
        return Recipe("cells", {"cells": self.recipe["cells"], "terms": names}).hash

    def zero(self) -> KeyedSums:
        """Return the state of no data."""
        return KeyedSums(STEP)

    def fold(self, part: Tables) -> KeyedSums:
        """Return the zero-point errors of one partition, added up in cells."""
        return fold_cells(part, self.recipe["cells"], self.terms)

    def merge(self, a: KeyedSums, b: KeyedSums) -> KeyedSums:
        """Return the sums of both parts."""
        return merge(a, b)

    def finish(self, state: KeyedSums, at: Bindings) -> list[Measurement]:
        """Return the measurements of every term that had columns; none when no row at all."""
        if not state.counts.get("rows"):
            return []
        found = [
            m
            for index, term in enumerate(self.terms)
            if f"rows_{term.name}" in state.counts
            for m in self._term(state, index, term, at)
        ]
        missing = NotMeasured(
            "no_band_columns", "No band has psfFlux and psfFluxErr in object and a true magnitude."
        )
        return found or [self.not_measured(missing)]

    def values(self, cells: Cells, term: Term, at: Bindings) -> list[Value]:
        """Return the values of one term.

        Raises
        ------
        NotMeasured
            With the reason.
        """
        raise NotImplementedError

    def bands_of(self, term: Term) -> tuple[str, ...]:
        """Return the bands under which a term is reported."""
        return (term.band,)

    def evidence(self, state: KeyedSums) -> Mapping[str, Table]:
        """Return per band the cells behind the value."""
        found: dict[str, Table] = {}
        for index, term in enumerate(self.terms):
            try:
                cells = self._cells(state, index, term)
            except NotMeasured:
                continue
            for band in self.bands_of(term):
                found[band] = cells.evidence(int(self.recipe["cells"]["order"]))
        return found

    def bound(self, parameter: str, band: str, at: Bindings) -> tuple[float, ...]:
        """Return the values a requirement binds, or the recipe's own."""
        given = at.get(parameter, {}).get(band)
        own = self.recipe[parameter]
        return tuple(sorted(set(given))) if given else (float(own.get(band, own["*"])),)

    def _cells(self, state: KeyedSums, index: int, term: Term) -> Cells:
        noise = self.recipe["most_noise_mmag"]
        most = noise.get(term.name, noise["*"])
        refuse_holes(state, term)
        cuts = {**self.recipe["cells"], **self.recipe["enough"]}
        return cells_of_term(
            state, index, cuts, most_noise=float("inf") if most is None else float(most)
        )

    def _term(self, state: KeyedSums, index: int, term: Term, at: Bindings) -> list[Measurement]:
        stars = state.counts.get(f"used_{term.name}", 0)
        try:
            cells = self._cells(state, index, term)
            values = self.values(cells, term, at)
        except NotMeasured as why:
            return [
                self.not_measured(why, band=band, n=0, diagnostics={"n_stars": stars})
                for band in self.bands_of(term)
            ]
        return [
            self.measured(v, band=band, n_rejected=cells.refused)
            for band in self.bands_of(term)
            for v in values
        ]
