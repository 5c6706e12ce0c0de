"""The contract of a metric: what it reads, folds, merges and finishes.

A metric is a mergeable state folded over data products (design, section 6). It sees only
named products with named columns; it never learns where they came from.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.errors import MetricError

#: One partition of one product: column name -> array, all of one length.
Table = Mapping[str, NDArray[Any]]
#: One partition of every product a metric reads: product name -> table.
Tables = Mapping[str, Table]
#: What must arrive whole in one partition for `Metric.fold` to be right.
Locality = Literal["row", "object", "visit", "sample"]
Scalar = str | int | float | bool | None
#: Parameters a requirement binds: parameter -> band -> values, in the metric's `at_units`.
#: A band that is not named takes the recipe's own value.
Bindings = Mapping[str, Mapping[str, tuple[float, ...]]]


@dataclass(frozen=True)
class Interval:
    """A confidence interval and the one-sided limits that decide a verdict.

    Attributes
    ----------
    low, high : float
        Two-sided interval, in the unit of the measurement; may be infinite, never NaN.
    confidence : float
        Two-sided confidence, 0.95 unless said.
    method : str
        How it was made, e.g. ``"variance components visit x star (MOVER)"``.
    lower, upper : float
        One-sided limits at `one_sided_confidence`, used by the guard-band rule
        (JCGM 106; design, section 8).
    one_sided_confidence : float
    certified : bool
        False when the coverage campaign has not certified this interval;
        the verdict is then INCONCLUSIVE whatever the numbers say.
    """

    low: float
    high: float
    confidence: float
    method: str
    lower: float
    upper: float
    one_sided_confidence: float = 0.95
    certified: bool = True

    def __post_init__(self) -> None:
        """Refuse bounds that cannot be compared."""
        if any(math.isnan(v) for v in (self.low, self.high, self.lower, self.upper)):
            raise MetricError("An interval bound is NaN.", code="nan_interval")
        if self.low > self.high or self.lower > self.upper:
            raise MetricError("An interval is upside down.", code="inverted_interval")


@dataclass(frozen=True)
class Measurement:
    """One value of one metric for one data id, or the reason why there is none.

    Attributes
    ----------
    metric : str
        Metric id, ``area.topic.name``.
    band : str or None
        Band the value is for; None where a band has no meaning.
    data_id : mapping
        What was measured (instrument, tract, ...); hashable scalars only.
    at : mapping
        Bound parameters in `at_unit`s, e.g. ``{"PA2": 15.0}`` for PF1 at PA2 = 15 mmag.
    at_units : mapping
        Units of `at`, same keys.
    component : str or None
        ``E1``, ``ra``, ...
    value : float or None
        In `unit`; None exactly when `status` is ``NOT_MEASURED``.
    n, n_rejected : int
        Units (stars, pairs) that entered and that the recipe's cuts removed.
    reason, hint : str or None
        Reason code and what would help, when not measured.
    diagnostics : mapping
        Scalars that explain the value (number of visits, visit share of the variance, ...).
    """

    metric: str
    unit: str
    recipe: str
    recipe_hash: str
    status: Literal["MEASURED", "NOT_MEASURED"]
    value: float | None
    interval: Interval | None = None
    systematic: float | None = None
    n: int = 0
    n_rejected: int = 0
    band: str | None = None
    component: str | None = None
    data_id: Mapping[str, Scalar] = field(default_factory=dict)
    at: Mapping[str, float] = field(default_factory=dict)
    at_units: Mapping[str, str] = field(default_factory=dict)
    reason: str | None = None
    hint: str | None = None
    diagnostics: Mapping[str, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Keep the one law: measured means a finite number, anything else has a reason."""
        if self.status == "MEASURED":
            if self.value is None or not math.isfinite(self.value):
                raise MetricError(
                    f"{self.metric} calls a non-finite value measured.", code="non_finite_value"
                )
        elif self.value is not None or not self.reason:
            raise MetricError(
                f"{self.metric} is not measured but has a value or no reason.", code="no_reason"
            )


@dataclass(frozen=True)
class Column:
    """A column that a metric reads: its name, unit and whether it may be absent."""

    name: str
    unit: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Recipe:
    """Every choice that makes a number: cuts, statistic, radius, degrees of freedom.

    Attributes
    ----------
    name : str
        ``srd``, ``faro``, ``validate_drp``, ``analysis_tools`` or a plugin's own.
    parameters : mapping
        JSON scalars, lists and mappings only.
    """

    name: str
    parameters: Mapping[str, Any]

    @property
    def hash(self) -> str:
        """First 16 hex digits of the SHA-256 of the canonical JSON of the recipe."""
        text = json.dumps(
            {"name": self.name, "parameters": dict(self.parameters)},
            sort_keys=True,
            allow_nan=False,
            default=dict,
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def __getitem__(self, key: str) -> Any:
        """Return one parameter of the recipe."""
        return self.parameters[key]


@runtime_checkable
class State(Protocol):
    """What `Metric.fold` makes: mergeable, exact, serialisable to canonical bytes."""

    def to_bytes(self) -> bytes:
        """Return canonical bytes: equal states give equal bytes."""
        ...


@runtime_checkable
class Metric(Protocol):
    """What every metric plugin must offer (design, section 6).

    A plugin may also offer ``evidence(state)``: band -> small table of the numbers
    behind the value (a column ``value``), kept by the store and drawn by the reports.
    """

    @property
    def id(self) -> str:
        """Return ``area.topic.name``; band, level and data id are never parts of it."""
        ...

    @property
    def unit(self) -> str:
        """Return the astropy unit string of the value."""
        ...

    @property
    def title(self) -> str:
        """Return one line for people."""
        ...

    @property
    def requirements(self) -> tuple[str, ...]:
        """Return the criteria this serves; they name this metric too."""
        ...

    @property
    def inputs(self) -> Mapping[str, tuple[Column, ...]]:
        """Return product -> columns read."""
        ...

    @property
    def recipe(self) -> Recipe:
        """Return every choice that makes the number."""
        ...

    @property
    def locality(self) -> Locality:
        """Return what must arrive whole in one partition."""
        ...

    @property
    def error_units(self) -> tuple[str, ...]:
        """Return the crossed units of shared error the interval covers."""
        ...

    @property
    def at_units(self) -> Mapping[str, str]:
        """Return the units of the parameters a requirement may bind."""
        ...

    @property
    def state_key(self) -> str:
        """Return what identifies the fold: metrics with one key share one state."""
        ...

    def zero(self) -> Any:
        """Return the neutral state."""
        ...

    def fold(self, part: Tables) -> Any:
        """Return the state of one partition; pure; an empty one gives `zero`."""
        ...

    def merge(self, a: Any, b: Any) -> Any:
        """Return the state of both; associative, commutative, exact."""
        ...

    def finish(self, state: Any, at: Bindings) -> list[Measurement]:
        """Return one measurement per data id (band, component, `at`)."""
        ...


def state_digest(state: State) -> str:
    """Return the SHA-256 of the canonical bytes of a state."""
    return hashlib.sha256(state.to_bytes()).hexdigest()


def finite(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which values are finite; everything that is not a number is not."""
    return np.isfinite(np.asarray(values, dtype=np.float64))
