"""What the metrics of matched stars have in common: one fold, one state, one output form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
from skyassay.metrics.plugin import SMALLEST_SPREAD, BaseMetric, NotMeasured, Value
from skyassay.metrics.selection import COLUMNS, Selection
from skyassay.metrics.states.star_sample import BandStars, StarSample, merge
from skyassay.metrics.statistics.twoway import TwoWay

PRODUCT = "matched_source"
#: Share of units that may agree with themselves exactly: rounding may make a few.
MOST_COPIES = 0.05
#: What makes a state.
_FOLD = ("zero", "fold", "merge")
#: What a metric of stars is written with, in one import.
__all__ = ["NotMeasured", "StarMetric", "Value", "usable"]


def usable(fit: TwoWay, reason: str, hint: str) -> TwoWay:
    """Return a split that can carry an interval.

    Raises
    ------
    NotMeasured
        `reason` when the units leave no degrees of freedom; ``no_scatter`` when units have
        the same value in every visit, all of them or more than a few: copies of one
        measurement are not repeats, and their perfect agreement must not pass.
    """
    if fit.own_fraction <= 0:
        raise NotMeasured(reason, hint)
    copies = float((fit.raw_scatter <= SMALLEST_SPREAD).mean())
    if copies > MOST_COPIES or not fit.own_mean_square > SMALLEST_SPREAD**2:
        raise NotMeasured(
            "no_scatter",
            f"Repeated values agree exactly in {copies:.0%} of the cases: "
            "they are copies, not measurements.",
        )
    return fit


@dataclass(frozen=True)
class StarMetric(BaseMetric):
    """A metric of selected stars seen in several visits.

    Subclasses give `id`, `unit`, `title`, `requirements`, `recipes` and `values`.
    """

    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {PRODUCT: COLUMNS}
    locality: ClassVar[Locality] = "object"
    error_units: ClassVar[tuple[str, ...]] = ("visit", "sky cell", "star")

    @property
    def state_key(self) -> str:
        """Return the hash of the cuts: metrics that select alike share their state.

        A metric with a fold of its own has a state of its own.
        """
        if any(getattr(type(self), n) is not getattr(StarMetric, n) for n in _FOLD):
            return super().state_key
        return Recipe("stars", {"selection": self.recipe["selection"]}).hash

    def zero(self) -> StarSample:
        """Return the state of no data."""
        return StarSample()

    def fold(self, part: Tables) -> StarSample:
        """Return the selected stars of one partition."""
        return Selection.from_recipe(self.recipe["selection"]).apply(part[PRODUCT])

    def merge(self, a: StarSample, b: StarSample) -> StarSample:
        """Return the stars of both parts."""
        return merge(a, b)

    def finish(self, state: StarSample, at: Bindings) -> list[Measurement]:
        """Return the measurements of every band; none when there was no row at all."""
        found: list[Measurement] = []
        for band in sorted(state.bands):
            try:
                values = self.values(state, band, at)
            except NotMeasured as why:
                found.append(self._without(state.bands[band], band, why))
                continue
            found += [self._with(state.bands[band], band, v) for v in values]
        return found

    def values(self, state: StarSample, band: str, at: Bindings) -> list[Value]:
        """Return the values of one band.

        Raises
        ------
        NotMeasured
            With the reason.
        """
        raise NotImplementedError

    def evidence(self, state: StarSample) -> Mapping[str, Table]:
        """Return, per band, the numbers behind the value."""
        return {}

    def bound(self, parameter: str, band: str, at: Bindings) -> tuple[float, ...]:
        """Return the values a requirement binds, or the recipe's own."""
        given = at.get(parameter, {}).get(band)
        return tuple(sorted(set(given))) if given else (self.own_bound(parameter, band),)

    def own_bound(self, parameter: str, band: str) -> float:
        """Return the recipe's own value of a parameter."""
        own = self.recipe[parameter]
        return float(own.get(band, own.get("*")) if isinstance(own, Mapping) else own)

    def _with(self, stars: BandStars, band: str, v: Value) -> Measurement:
        noted = replace(v, diagnostics={**(v.diagnostics or {}), "sampled": stars.sampled})
        return self.measured(noted, band=band, n_rejected=stars.n_rejected)

    def _without(self, stars: BandStars, band: str, why: NotMeasured) -> Measurement:
        return self.not_measured(
            why,
            band=band,
            n=stars.n_stars,
            n_rejected=stars.n_rejected,
            diagnostics={f"rejected_{k}": v for k, v in stars.rejected.items()},
        )
