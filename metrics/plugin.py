"""What every metric has in common: a frozen recipe, one form of result, its certificate.

A plugin may follow `skyassay.metrics.contract.Metric` by itself; deriving from
`BaseMetric` (any product, its own state) or from `skyassay.metrics.family.StarMetric`
(stars seen in several visits) leaves only what is new to write.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from skyassay.metrics.certification import is_certified
from skyassay.metrics.contract import (
    Column,
    Interval,
    Locality,
    Measurement,
    Recipe,
    Scalar,
)
from skyassay.metrics.statistics.bounds import (
    ONE_SIDED_ALPHA,
    TWO_SIDED_ALPHA,
    chi_square_part,
)

#: Spreads below are rounding, in the units metrics have (mmag, mas, %).
SMALLEST_SPREAD = 1e-6


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
    """A value before it is dressed as a `Measurement`."""

    value: float
    n: int
    interval: Interval | None = None
    at: Mapping[str, float] | None = None
    component: str | None = None
    diagnostics: Mapping[str, Scalar] | None = None


@dataclass(frozen=True)
class BaseMetric:
    """A metric of any product.

    Subclasses give the class attributes without a value, and `zero`, `fold`, `merge` and
    `finish`; `measured` and `not_measured` make what `finish` returns.

    Attributes
    ----------
    certificate : mapping or None
        ``{"recipe_hash": ..., "certified": True}``: what the author's own coverage campaign
        found, with the recipe it was made with. Without one the packaged certificates
        count. An interval that neither vouches for is INCONCLUSIVE.
    """

    recipe: Recipe

    id: ClassVar[str]
    unit: ClassVar[str]
    title: ClassVar[str]
    requirements: ClassVar[tuple[str, ...]]
    recipes: ClassVar[Mapping[str, Recipe]]
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]]
    locality: ClassVar[Locality] = "row"
    error_units: ClassVar[tuple[str, ...]] = ()
    at_units: ClassVar[Mapping[str, str]] = {}
    certificate: ClassVar[Mapping[str, Any] | None] = None

    @property
    def state_key(self) -> str:
        """Return what identifies the fold: by default it is shared with no other metric."""
        return f"{self.id}:{self.recipe.hash}"

    def measured(self, v: Value, *, band: str | None = None, n_rejected: int = 0) -> Measurement:
        """Return a value as a measurement, its interval marked as certified or not."""
        diagnostics = dict(v.diagnostics or {})
        interval = v.interval
        if interval is not None and not is_certified(
            self.id, self.recipe, diagnostics, self.certificate
        ):
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
            n_rejected=n_rejected,
            band=band,
            component=v.component,
            at=v.at or {},
            at_units={k: self.at_units[k] for k in v.at or {}},
            diagnostics=diagnostics,
        )

    def not_measured(
        self,
        why: NotMeasured,
        *,
        band: str | None = None,
        n: int = 0,
        n_rejected: int = 0,
        diagnostics: Mapping[str, Scalar] | None = None,
    ) -> Measurement:
        """Return the measurement that says why there is no value."""
        return Measurement(
            metric=self.id,
            unit=self.unit,
            recipe=self.recipe.name,
            recipe_hash=self.recipe.hash,
            status="NOT_MEASURED",
            value=None,
            n=n,
            n_rejected=n_rejected,
            band=band,
            reason=why.reason,
            hint=why.hint,
            diagnostics=dict(diagnostics or {}),
        )


def spread_interval(
    spread: float, dof: int, method: str, *, smallest: float = SMALLEST_SPREAD
) -> Interval:
    """Return the interval of a standard deviation of independent normal values.

    Parameters
    ----------
    spread : float
        Standard deviation with `dof` degrees of freedom (n - 1 for n values).
    dof : int
        At least one.
    method : str
        What the independent values are, for the reader: ``"chi-square over visits"``.
    smallest : float
        Less is no measured scatter but constant data and rounding.

    Raises
    ------
    NotMeasured
        ``no_scatter``, ``too_few_values``.
    """
    if dof < 1:
        raise NotMeasured("too_few_values", "At least two independent values are needed.")
    if not spread > smallest:
        raise NotMeasured("no_scatter", "All values are the same: no real data repeat so well.")
    two, one = (
        chi_square_part(spread**2, dof, alpha) for alpha in (TWO_SIDED_ALPHA, ONE_SIDED_ALPHA)
    )
    return Interval(
        low=math.sqrt(two.low),
        high=math.sqrt(two.high),
        confidence=1.0 - 2.0 * TWO_SIDED_ALPHA,
        method=method,
        lower=math.sqrt(one.low),
        upper=math.sqrt(one.high),
        one_sided_confidence=1.0 - ONE_SIDED_ALPHA,
    )
