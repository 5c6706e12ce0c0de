"""How much data would decide each requirement: visits, nights, sky cells, trials.

Two ways. Where something was measured, its uncertainty is scaled with the square root of
the number of units it rests on. Where a requirement is a share of independent trials, the
exact binomial test says how many trials it takes, whatever has been measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from scipy.special import ndtri
from scipy.stats import binom

from skyassay.metrics.certification import certificates, smallest_size
from skyassay.metrics.contract import Measurement
from skyassay.requirements_map import Criterion, RequirementSet
from skyassay.verify.errors import VerifyError
from skyassay.verify.records import Verdict
from skyassay.verify.rule import Z95, Estimate, Limit

#: A test that decides at one-sided 95 % (the guard-band rule).
ALPHA = 0.05
#: More units than this are "no amount of data" for anybody.
_HOPELESS = 10**9
_PERCENT = ("%", "")


@dataclass(frozen=True)
class Plan:
    """What would decide one criterion in one band.

    Attributes
    ----------
    criterion : str
    band, component : str or None
    value, limit : float or None
        In the unit of the criterion.
    op, unit : str
    counted : str
        What `now` and `needed` count: visits, nights, ...; ``trials`` for exact tests.
    now : int or None
        Units the measurement rests on.
    needed : int or None
        Units at which the verdict is decided with the wanted power, if the value stays.
    decided : str or None
        The verdict they would decide.
    zero_failures : int or None
        Trials that pass without a single failure (exact, one-sided 95 %).
    with_half : int or None
        Trials that pass with the wanted power when failures are half as frequent as allowed.
    note : str
    """

    criterion: str
    band: str | None
    component: str | None
    value: float | None
    limit: float | None
    op: str
    unit: str
    counted: str = ""
    now: int | None = None
    needed: int | None = None
    decided: str | None = None
    zero_failures: int | None = None
    with_half: int | None = None
    note: str = ""


def plan(
    requirements: RequirementSet,
    verdicts: Sequence[Verdict],
    measurements: Iterable[Measurement],
    power: float,
) -> list[Plan]:
    """Return what would decide every value criterion at its binding level.

    Parameters
    ----------
    requirements : RequirementSet
    verdicts : sequence of Verdict
        Of one run; those at binding levels are planned for. May be empty: exact tests need none.
    measurements : iterable of Measurement
        Of the same run.
    power : float
        Chance that the verdict is decided, 0.5 to 0.999.

    Raises
    ------
    VerifyError
        ``bad_power`` (exit code 4).
    """
    if not 0.5 <= power <= 0.999:
        raise VerifyError(
            f"A power of {power:g} cannot be planned for.",
            code="bad_power",
            hint="Give --power between 0.5 and 0.999.",
            exit_code=4,
        )
    known = {_place(m.metric, m.band, m.component, m.at): m for m in measurements}
    binding = {v.criterion: v for v in verdicts if v.binding}
    found: list[Plan] = []
    for criterion in requirements.criteria.values():
        if criterion.kind != "value" or criterion.role != "limit":
            continue
        verdict = binding.get(criterion.id)
        parts = (verdict.parts or (verdict,)) if verdict else ()
        judged = [part for part in parts if part.value is not None]
        exact = _exact(criterion, power)
        if judged and criterion.population != "dataset":
            found += [_measured(criterion, part, known, power, exact) for part in judged]
        elif exact is not None:
            found.append(exact)
    return found


def units_needed(room: float, error: float, now: int, power: float) -> int | None:
    """Return how many units decide a verdict with the wanted power.

    Parameters
    ----------
    room : float
        Distance of the true value from the limit, positive.
    error : float
        Standard error of the estimate from `now` units; shrinks with their square root.
    now : int
    power : float

    Returns
    -------
    int or None
        None when no amount of data would do.
    """
    if room <= 0.0 or not math.isfinite(error):
        return None
    reach = Z95 + float(ndtri(power))
    needed = now * (reach * error / room) ** 2
    return max(math.ceil(needed), 2) if needed < _HOPELESS else None


def zero_failure_size(allowed: float) -> int | None:
    """Return the trials that show, without one failure, a rate of at most `allowed` (0..1)."""
    if not 0.0 < allowed < 1.0:
        return None
    return math.ceil(math.log(ALPHA) / math.log1p(-allowed))


def exact_size(allowed: float, truth: float, power: float) -> int | None:
    """Return the trials that pass the exact test with the wanted power.

    Parameters
    ----------
    allowed, truth : float
        Failure rates, 0..1: what the requirement allows, and what the system has.
    power : float
    """
    n = zero_failure_size(allowed)
    if n is None or truth >= allowed:
        return None
    # Power grows with n but for teeth: the next tooth is taken where it is enough.
    while n < _HOPELESS:
        most = int(binom.ppf(ALPHA, n, allowed))
        while most >= 0 and binom.cdf(most, n, allowed) > ALPHA:
            most -= 1
        if most >= 0 and binom.cdf(most, n, truth) >= power:
            return n
        n += max(1, n // 50)
    return None


def _exact(criterion: Criterion, power: float) -> Plan | None:
    """Return the plan of a criterion that is a share of trials."""
    limit = criterion.levels.get(criterion.binding_level)
    if criterion.unit not in _PERCENT or not isinstance(limit, int | float):
        return None
    if criterion.population == "dataset" or (criterion.unit == "" and not 0 < limit < 1):
        return None
    share = limit / 100.0 if criterion.unit == "%" else float(limit)
    allowed = share if criterion.op in ("<=", "<") else 1.0 - share
    if criterion.op == "==" or not 0.0 < allowed < 1.0:
        return None
    return Plan(
        criterion.id,
        None,
        None,
        None,
        float(limit),
        criterion.op,
        criterion.unit,
        counted="trials",
        zero_failures=zero_failure_size(allowed),
        with_half=exact_size(allowed, allowed / 2.0, power),
        note="exact binomial; independent trials",
    )


def _measured(
    criterion: Criterion,
    part: Verdict,
    known: Mapping[tuple[object, ...], Measurement],
    power: float,
    exact: Plan | None,
) -> Plan:
    """Return the plan of a quantity that was measured."""
    base = Plan(
        part.criterion,
        part.band,
        part.component,
        part.value,
        float(part.limit) if isinstance(part.limit, int | float) else None,
        part.op,
        part.unit,
        zero_failures=exact.zero_failures if exact else None,
        with_half=exact.with_half if exact else None,
    )
    m = known.get(_place(part.metric or "", part.band, part.component, part.at))
    now = m.diagnostics.get("n_units", m.diagnostics.get("n_visits")) if m else None
    limit, value = base.limit, part.value
    if limit is None or value is None or part.lower is None or part.upper is None:
        return replace(base, note="no interval to scale")
    if not isinstance(now, int) or isinstance(now, bool) or now < 1:
        return replace(base, note="the metric does not say how many units it rests on")
    entry = certificates().get(part.metric or "")
    base = replace(base, now=now, counted=f"{entry.get('unit', 'visit') if entry else 'unit'}s")
    rule = Limit(part.op, limit, criterion.abs)
    estimate = Estimate(value, part.lower, part.upper)
    estimate = estimate.absolute() if criterion.abs else estimate
    inside = rule.holds(value)
    upper = rule.ceiling == inside
    width = (estimate.upper - estimate.value) if upper else (estimate.value - estimate.lower)
    if not math.isfinite(width):
        return replace(base, note="so few units bound nothing on that side: measure more first")
    room = abs(limit - estimate.value)
    needed = units_needed(room, width / Z95, now, power)
    if needed is None:
        return replace(base, note="no amount of such data: too near the limit")
    smallest = smallest_size(entry) if entry else 2
    return replace(base, needed=max(needed, smallest), decided="PASS" if inside else "FAIL")


def _place(
    metric: str, band: str | None, component: str | None, at: Mapping[str, float]
) -> tuple[object, ...]:
    return metric, band, component, tuple(sorted(at.items()))
