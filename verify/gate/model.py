"""What the gate compares and what it answers: observations in, entries out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from skyassay.metrics.contract import Measurement, Scalar
from skyassay.verify.records import Run, Verdict

#: REPORTED is shown and never counted: a new metric, one without a requirement,
#: one that neither side could measure.
GateStatus = Literal["ERROR", "FAIL", "INCONCLUSIVE", "PASS", "REPORTED"]
#: Worst first; the worst entry is the answer.
GATE_ORDER: tuple[GateStatus, ...] = ("ERROR", "FAIL", "INCONCLUSIVE", "PASS", "REPORTED")
EXIT_CODES: Mapping[GateStatus, int] = {
    "PASS": 0,
    "REPORTED": 0,
    "FAIL": 1,
    "INCONCLUSIVE": 2,
    "ERROR": 3,
}


@dataclass(frozen=True, order=True)
class Key:
    """What makes two measurements one quantity; the recipe hash is compared, not part of it."""

    metric: str
    recipe: str
    band: str = ""
    component: str = ""
    at: tuple[tuple[str, float], ...] = ()
    data_id: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        """Return the quantity in words, e.g. ``photometry.repeatability.pf1 @ PA2=15 i``."""
        parts = [self.metric, *(f"@ {name}={value:g}" for name, value in self.at)]
        parts += [part for part in (self.component, self.band) if part]
        parts += [f"{name}={value}" for name, value in self.data_id]
        return " ".join(parts)


@dataclass(frozen=True)
class Observation:
    """One measured value, or what is wrong with it (`problem`, a reason code)."""

    key: Key
    unit: str
    recipe_hash: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    problem: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class GateRun:
    """One run on one side of the gate, with what it measured and how it was judged."""

    run: Run
    observations: tuple[Observation, ...]
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True)
class Pair:
    """The base and head run that share a seed, or the very same data."""

    key: str
    seed: int | None
    base: GateRun
    head: GateRun
    same_data: bool


@dataclass(frozen=True)
class Entry:
    """One answer of one of the two questions.

    Attributes
    ----------
    question : str
        ``regression`` or ``requirement``.
    code : str
        Why: ``identical``, ``within_margin``, ``beyond_margin``, ``disappeared``, ...
    margin, base, head : float or None
        In `unit`.
    change, lower, upper : float or None
        Mean of the paired worsening (positive is worse) and its one-sided limits, on `scale`.
    limit_margin : float or None
        The margin on the same scale as `change`.
    """

    question: Literal["regression", "requirement"]
    key: Key
    status: GateStatus
    code: str
    message: str
    unit: str = ""
    requirements: tuple[str, ...] = ()
    level: str = ""
    method: str = ""
    direction: str = ""
    base: float | None = None
    head: float | None = None
    base_low: float | None = None
    base_high: float | None = None
    head_low: float | None = None
    head_high: float | None = None
    scale: str = ""
    change: float | None = None
    lower: float | None = None
    upper: float | None = None
    test_level: float | None = None
    margin: float | None = None
    limit_margin: float | None = None
    margin_rule: str = ""
    p_worse: float | None = None
    p_within: float | None = None
    p_sign_flip: float | None = None
    n_pairs: int = 0
    n: int = 0
    seeds: tuple[int, ...] = ()
    limit: float | str | None = None
    op: str = ""
    details: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True)
class GateReport:
    """Everything the gate found, in one order that the order of the inputs cannot move."""

    status: GateStatus
    entries: tuple[Entry, ...]
    pairs: tuple[Pair, ...]
    settings: Mapping[str, Scalar]
    overrides: Mapping[str, float]

    @property
    def exit_code(self) -> int:
        """Return 0 pass, 1 failed, 2 inconclusive, 3 could not evaluate."""
        return EXIT_CODES[self.status]


def observe(measurement: Measurement) -> Observation:
    """Return what the gate needs of a measurement."""
    interval = measurement.interval
    key = Key(
        metric=measurement.metric,
        recipe=measurement.recipe,
        band=measurement.band or "",
        component=measurement.component or "",
        at=tuple(sorted((name, float(value)) for name, value in measurement.at.items())),
        data_id=tuple(sorted((name, str(value)) for name, value in measurement.data_id.items())),
    )
    measured = measurement.value is not None and math.isfinite(measurement.value)
    return Observation(
        key=key,
        unit=measurement.unit,
        recipe_hash=measurement.recipe_hash,
        value=measurement.value if measured else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        n=measurement.n,
        problem=None if measured else "not_measured",
        reason=measurement.reason,
    )


def worst(statuses: list[GateStatus]) -> GateStatus:
    """Return the worst of the statuses; of none, ERROR: nothing compared is no pass."""
    counted = [status for status in statuses if status != "REPORTED"]
    return min(counted, key=GATE_ORDER.index) if counted else "ERROR"
