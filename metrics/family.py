"""What the metrics of matched stars have in common: one fold, one state, one output form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from skyassay.metrics.certification import is_certified
from skyassay.metrics.contract import (
    Bindings,
    Column,
    Interval,
    Locality,
    Measurement,
    Recipe,
    Scalar,
    Table,
    Tables,
)
from skyassay.metrics.selection import COLUMNS, Selection
from skyassay.metrics.states.star_sample import BandStars, StarSample, merge

PRODUCT = "matched_source"


@dataclass(frozen=True)
class NotMeasured(Exception):  # noqa: N818 - a result that stops a calculation, not an error
    """Why a value could not be measured.

    Attributes
    ----------
    reason : str
        Reason code.
    hint : str
        What would help.
    """

    reason: str
    hint: str


@dataclass(frozen=True)
class Value:
    """A value of one band before it is dressed as a `Measurement`."""

    value: float
    n: int
    interval: Interval | None = None
    at: Mapping[str, float] | None = None
    component: str | None = None
    diagnostics: Mapping[str, Scalar] | None = None


@dataclass(frozen=True)
class StarMetric:
    """A metric of selected stars seen in several visits.

    Subclasses give `id`, `unit`, `title`, `requirements`, `recipes` and `values`.
    """

    recipe: Recipe

    id: ClassVar[str]
    unit: ClassVar[str]
    title: ClassVar[str]
    requirements: ClassVar[tuple[str, ...]]
    recipes: ClassVar[Mapping[str, Recipe]]
    at_units: ClassVar[Mapping[str, str]] = {}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {PRODUCT: COLUMNS}
    locality: ClassVar[Locality] = "object"
    error_units: ClassVar[tuple[str, ...]] = ("visit", "sky cell", "star")

    @property
    def state_key(self) -> str:
        """Return the hash of the cuts: metrics that select alike share their state."""
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
                found.append(self._not_measured(state.bands[band], band, why))
                continue
            found += [self._measured(state.bands[band], band, v) for v in values]
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
        if given:
            return tuple(sorted(set(given)))
        own = self.recipe[parameter]
        return (float(own.get(band, own.get("*"))),) if isinstance(own, Mapping) else (float(own),)

    def _measured(self, stars: BandStars, band: str, v: Value) -> Measurement:
        diagnostics = {**(v.diagnostics or {}), "sampled": stars.sampled}
        interval = v.interval
        if interval is not None and not is_certified(self.id, self.recipe, diagnostics):
            interval = replace(interval, certified=False)
        return Measurement(
            metric=self.id,
            unit=self.unit,
            recipe=self.recipe.name,
            recipe_hash=self.recipe.hash,
            status="MEASURED",
            value=v.value,
            interval=interval,
            n=v.n,
            n_rejected=stars.n_rejected,
            band=band,
            component=v.component,
            at=v.at or {},
            at_units={k: self.at_units[k] for k in v.at or {}},
            diagnostics=diagnostics,
        )

    def _not_measured(self, stars: BandStars, band: str, why: NotMeasured) -> Measurement:
        return Measurement(
            metric=self.id,
            unit=self.unit,
            recipe=self.recipe.name,
            recipe_hash=self.recipe.hash,
            status="NOT_MEASURED",
            value=None,
            n=stars.n_stars,
            n_rejected=stars.n_rejected,
            band=band,
            reason=why.reason,
            hint=why.hint,
            diagnostics={f"rejected_{k}": v for k, v in stars.rejected.items()},
        )
