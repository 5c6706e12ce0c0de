"""Photometry of resolved sources against stars: ResSource (LPM-17 3.3.4.5; LSE-61)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skyassay.metrics.contract import (
    Bindings,
    Column,
    Locality,
    Measurement,
    Recipe,
    Table,
    Tables,
)
from skyassay.metrics.galaxies.pair import Pair, merge
from skyassay.metrics.galaxies.ratio import Ratio, matched_ratio
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.selection import COLUMNS, Selection
from skyassay.metrics.visit_table import VisitTable, visit_table

PRODUCT = "matched_source"
_EVIDENCE_ROWS = 4000
_CUTS: dict[str, Any] = {
    "unusable": "drop_row",
    "flags": "drop_row",
    "extendedness_max": 0.5,
    "mag": {"*": [17.0, 21.0]},
    "snr": [30.0, None],
}


def _recipe(size: str, largest: float) -> Recipe:
    return Recipe(
        "srd",
        {
            "stars": {**_CUTS, "flux": "psfFlux"},
            "galaxies": {
                **_CUTS,
                "flux": "cModelFlux",
                "extendedness_statistic": "median",
                "extendedness_above": 0.5,
                size: largest,
            },
            "bin_mag": 0.5,
            "min_stars_per_bin": 5,
            "min_sources": 20,
            "min_visits": 3,
            "statistic": "root of the ratio of population variances, stars weighted to the "
            "galaxies' magnitudes",
        },
    )


@dataclass(frozen=True)
class _ResolvedRatio(BaseMetric):
    """Shared by both readings of the size limit."""

    unit = ""
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (
            *COLUMNS,
            Column("cModelFlux", "nJy"),
            Column("cModelFluxErr", "nJy"),
            Column("effectiveRadius", "arcsec"),
        )
    }
    locality: ClassVar[Locality] = "object"
    error_units: ClassVar[tuple[str, ...]] = ("visit", "object")
    diameter: ClassVar[bool] = False

    def zero(self) -> Pair:
        """Return the state of no data."""
        return Pair()

    def fold(self, part: Tables) -> Pair:
        """Return the selected stars and galaxies of one partition."""
        table = part[PRODUCT]
        return Pair(
            _selection(self.recipe["stars"]).apply(table),
            _selection(self.recipe["galaxies"]).apply(self._as_points(table)),
        )

    def merge(self, a: Pair, b: Pair) -> Pair:
        """Return the sources of both parts."""
        return merge(a, b)

    def finish(self, state: Pair, at: Bindings) -> list[Measurement]:
        """Return the ratio of every band; none when there was no row at all."""
        found = []
        for band in sorted({*state.stars.bands, *state.galaxies.bands}):
            refused = sum(s.bands[band].n_rejected for s in state.samples if band in s.bands)
            try:
                value = self._value(state, band)
            except NotMeasured as why:
                found.append(self.not_measured(why, band=band, n_rejected=refused))
                continue
            found.append(self.measured(value, band=band, n_rejected=refused))
        return found

    def evidence(self, state: Pair) -> Mapping[str, Table]:
        """Return per band each galaxy's scatter (mmag, ddof 1) and mean magnitude."""
        found: dict[str, Table] = {}
        for band, galaxies in state.galaxies.bands.items():
            table = visit_table(galaxies)
            if len(table.star):
                cut = slice(0, _EVIDENCE_ROWS)
                found[band] = {
                    "value": np.nanstd(table.mag[cut], axis=1, ddof=1) * 1e3,
                    "mag": np.nanmean(table.mag[cut], axis=1),
                    "n_visits": table.count[cut],
                }
        return found

    def _value(self, state: Pair, band: str) -> Value:
        stars, galaxies = (self._table(s.bands.get(band), n) for s, n in state.named)
        ratio: Ratio = matched_ratio(stars, galaxies, self.recipe)
        notes = {
            "n_units": ratio.n_visits,
            "n_visits": ratio.n_visits,
            "n_stars": len(stars.star),
            "n_galaxies": ratio.n_galaxies,
            "star_rms": ratio.star_rms,
            "galaxy_rms": ratio.galaxy_rms,
            "budget_visit": ratio.visit_share,
            "budget_own": 1.0 - ratio.visit_share,
        }
        return Value(ratio.value, ratio.n_galaxies, ratio.interval, diagnostics=notes)

    def _table(self, sources: Any, name: str) -> VisitTable:
        table = None if sources is None else visit_table(sources)
        number = 0 if table is None else len(table.star)
        if table is None or number < self.recipe["min_sources"]:
            raise NotMeasured(
                f"too_few_{name}",
                f"{number} {name} with two visits passed the cuts; "
                f"{self.recipe['min_sources']} are needed.",
            )
        return table

    def _as_points(self, table: Table) -> Table:
        """Return the table with model fluxes, and 0 for what is resolved and small enough."""
        cuts = self.recipe["galaxies"]
        size = np.asarray(table["effectiveRadius"], dtype=np.float64)
        size = 2.0 * size if self.diameter else size
        extendedness = np.asarray(table["extendedness"], dtype=np.float64)
        known = np.isfinite(size) & np.isfinite(extendedness)
        with np.errstate(invalid="ignore"):
            wanted = (extendedness > cuts["extendedness_above"]) & (size <= self.largest)
        return {
            **table,
            "psfFlux": table["cModelFlux"],
            "psfFluxErr": table["cModelFluxErr"],
            "extendedness": np.where(known, np.where(wanted, 0.0, 1.0), np.nan),
        }

    @property
    def largest(self) -> float:
        """Return the largest size counted, arcsec."""
        return float(self.recipe["galaxies"]["diameter" if self.diameter else "radius"])


def _selection(cuts: Mapping[str, Any]) -> Selection:
    ours = ("flux", "extendedness_above", "radius", "diameter")
    return Selection.from_recipe({k: v for k, v in cuts.items() if k not in ours})


class RatioByRadius(_ResolvedRatio):
    """Ratio of the rms photometric repeatability of galaxies to that of stars.

    Galaxies (extendedness above 0.5, effective radius up to 10 arcsec, cModelFlux) and stars
    (extendedness below 0.5, psfFlux) of magnitude 17 to 21 with S/N above 30. The population
    variance of a single measurement about its object's mean is taken for both, that of the
    stars weighted in bins of half a magnitude to the galaxies' magnitudes; the value is the
    root of the ratio. The interval leaves out visits and galaxies in turn.

    Source: LPM-17 3.3.4.5 (a sentence without a name), size read as an effective radius.
    Differs from the peers: none computes it.
    Not measured when: fewer than 20 stars or galaxies, fewer than 3 visits, no magnitude bin
    with 5 stars beside its galaxies, or repeated values that are copies.
    """

    id = "photometry.resolved.ratio_radius"
    title = "Scatter of galaxies against stars (effective radius up to 10 arcsec)"
    requirements = ("LPM-17.ResolvedPhotFactor/value",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": _recipe("radius", 10.0)}


class RatioByDiameter(_ResolvedRatio):
    """Ratio of the rms photometric repeatability of galaxies to that of stars.

    As `photometry.resolved.ratio_radius`, with twice the effective radius up to 10 arcsec.

    Source: LSE-61 DMS-REQ-0359, ResSource, size read as a diameter.
    Differs from the peers: none computes it.
    Not measured when: as `photometry.resolved.ratio_radius`.
    """

    id = "photometry.resolved.ratio_diameter"
    title = "Scatter of galaxies against stars (diameter up to 10 arcsec)"
    requirements = ("DMS-REQ-0359/ResSource",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": _recipe("diameter", 10.0)}
    diameter = True
