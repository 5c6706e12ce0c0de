"""Relative astrometry: AM1-3, AF1-3 and AD1-3 (LPM-17 section 3.3.5.1; LSE-61 5.1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.astrometry import peers
from skyassay.metrics.astrometry.pairs import Pairs, pairs_at
from skyassay.metrics.contract import Bindings, Recipe, Scalar, Table
from skyassay.metrics.family import NotMeasured, StarMetric, Value, usable
from skyassay.metrics.recipes import ASTROMETRY
from skyassay.metrics.states.star_sample import StarSample
from skyassay.metrics.statistics.deviations import (
    deviation_table,
    fraction_beyond,
    reached_by,
)
from skyassay.metrics.statistics.scale import budget, median_scale
from skyassay.metrics.statistics.tails import TailModel, scaled, two_way_tail
from skyassay.metrics.statistics.twoway import TwoWay, fit_two_way
from skyassay.metrics.visit_table import band_table

#: LPM-17 table 18: the separation of each scale, arcmin.
SEPARATION = {1: 5.0, 2: 20.0, 3: 200.0}
_EVIDENCE_ROWS = 4_000


@dataclass(frozen=True)
class _Relative(StarMetric):
    """Shared by all: the pairs of one scale and their split."""

    scale: ClassVar[int]
    recipes: ClassVar[Mapping[str, Recipe]] = ASTROMETRY
    error_units: ClassVar[tuple[str, ...]] = ("visit", "star")

    def pairs(self, state: StarSample, band: str) -> Pairs:
        """Return the band's pairs at this metric's separation."""
        table = band_table(state, band)
        if len(table.star) < self.recipe["min_stars"]:
            raise NotMeasured(
                "too_few_stars",
                f"{len(table.star)} stars passed the cuts; the recipe needs "
                f"{self.recipe['min_stars']}.",
            )
        arcmin = SEPARATION[self.scale]
        asked = (arcmin, self.recipe["half_width_arcmin"], self.recipe.parameters.get("max_pairs"))
        pairs = state.derived.once(("pairs", band, asked), lambda: pairs_at(table, *asked))
        if len(pairs.ends) < self.recipe["min_pairs"]:
            raise NotMeasured(
                "too_few_pairs",
                f"{len(pairs.ends)} pairs {arcmin:g} arcmin apart were seen together twice; "
                f"the recipe needs {self.recipe['min_pairs']}.",
            )
        return pairs

    def split(self, state: StarSample, band: str, pairs: Pairs) -> TwoWay:
        """Return the two-way split of the separations, mas; made once for AM, AF and AD."""
        key = ("pair split", band, self.scale, self.recipe.hash)
        return state.derived.once(key, lambda: self.fresh_split(pairs))

    def tail(self, state: StarSample, band: str, pairs: Pairs) -> TailModel:
        """Return the tail model of the separations; made once for AF and AD."""
        fit = self.split(state, band, pairs)
        key = ("pair tail", band, self.scale, self.recipe.hash)
        return state.derived.once(key, lambda: two_way_tail(fit, pairs.ends))

    def fresh_split(self, pairs: Pairs) -> TwoWay:
        """Return the two-way split of the separations, mas."""
        x = pairs.separation - np.nanmean(pairs.separation, axis=1, keepdims=True)
        fit = fit_two_way(x, pairs.basis, ends=pairs.ends)
        return usable(fit, "too_few_pairs", "More pairs than visits are needed.")

    def notes(self, pairs: Pairs, fit: TwoWay) -> dict[str, Scalar]:
        """Return what explains the value."""
        return {
            "n_visits": fit.n_visits,
            "n_stars": len(np.unique(pairs.ends)),
            "n_pairs_available": pairs.available,
            "visit_rms": float(np.sqrt(fit.shared_mean_square)),
        }

    def evidence(self, state: StarSample) -> Mapping[str, Table]:
        """Return per band each pair's scatter (mas, ddof 1) and number of visits."""
        found: dict[str, Table] = {}
        for band in state.bands:
            try:
                sep = self.pairs(state, band).separation[:_EVIDENCE_ROWS]
            except NotMeasured:
                continue
            found[band] = {
                "value": np.nanstd(sep, axis=1, ddof=1),
                "n_visits": np.isfinite(sep).sum(axis=1),
            }
        return found


class _AM(_Relative):
    """Typical scatter of the separation of two stars, mas.

    Over visits, median over pairs within one arcmin of the scale; the population's value,
    as PA1 is. Source: LPM-17 section 3.3.5.1, table 18; LSE-61 section 5.1.2.

    Differs from the peers: validate_drp pairs wrong stars (an index is not shifted);
    analysis_tools averages right ascensions without care for 0 h and counts pairs twice;
    faro's standard deviation keeps the bias of few visits. None gives an interval.

    Not measured when: fewer pairs of stars than the recipe asks for lie at this separation,
    too few stars are seen twice, or separations are copies.
    """

    unit = "mas"

    def values(self, state: StarSample, band: str, at: Bindings) -> list[Value]:
        """Return AM of one band."""
        pairs = self.pairs(state, band)
        if self.recipe.name != "srd":
            return [Value(peers.am(self.recipe, pairs), len(pairs.ends))]
        fit = self.split(state, band, pairs)
        scale = median_scale(fit, pairs.ends)
        notes = {**self.notes(pairs, fit), **budget(scale)}
        return [Value(scale.value, len(pairs.ends), scale.interval, diagnostics=notes)]


