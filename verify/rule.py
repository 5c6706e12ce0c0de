"""The rule: numbers in, a status out. No records, no units, no bands.

Guard band (JCGM 106:2012, section 8.3; design, section 8): an interval decides, not a value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from skyassay.verify.errors import VerifyError

#: Comparisons a criterion may ask for.
OPS = ("<=", "<", ">=", ">", "==")
#: One-sided 95 % point of the normal distribution: turns a one-sided limit into a sigma.
Z95 = 1.6448536269514722
#: An interval this many times wider than the room needs the square of it in data.
_HOPELESS = 1e3
Decision = Literal["PASS", "FAIL", "INCONCLUSIVE"]


@dataclass(frozen=True)
class Limit:
    """What must hold: ``x op value``, or ``|x| op value`` when `absolute`."""

    op: str
    value: float
    absolute: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be compared."""
        if self.op not in OPS:
            raise VerifyError(f"A limit cannot be judged by {self.op!r}.", code="unknown_op")
        if not math.isfinite(self.value):
            raise VerifyError("A limit is not a finite number.", code="limit_not_finite")

    @property
    def ceiling(self) -> bool:
        """Whether small values are the good ones."""
        return self.op in ("<=", "<")

    def holds(self, x: float) -> bool:
        """Return whether one number satisfies the limit."""
        if self.absolute:
            x = abs(x)
        if self.op == "==":
            return x == self.value
        if self.ceiling:
            return x < self.value or (x == self.value and self.op == "<=")
        return x > self.value or (x == self.value and self.op == ">=")


@dataclass(frozen=True)
class Estimate:
    """A value and its one-sided limits, in the unit of the limit; limits may be infinite."""

    value: float
    lower: float
    upper: float

    def __post_init__(self) -> None:
        """No comparison with NaN is possible after this."""
        if not math.isfinite(self.value) or math.isnan(self.lower) or math.isnan(self.upper):
            raise VerifyError("A value to be judged is not a number.", code="not_a_number")
        if self.lower > self.upper:
            raise VerifyError("The limits of a value are upside down.", code="inverted_interval")

    def absolute(self) -> Estimate:
        """Return the estimate of the absolute value, keeping both ends."""
        ends = sorted((abs(self.lower), abs(self.upper)))
        inside = self.lower <= 0.0 <= self.upper
        return Estimate(abs(self.value), 0.0 if inside else ends[0], ends[1])


def decide(limit: Limit, estimate: Estimate) -> Decision:
    """Judge an estimate by the guard-band rule.

    Returns
    -------
    str
        ``PASS`` when every number between the one-sided limits satisfies the limit,
        ``FAIL`` when none does, else ``INCONCLUSIVE``.
    """
    e = estimate.absolute() if limit.absolute else estimate
    if limit.op == "==":
        if e.lower == e.upper:
            return "PASS" if limit.holds(e.value) else "FAIL"
        return "INCONCLUSIVE" if e.lower <= limit.value <= e.upper else "FAIL"
    # `absolute` is done: what is left is monotone, so the two ends speak for all between.
    plain = Limit(limit.op, limit.value)
    bad, good = (e.upper, e.lower) if limit.ceiling else (e.lower, e.upper)
    if plain.holds(bad):
        return "PASS"
    return "INCONCLUSIVE" if plain.holds(good) else "FAIL"


def margin_percent(limit: Limit, value: float) -> float | None:
    """Return the room to the limit in per cent of it, positive when inside; None at limit 0."""
    if limit.value == 0.0:
        return None
    return 100.0 * _room(limit, value) / abs(limit.value)


def margin_sigma(limit: Limit, estimate: Estimate) -> float | None:
    """Return the room to the limit in standard deviations towards the unfavourable side.

    The one-sided 95 % limit is taken as 1.645 standard deviations away; None where the
    limit of the estimate is infinite or (next to) equals the value.
    """
    e = estimate.absolute() if limit.absolute else estimate
    width = (e.value - e.lower) if limit.op in (">=", ">") else (e.upper - e.value)
    if not math.isfinite(width) or width <= 0.0:
        return None
    sigmas = _room(limit, estimate.value) / (width / Z95)
    return sigmas if math.isfinite(sigmas) else None  # a width next to nothing says nothing


def data_factor(limit: Limit, estimate: Estimate, systematic: float = 0.0) -> float | None:
    """Return how many times the data would decide, if the value stayed where it is.

    The statistical half-width is taken to shrink with the square root of the number of
    visits, the systematic part not at all. None when no amount of data would do, or none
    that anybody will ever have.
    """
    e = estimate.absolute() if limit.absolute else estimate
    room = _room(limit, estimate.value)
    inside = room >= 0.0
    towards_upper = limit.ceiling == inside
    width = (e.upper - e.value) if towards_upper else (e.value - e.lower)
    width -= systematic
    left = abs(room) - systematic
    if left <= 0.0 or not math.isfinite(width) or limit.op == "==":
        return None
    ratio = width / left
    return max(1.0, ratio**2) if ratio < _HOPELESS else None


def _room(limit: Limit, value: float) -> float:
    """Distance from the value to the limit, positive when inside."""
    x = abs(value) if limit.absolute else value
    if limit.op == "==":
        return -abs(x - limit.value)
    return (limit.value - x) if limit.ceiling else (x - limit.value)
