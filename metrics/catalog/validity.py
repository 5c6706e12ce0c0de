"""Are the numbers numbers? The share of fluxes that are not finite, per band."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from skyassay.metrics.catalog.census import recipe
from skyassay.metrics.catalog.filled import BANDS
from skyassay.metrics.contract import Bindings, Column, Measurement, Recipe, Tables
from skyassay.metrics.plugin import BaseMetric, Value
from skyassay.metrics.states import unit_rows
from skyassay.metrics.states.unit_rows import UnitRows

#: What analysis_tools calls valid, nJy; faint and negative fluxes are measurements too.
PEER_RANGE = (0.1, 1e9)


@dataclass(frozen=True)
class InvalidFluxes(BaseMetric):
    """Share of the objects whose PSF flux is no finite number, per band, %.

    A census. Fluxes are linear: zero and negative ones are sound, and counted beside as
    ``outside_peer_range``.

    Source: no requirement states a limit; informational.
    Differs from the peers: analysis_tools calls fluxes below 0.1 nJy or above 1e9 nJy invalid.
    Not measured when: the object table is empty; a band without a flux column has no value.
    """

    id = "catalog.fluxes.invalid"
    unit = "%"
    title = "Objects without a finite flux"
    requirements = ()
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": recipe(valid="finite", flux="psfFlux")}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        "object": (
            Column("objectId"),
            *(Column(f"{b}_psfFlux", "nJy", optional=True) for b in BANDS),
        )
    }
    diagnostic: ClassVar[bool] = True

    def zero(self) -> UnitRows:
        """Return the state of no data."""
        return UnitRows(())

    def fold(self, part: Tables) -> UnitRows:
        """Return rows, values that are not finite, and those outside the peers' range."""
        counts: dict[str, int] = {}
        for band in BANDS:
            flux = part["object"].get(f"{band}_psfFlux")
            if flux is None:
                continue
            x = np.asarray(flux, dtype=np.float64)
            good = np.isfinite(x)
            inside = (x[good] >= PEER_RANGE[0]) & (x[good] <= PEER_RANGE[1])
            counts[f"{band}.rows"] = len(x)
            counts[f"{band}.invalid"] = int((~good).sum())
            counts[f"{band}.outside"] = int((~inside).sum())
        return UnitRows((), {}, counts)

    def merge(self, a: UnitRows, b: UnitRows) -> UnitRows:
        """Return the counts of both parts."""
        return unit_rows.merge(a, b)

    def finish(self, state: UnitRows, at: Bindings) -> list[Measurement]:
        """Return the share of every band that has the column and rows."""
        found = []
        for band in BANDS:
            rows = state.counts.get(f"{band}.rows", 0)
            if rows:
                invalid = state.counts[f"{band}.invalid"]
                notes = {"n_units": rows, "outside_peer_range": state.counts[f"{band}.outside"]}
                value = Value(100.0 * invalid / rows, rows, diagnostics=notes)
                found.append(self.measured(value, band=band))
        return found
