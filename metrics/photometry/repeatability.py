"""Photometric repeatability: PA1, PF1 and PA2 (LPM-17 section 3.3.4.1; LSE-61 5.1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Recipe, Scalar, Table
from skyassay.metrics.family import NotMeasured, StarMetric, Value, usable
from skyassay.metrics.photometry import peers
from skyassay.metrics.photometry.all_stars import scale_of_all
from skyassay.metrics.recipes import PHOTOMETRY
from skyassay.metrics.states.star_counts import Counts, StarCounts
from skyassay.metrics.states.star_sample import StarSample
from skyassay.metrics.statistics.deviations import (
    deviation_table,
    fraction_beyond,
    reached_by,
)
from skyassay.metrics.statistics.scale import budget, median_scale
from skyassay.metrics.statistics.tails import TailModel, scaled, two_way_tail
from skyassay.metrics.statistics.twoway import TwoWay, fit_two_way
from skyassay.metrics.visit_table import VisitTable, band_table, sky_cells

_EVIDENCE_ROWS = 4_000


@dataclass(frozen=True)
class _Deviations:
    """What PF1 and PA2 are made from.

    Attributes
    ----------
    tail : TailModel
    off : ndarray, shape (n_stars, n_visits)
        Deviations from the star's mean, mmag.
    counts : Counts or None
        Of the deviations of all stars, where the others have only a sample.
    number : int
        Deviations that make the value.
    """

    tail: TailModel
    off: NDArray[np.float64]
    counts: Counts | None
    number: int
    notes: Mapping[str, Scalar]


def _deviations(fit: TwoWay, table: VisitTable, everything: StarCounts | None) -> _Deviations:
    off = deviation_table(table.mag * 1e3)
    number, counts = int(np.isfinite(off).sum()), None
    notes = {**_diagnostics(fit), "n_stars": len(table.star)}
    if everything is not None:
        counts = everything.deviation
        number, notes = counts.total, {**notes, **_of_all(table)}
        notes["n_stars"] = everything.scatter.total
    return _Deviations(two_way_tail(fit, _each(table)), off, counts, number, notes)


def _of_all(table: VisitTable) -> dict[str, Scalar]:
    """Say that the value is that of all stars and the interval that of some."""
    return {"value_of": "all stars", "n_stars_of_interval": len(table.star)}


@dataclass(frozen=True)
class _Repeatability(StarMetric):
    """Shared by the three: the table of magnitudes and its split."""

    recipes: ClassVar[Mapping[str, Recipe]] = PHOTOMETRY

    def table(self, state: StarSample, band: str) -> VisitTable:
        """Return the magnitudes of the band's stars, in mmag, by visit."""
        table = band_table(state, band, self.recipe.parameters.get("min_visits_used", 2))
        if len(table.star) < self.recipe["min_stars"]:
            raise NotMeasured(
                "too_few_stars",
                f"{len(table.star)} stars passed the cuts with two visits or more; "
                f"the recipe needs {self.recipe['min_stars']}.",
            )
        return table

    def fit(self, state: StarSample, band: str, table: VisitTable) -> TwoWay:
        """Return the two-way split of the table; made once for all metrics of the state."""
        return state.derived.once(("split", band, self.recipe.hash), lambda: split(table))

    def parts(self, state: StarSample, band: str, table: VisitTable) -> _Deviations:
        """Return what PF1 and PA2 are made from; made once for both."""
        fit = self.fit(state, band, table)
        key = ("deviations", band, self.recipe.hash)
        return state.derived.once(key, lambda: _deviations(fit, table, state.bands[band].counts))

    def evidence(self, state: StarSample) -> Mapping[str, Table]:
        """Return per band each star's scatter (mmag, ddof 1), visits, magnitude and place."""
        found: dict[str, Table] = {}
        for band in state.bands:
            table = band_table(state, band)
            if len(table.star):
                cut = slice(0, _EVIDENCE_ROWS)
                found[band] = {
                    "value": np.nanstd(table.mag[cut], axis=1, ddof=1) * 1e3,
                    "n_visits": table.count[cut],
                    "mag": np.nanmean(table.mag[cut], axis=1),
                    **_place(table.mean_direction[cut]),
                }
        return found


def split(table: VisitTable) -> TwoWay:
    """Return the two-way split of the magnitudes, mmag.

    Raises
    ------
    NotMeasured
        ``too_few_stars`` or ``no_scatter``.
    """
    fit = fit_two_way(table.mag * 1e3, cell=sky_cells(table.mean_direction))
    return usable(fit, "too_few_stars", "More stars than visits are needed.")


