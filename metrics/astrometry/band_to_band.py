"""Band-to-band astrometry: AB1, ABF1 and AB2 (LPM-17 section 3.3.5.1; LSE-61 5.1.2).

Two readings. The SRD speaks of the mapping between the frames of two bands: positions,
per coordinate; a constant offset counts in full. The DMSR speaks of separations of pairs,
which a constant offset leaves unchanged. Each is a criterion and a metric of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.astrometry.pairs import (
    MAS,
    distinct_modes,
    distortion_basis,
    find_pairs,
    lengths,
    separations,
    tangent_axes,
)
from skyassay.metrics.contract import Bindings, Interval, Recipe, Scalar
from skyassay.metrics.family import NotMeasured, StarMetric, Value, usable
from skyassay.metrics.recipes import BAND_TO_BAND
from skyassay.metrics.states.star_sample import StarSample
from skyassay.metrics.statistics.between import Between, compare
from skyassay.metrics.statistics.scale import root_interval
from skyassay.metrics.statistics.tails import scaled
from skyassay.metrics.visit_table import VisitTable, band_table

METHOD = "variance components of both bands and their offset (MOVER)"
#: Extent below which stars lie at one place, radian.
_ONE_PLACE = 1e-12


@dataclass(frozen=True)
class _BandToBand(StarMetric):
    """Shared by all: the stars seen in the band and in the reference band."""

    reading: ClassVar[str]
    recipes: ClassVar[Mapping[str, Recipe]] = BAND_TO_BAND
    error_units: ClassVar[tuple[str, ...]] = ("visit", "star")

    def sides(self, state: StarSample, band: str) -> tuple[VisitTable, VisitTable]:
        """Return the tables of the band and the reference, same stars, same order."""
        reference = self.recipe["reference_band"]
        if reference not in state.bands or not len(state.bands[reference].star):
            raise NotMeasured("no_reference_band", f"No star was selected in {reference}.")
        a, b = band_table(state, band), band_table(state, reference)
        common = np.intersect1d(a.star, b.star)
        if len(common) < self.recipe["min_stars"]:
            raise NotMeasured(
                "too_few_stars",
                f"{len(common)} stars were selected in {band} and in {reference}; "
                f"the recipe needs {self.recipe['min_stars']}.",
            )
        return _only(a, common), _only(b, common)

    def comparisons(self, state: StarSample, band: str) -> dict[str | None, Between]:
        """Return the split of each component."""
        raise NotImplementedError

    def values(self, state: StarSample, band: str, at: Bindings) -> list[Value]:
        """Return the values of one band; the reference band has none."""
        if band == self.recipe["reference_band"]:
            return []
        if self.recipe.name == "faro":
            return self.faro(*self.sides(state, band))
        found: list[Value] = []
        key = ("band to band", self.reading, band, self.recipe.hash)
        split = state.derived.once(key, lambda: self.comparisons(state, band))
        for component, between in split.items():
            for side in (between.band, between.reference):
                usable(side, "too_few_stars", "More stars than visits are needed.")
            found += self.judge(between, component, band, at)
        return found

    def judge(
        self, between: Between, component: str | None, band: str, at: Bindings
    ) -> list[Value]:
        """Return the values of one component."""
        raise NotImplementedError

    def faro(self, band: VisitTable, reference: VisitTable) -> list[Value]:
        """Return the published value of faro; it has only AB1."""
        raise NotMeasured("not_in_recipe", "faro publishes AB1 only.")


class _Positions(_BandToBand):
    """Position offsets per coordinate: the SRD's reading."""

    reading = "positions"

    def comparisons(self, state: StarSample, band: str) -> dict[str | None, Between]:
        """Return the split of the offsets east and north, mas."""
        a, b = self.sides(state, band)
        centre = b.mean_direction
        axes = dict(zip(("ra", "dec"), tangent_axes(centre), strict=True))
        basis = _linear_basis(centre)
        each = np.arange(len(centre))[:, None]
        return {
            name: compare(_along(a, axis), _along(b, axis), basis, each)
            for name, axis in axes.items()
        }


