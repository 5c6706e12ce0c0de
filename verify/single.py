"""Judge one measurement by one limit: units, interval, margins, the hint for more data."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from skyassay.metrics.contract import Measurement
from skyassay.verify.records import Status, Verdict
from skyassay.verify.rule import (
    Estimate,
    Limit,
    data_factor,
    decide,
    margin_percent,
    margin_sigma,
)
from skyassay.verify.scope import beyond_scope
from skyassay.verify.units import factor

#: The rule is a one-sided 95 % one; an interval of less confidence decides nothing.
REQUIRED_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Judged:
    """A status with its reason, before it is a verdict."""

    status: Status
    reason: str | None
    hint: str | None = None


def unmeasured(reason: str, hint: str | None = None) -> Judged:
    """Return NOT_MEASURED with a reason."""
    return Judged("NOT_MEASURED", reason, hint)


def judge_value(limit: Limit, m: Measurement, blank: Verdict, *, census: bool) -> Verdict:
    """Judge one measurement.

    Parameters
    ----------
    limit : Limit
        In ``blank.unit``.
    m : Measurement
    blank : Verdict
        Names the criterion, level, band; everything measured is filled in here.
    census : bool
        The criterion is about this data set, all of which was counted: a value without an
        interval decides (design, section 7).
    """
    if m.value is None:
        status: Status = "NOT_APPLICABLE" if beyond_scope(m) else "NOT_MEASURED"
        return replace(blank, status=status, reason=m.reason or "not_measured", hint=m.hint)
    scale = factor(m.unit, blank.unit)
    if scale is None:
        return replace(
            blank,
            status="NOT_MEASURED",
            reason="unit_mismatch",
            hint=f"Measured in {m.unit or 'no unit'}, asked for in {blank.unit or 'no unit'}.",
        )
    filled, estimate = _fill(limit, m, blank, scale)
    judged = _decide(limit, m, estimate, filled.systematic or 0.0, census=census)
    return replace(filled, status=judged.status, reason=judged.reason, hint=judged.hint)


def _fill(limit: Limit, m: Measurement, blank: Verdict, scale: float) -> tuple[Verdict, Estimate]:
    """Bring the numbers to the unit of the limit, widened by the systematic part."""
    value = float(m.value or 0.0) * scale
    shift = abs(m.systematic or 0.0) * abs(scale)
    i = m.interval
    lower, upper = _ordered(i.lower if i else m.value, i.upper if i else m.value, scale, shift)
    low, high = _ordered(i.low if i else m.value, i.high if i else m.value, scale, shift)
    estimate = Estimate(value, lower, upper)
    return replace(
        blank,
        value=value,
        low=low if i else None,
        high=high if i else None,
        lower=lower if i else None,
        upper=upper if i else None,
        confidence=i.confidence if i else None,
        method=i.method if i else None,
        systematic=None if m.systematic is None else shift,
        margin_percent=margin_percent(limit, value),
        margin_sigma=margin_sigma(limit, estimate) if i else None,
        point_status="PASS" if limit.holds(value) else "FAIL",
    ), estimate


def _ordered(a: float | None, b: float | None, scale: float, shift: float) -> tuple[float, float]:
    """Scale and widen a pair of bounds."""
    ends = sorted((float(a or 0.0) * scale, float(b or 0.0) * scale))
    return ends[0] - shift, ends[1] + shift


def _decide(
    limit: Limit, m: Measurement, estimate: Estimate, systematic: float, *, census: bool
) -> Judged:
    """Apply the rule, once it is clear that there is something to apply it to."""
    i = m.interval
    if i is None and not census:
        return Judged(
            "INCONCLUSIVE",
            "no_interval",
            f"Recipe {m.recipe} gives a value without an interval; only an interval decides.",
        )
    if i is not None and not i.certified:
        return Judged(
            "INCONCLUSIVE",
            "interval_not_certified",
            "The coverage campaign has not certified this interval.",
        )
    if i is not None and i.one_sided_confidence < REQUIRED_CONFIDENCE:
        return Judged(
            "INCONCLUSIVE",
            "confidence_too_low",
            f"The one-sided limits are of {i.one_sided_confidence:g}, not of 0.95.",
        )
    status = decide(limit, estimate)
    if status != "INCONCLUSIVE":
        return Judged(status, None)
    return Judged(status, "interval_straddles_limit", _more(limit, m, estimate, systematic))


def _more(limit: Limit, m: Measurement, estimate: Estimate, systematic: float) -> str:
    """Say roughly how much more data would decide."""
    times = data_factor(limit, estimate, systematic)
    if times is None:
        return "No amount of such data would decide: the value is too near the limit."
    visits = m.diagnostics.get("n_visits")
    if isinstance(visits, bool) or not isinstance(visits, (int, float)) or visits <= 0:
        return f"About {times:.2g} times the data would decide, if the value stays."
    needed = max(math.ceil(visits * times), math.floor(visits) + 1)
    return f"About {needed} visits would decide (now {visits:g}), if the value stays."