def _place(direction: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return right ascension and declination, degrees, of unit vectors."""
    x, y, z = direction.T
    return {
        "ra": np.degrees(np.arctan2(y, x)) % 360.0,
        "dec": np.degrees(np.arcsin(np.clip(z, -1.0, 1.0))),
    }


def _diagnostics(fit: TwoWay) -> dict[str, Scalar]:
    return {
        "n_visits": fit.n_visits,
        "visits_per_star": float(np.median(fit.count)),
        "visit_rms": float(np.sqrt(fit.shared_mean_square)),
    }


def _each(table: VisitTable) -> NDArray[np.intp]:
    return np.arange(len(table.star))[:, None]


class PA1(_Repeatability):
    """Typical scatter of one bright star's magnitude about its mean, mmag.

    The rms of the population, median over stars: the square root of the variance that whole
    visits share plus the squared median of the stars' own deviations, each made free of the
    bias of few visits. Source: LPM-17 section 3.3.4.1, table 14; LSE-61 section 5.1.1.

    Differs from the peers: validate_drp takes random pairs and a robust width that hides
    tails; faro the standard deviation with n in the denominator (18 % low at three visits),
    analysis_tools with n - 1 after cutting single faint rows away. None gives an interval.

    Not measured when: too few stars pass the cuts with two visits or more, or repeated
    values are copies of each other (no scatter at all).
    """

    id = "photometry.repeatability.pa1"
    unit = "mmag"
    title = "Photometric repeatability of bright stars (PA1)"
    requirements = (
        "LPM-17.PA1/gri",
        "LPM-17.PA1/u",
        "LPM-17.PA1/z",
        "LPM-17.PA1/y",
        "DMS-REQ-0359/PA1gri",
        "DMS-REQ-0359/PA1uzy",
    )

    def values(self, state: StarSample, band: str, at: Bindings) -> list[Value]:
        """Return PA1 of one band."""
        table = self.table(state, band)
        if self.recipe.name != "srd":
            return [Value(peers.pa1(self.recipe, table), len(table.star))]
        fit = self.fit(state, band, table)
        scale = median_scale(fit, _each(table))
        notes = {**_diagnostics(fit), **budget(scale)}
        number, counts = len(table.star), state.bands[band].counts
        if counts is not None:
            scale = scale_of_all(fit, scale, counts.scatter)
            number, notes = counts.scatter.total, {**notes, **_of_all(table)}
        return [Value(scale.value, number, scale.interval, diagnostics=notes)]


class PF1(_Repeatability):
    """Fraction of magnitudes that deviate from their star's mean by more than PA2, %.

    Of single magnitudes about the mean of the population: residuals are scaled by sqrt(n /
    (n - 1)). Source: LPM-17 section 3.3.4.1, table 14; LSE-61 section 5.1.1.

    Differs from the peers: faro and validate_drp do not scale residuals; analysis_tools
    counts stars, one-sided, whose scatter exceeds the median by PA2: another quantity.

    Not measured when: too few stars pass the cuts with two visits or more, or repeated
    values are copies of each other (no scatter at all).
    """

    id = "photometry.repeatability.pf1"
    unit = "%"
    title = "Fraction of outlying magnitudes (PF1 at PA2)"
    requirements = (
        "LPM-17.PF1/gri",
        "LPM-17.PF1/u",
        "LPM-17.PF1/z",
        "LPM-17.PF1/y",
        "DMS-REQ-0359/PF1",
    )
    at_units = {"PA2": "mmag"}  # noqa: RUF012 - a class constant of the contract

    def values(self, state: StarSample, band: str, at: Bindings) -> list[Value]:
        """Return PF1 of one band at every bound PA2."""
        table = self.table(state, band)
        limits = self.bound("PA2", band, at)
        if self.recipe.name != "srd":
            return [
                Value(peers.pf1(self.recipe, table, c), len(table.star), at={"PA2": c})
                for c in limits
            ]
        parts = self.parts(state, band, table)
        found = []
        for limit in limits:
            value, interval = fraction_beyond(parts.tail, parts.off, limit, parts.counts)
            percent = scaled(interval, 100.0)
            given = {"PA2": limit}
            found.append(Value(100.0 * value, parts.number, percent, given, None, parts.notes))
        return found


class PA2(_Repeatability):
    """Deviation from the star's mean that PF1 % of the magnitudes exceed, mmag.

    The same deviations as PF1, so that PA2 at PF1 is within its limit exactly when PF1 at
    PA2 is. Source: LPM-17 section 3.3.4.1, table 14; LSE-61 section 5.1.1.

    Differs from the peers: only validate_drp has one, from differences of random pairs.

    Not measured when: too few stars pass the cuts with two visits or more, or repeated
    values are copies of each other (no scatter at all).
    """

    id = "photometry.repeatability.pa2"
    unit = "mmag"
    title = "Outlier limit of magnitudes (PA2 at PF1)"
    requirements = (
        "LPM-17.PA2/gri",
        "LPM-17.PA2/u",
        "LPM-17.PA2/z",
        "LPM-17.PA2/y",
        "DMS-REQ-0359/PA2gri",
        "DMS-REQ-0359/PA2uzy",
    )
    at_units = {"PF1": "%"}  # noqa: RUF012

    def values(self, state: StarSample, band: str, at: Bindings) -> list[Value]:
        """Return PA2 of one band at every bound PF1."""
        table = self.table(state, band)
        if "PF1" not in self.recipe.parameters:
            raise NotMeasured("not_in_recipe", f"{self.recipe.name} publishes no PA2.")
        fractions = self.bound("PF1", band, at)
        if self.recipe.name != "srd":
            return [
                Value(peers.pa2(self.recipe, table, f), len(table.star), at={"PF1": f})
                for f in fractions
            ]
        parts = self.parts(state, band, table)
        found = []
        for fraction in fractions:
            value, interval = reached_by(parts.tail, parts.off, fraction / 100.0, parts.counts)
            given = {"PF1": fraction}
            found.append(Value(value, parts.number, interval, given, None, parts.notes))
        return found