class _Separations(_BandToBand):
    """Separations of pairs: the DMSR's reading."""

    reading = "separations"

    def comparisons(self, state: StarSample, band: str) -> dict[str | None, Between]:
        """Return the split of the separations, mas."""
        a, b = self.sides(state, band)
        centre = b.mean_direction
        recipe = self.recipe
        ends, _ = find_pairs(
            centre,
            b.star,
            recipe["separation_arcmin"],
            recipe["half_width_arcmin"],
            recipe["max_pairs"],
        )
        x, y = separations(a, ends), separations(b, ends)
        enough = (np.isfinite(x).sum(axis=1) >= 2) & (np.isfinite(y).sum(axis=1) >= 2)
        if int(enough.sum()) < recipe["min_pairs"]:
            raise NotMeasured(
                "too_few_pairs",
                f"{int(enough.sum())} pairs {recipe['separation_arcmin']:g} arcmin apart were "
                f"seen together twice in both bands; the recipe needs {recipe['min_pairs']}.",
            )
        ends, x, y = ends[enough], x[enough], y[enough]
        middle = np.nanmean(y, axis=1, keepdims=True)
        return {None: compare(x - middle, y - middle, distortion_basis(centre, ends), ends)}


class _Rms(_BandToBand):
    """Root mean square of single-visit differences from the r band, mas.

    Source: LPM-17 section 3.3.5.1, table 19; LSE-61 section 5.1.2.

    Differs from the peers: only faro has an AB1, the scatter of a distance: it cannot see a
    constant offset between bands. ABF1 and AB2 have no peer.

    Not measured when: too few stars (or pairs) are seen in both bands, or values are copies
    of each other.
    """

    unit = "mas"

    def judge(
        self, between: Between, component: str | None, band: str, at: Bindings
    ) -> list[Value]:
        """Return the rms of one component."""
        value = float(np.sqrt(between.mean_square))
        interval = root_interval(between.bounds, METHOD)
        return [Value(value, len(between.rest), interval, None, component, _notes(between))]


class _Fraction(_BandToBand):
    """Fraction of single-visit differences from the r band beyond AB2, %.

    Source: LPM-17 section 3.3.5.1, table 19; LSE-61 section 5.1.2.

    Differs from the peers: only faro has an AB1, the scatter of a distance: it cannot see a
    constant offset between bands. ABF1 and AB2 have no peer.

    Not measured when: too few stars (or pairs) are seen in both bands, or values are copies
    of each other.
    """

    unit = "%"
    at_units = {"AB2": "mas"}  # noqa: RUF012 - a class constant of the contract

    def judge(
        self, between: Between, component: str | None, band: str, at: Bindings
    ) -> list[Value]:
        """Return the fraction of one component at every bound AB2."""
        tail = between.tail
        found = []
        for limit in self.bound("AB2", band, at):
            value, interval = between.fraction_beyond(tail, limit)
            percent = scaled(interval, 100.0)
            found.append(_value(between, 100.0 * value, percent, {"AB2": limit}, component))
        return found


class _Reach(_BandToBand):
    """Single-visit difference from the r band that ABF1 % exceed, mas.

    Source: LPM-17 section 3.3.5.1, table 19; LSE-61 section 5.1.2.

    Differs from the peers: only faro has an AB1, the scatter of a distance: it cannot see a
    constant offset between bands. ABF1 and AB2 have no peer.

    Not measured when: too few stars (or pairs) are seen in both bands, or values are copies
    of each other.
    """

    unit = "mas"
    at_units = {"ABF1": "%"}  # noqa: RUF012

    def judge(
        self, between: Between, component: str | None, band: str, at: Bindings
    ) -> list[Value]:
        """Return the reach of one component at every bound ABF1."""
        tail = between.tail
        found = []
        for fraction in self.bound("ABF1", band, at):
            value, interval = between.reached_by(tail, fraction / 100.0)
            found.append(_value(between, value, interval, {"ABF1": fraction}, component))
        return found