class _AF(_Relative):
    """Fraction of separations that deviate from their typical value by more than AD, %.

    Of single separations about their pair's mean, scaled by sqrt(n / (n - 1)). Source:
    LPM-17 section 3.3.5.1, table 18; LSE-61 section 5.1.2.

    Differs from the peers: validate_drp judges pairs by their rms, one-sided; faro and
    analysis_tools subtract the median of all absolute residuals, which lets a third of the
    tail go.

    Not measured when: fewer pairs of stars than the recipe asks for lie at this separation,
    too few stars are seen twice, or separations are copies.
    """

    unit = "%"

    def values(self, state: StarSample, band: str, at: Bindings) -> list[Value]:
        """Return AF of one band at every bound AD."""
        pairs = self.pairs(state, band)
        name = f"AD{self.scale}"
        limits = self.bound(name, band, at)
        if self.recipe.name != "srd":
            return [
                Value(peers.af(self.recipe, pairs, c), len(pairs.ends), at={name: c})
                for c in limits
            ]
        fit = self.split(state, band, pairs)
        tail = self.tail(state, band, pairs)
        off = separation_deviations(pairs.separation)
        notes = self.notes(pairs, fit)
        found = []
        for limit in limits:
            value, interval = fraction_beyond(tail, off, limit)
            interval = scaled(interval, 100.0)
            found.append(
                Value(100.0 * value, len(pairs.ends), interval, {name: limit}, None, notes)
            )
        return found

    def own_bound(self, parameter: str, band: str) -> float:
        """Return the recipe's AD of this scale."""
        return float(self.recipe["AD"][str(self.scale)])


class _AD(_Relative):
    """Deviation of a separation that AF % of them exceed, mas.

    The same deviations as AF. Source: LPM-17 section 3.3.5.1, table 18; LSE-61 section
    5.1.2.

    Differs from the peers: see AF; validate_drp takes the percentile of pair rms less AM.

    Not measured when: fewer pairs of stars than the recipe asks for lie at this separation,
    too few stars are seen twice, or separations are copies.
    """

    unit = "mas"

    def values(self, state: StarSample, band: str, at: Bindings) -> list[Value]:
        """Return AD of one band at every bound AF."""
        pairs = self.pairs(state, band)
        name = f"AF{self.scale}"
        fractions = self.bound(name, band, at)
        if self.recipe.name != "srd":
            return [
                Value(peers.ad(self.recipe, pairs, f), len(pairs.ends), at={name: f})
                for f in fractions
            ]
        fit = self.split(state, band, pairs)
        tail = self.tail(state, band, pairs)
        off = separation_deviations(pairs.separation)
        notes = self.notes(pairs, fit)
        found = []
        for fraction in fractions:
            value, interval = reached_by(tail, off, fraction / 100.0)
            found.append(Value(value, len(pairs.ends), interval, {name: fraction}, None, notes))
        return found

    def own_bound(self, parameter: str, band: str) -> float:
        """Return the recipe's AF, one for every scale."""
        return float(self.recipe["AF"])


def separation_deviations(separation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return deviations of separations from their pair's centre, scaled to the population's.

    The SRD speaks of the median. The median of three values is one of them, so a third of
    the deviations from it would be exactly zero; the mean estimates the same centre of a
    symmetric population and its residuals have a known scale, sqrt(n / (n - 1)).
    """
    return deviation_table(separation)


def _criteria(name: str) -> tuple[str, ...]:
    return (f"LPM-17.{name}/ri", f"DMS-REQ-0360/{name}")


class AM1(_AM):
    """AM at 5 arcmin."""

    scale = 1
    id = "astrometry.relative.am1"
    title = "Repeatability of separations at 5 arcmin (AM1)"
    requirements = _criteria("AM1")


class AM2(_AM):
    """AM at 20 arcmin."""

    scale = 2
    id = "astrometry.relative.am2"
    title = "Repeatability of separations at 20 arcmin (AM2)"
    requirements = _criteria("AM2")


class AM3(_AM):
    """AM at 200 arcmin."""

    scale = 3
    id = "astrometry.relative.am3"
    title = "Repeatability of separations at 200 arcmin (AM3)"
    requirements = _criteria("AM3")


class AF1(_AF):
    """AF at 5 arcmin."""

    scale = 1
    id = "astrometry.relative.af1"
    title = "Fraction of outlying separations at 5 arcmin (AF1 at AD1)"
    requirements = _criteria("AF1")
    at_units = {"AD1": "mas"}  # noqa: RUF012 - a class constant of the contract


class AF2(_AF):
    """AF at 20 arcmin."""

    scale = 2
    id = "astrometry.relative.af2"
    title = "Fraction of outlying separations at 20 arcmin (AF2 at AD2)"
    requirements = _criteria("AF2")
    at_units = {"AD2": "mas"}  # noqa: RUF012


class AF3(_AF):
    """AF at 200 arcmin."""

    scale = 3
    id = "astrometry.relative.af3"
    title = "Fraction of outlying separations at 200 arcmin (AF3 at AD3)"
    requirements = _criteria("AF3")
    at_units = {"AD3": "mas"}  # noqa: RUF012


class AD1(_AD):
    """AD at 5 arcmin."""

    scale = 1
    id = "astrometry.relative.ad1"
    title = "Outlier limit of separations at 5 arcmin (AD1 at AF1)"
    requirements = _criteria("AD1")
    at_units = {"AF1": "%"}  # noqa: RUF012


class AD2(_AD):
    """AD at 20 arcmin."""

    scale = 2
    id = "astrometry.relative.ad2"
    title = "Outlier limit of separations at 20 arcmin (AD2 at AF2)"
    requirements = _criteria("AD2")
    at_units = {"AF2": "%"}  # noqa: RUF012


class AD3(_AD):
    """AD at 200 arcmin."""

    scale = 3
    id = "astrometry.relative.ad3"
    title = "Outlier limit of separations at 200 arcmin (AD3 at AF3)"
    requirements = _criteria("AD3")
    at_units = {"AF3": "%"}  # noqa: RUF012