class AB1(_Rms, _Positions):
    """AB1 by positions."""

    id = "astrometry.band_to_band.ab1"
    title = "Band-to-band position offset, rms per coordinate (AB1)"
    requirements = ("LPM-17.AB1/ugizy",)

    def faro(self, band: VisitTable, reference: VisitTable) -> list[Value]:
        """Return faro's AB1: the mean over visit pairs of the scatter of the distance."""
        scatter = []
        for i in range(len(band.visit)):
            apart = band.direction[:, i, None, :] - reference.direction
            distance = 2.0 * np.arcsin(lengths(apart) / 2.0) * MAS
            both = np.isfinite(distance).sum(axis=0) >= 2
            scatter += list(np.nanstd(distance[:, both], axis=0, ddof=self.recipe["ddof"]))
        if not scatter:
            raise NotMeasured("too_few_stars", "No two visits share two stars.")
        return [Value(float(np.mean(scatter)), len(band.star))]


class ABF1(_Fraction, _Positions):
    """ABF1 by positions."""

    id = "astrometry.band_to_band.abf1"
    title = "Fraction of outlying band-to-band offsets (ABF1 at AB2)"
    requirements = ("LPM-17.ABF1/ugizy",)


class AB2(_Reach, _Positions):
    """AB2 by positions."""

    id = "astrometry.band_to_band.ab2"
    title = "Outlier limit of band-to-band offsets (AB2 at ABF1)"
    requirements = ("LPM-17.AB2/ugizy",)


class AB1Separations(_Rms, _Separations):
    """AB1 by separations."""

    id = "astrometry.band_to_band.ab1_separations"
    title = "Band-to-band difference of separations, rms (AB1)"
    requirements = ("DMS-REQ-0360/AB1",)


class ABF1Separations(_Fraction, _Separations):
    """ABF1 by separations."""

    id = "astrometry.band_to_band.abf1_separations"
    title = "Fraction of outlying band-to-band separations (ABF1 at AB2)"
    requirements = ("DMS-REQ-0360/ABF1",)


class AB2Separations(_Reach, _Separations):
    """AB2 by separations."""

    id = "astrometry.band_to_band.ab2_separations"
    title = "Outlier limit of band-to-band separations (AB2 at ABF1)"
    requirements = ("DMS-REQ-0360/AB2",)


def _value(
    between: Between,
    value: float,
    interval: Interval,
    at: Mapping[str, float],
    component: str | None,
) -> Value:
    return Value(value, len(between.rest), interval, at, component, _notes(between))


def _notes(between: Between) -> dict[str, Scalar]:
    return {
        "n_visits": min(between.band.n_visits, between.reference.n_visits),
        "offset": float(between.offset[0]),
        "offset_error": float(between.offset_error[0]),
    }


def _only(table: VisitTable, common: NDArray[np.int64]) -> VisitTable:
    """Return the table of the common stars, kept in hash order."""
    keep = np.isin(table.star, common)
    return VisitTable(table.star[keep], table.visit, table.mag[keep], table.direction[keep])


def _along(table: VisitTable, axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return positions along a tangent axis at the star's reference position, mas."""
    return np.asarray(np.einsum("uvk,uk->uv", table.direction, axis) * MAS)


def _linear_basis(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 and the field coordinates, each of unit rms, shape (n_stars, 3).

    A coordinate in which the stars do not differ is no coordinate, and is left out; of
    stars on a line one remains.
    """
    centre = direction.sum(axis=0, keepdims=True)
    axes = tangent_axes(centre / np.linalg.norm(centre))
    x = np.stack([direction @ axis[0] for axis in axes], axis=1)
    x = x - x.mean(axis=0)
    rms = np.sqrt(np.square(x).mean(axis=0))
    spread = rms > _ONE_PLACE
    return distinct_modes(np.column_stack([np.ones(len(x)), x[:, spread] / rms[spread]]))
