"""Which limits a quantity is held against: direction and distance, from the verdicts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from skyassay.verify.errors import VerifyError
from skyassay.verify.gate.model import Key
from skyassay.verify.records import Verdict

#: Operator -> +1 where a larger value is worse, -1 where a smaller one is.
WORSE: dict[str, int] = {"<=": 1, "<": 1, ">=": -1, ">": -1}


@dataclass(frozen=True, order=True)
class Bound:
    """One limit of one criterion at its binding level, in the unit of the metric."""

    criterion: str
    level: str
    op: str
    limit: float
    unit: str
    absolute: bool = False

    def headroom(self, value: float) -> float:
        """Return how far inside the limit a value lies; 0 outside."""
        return max(0.0, WORSE[self.op] * (self.limit - (abs(value) if self.absolute else value)))


#: Metric, recipe, band, component and bound parameters: what verdict and measurement share.
Match = tuple[str, str, str, str, tuple[tuple[str, float], ...]]


def match_of(key: Key) -> Match:
    """Return what a verdict on this quantity is found by."""
    return key.metric, key.recipe, key.band, key.component, key.at


def verdict_match(verdict: Verdict) -> Match:
    """Return what the quantity of a verdict is found by."""
    at = tuple(sorted((name, float(value)) for name, value in verdict.at.items()))
    return (
        verdict.metric or "",
        verdict.recipe or "",
        verdict.band or "",
        verdict.component or "",
        at,
    )


def parts_of(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return verdicts on single quantities: the parts of those that sum up several bands."""
    return [part for verdict in verdicts for part in (verdict.parts or (verdict,))]


def bounds_of(
    verdicts: Iterable[Verdict], absolute: Collection[str] = ()
) -> dict[Match, tuple[Bound, ...]]:
    """Return the numeric limits by quantity: the binding ones, or those of any level.

    A quantity that only a level that does not bind asks for (PF1 at the stretch PA2) can
    still get worse.

    Parameters
    ----------
    verdicts : iterable of Verdict
    absolute : collection of str
        Criteria on ``|value|``: both signs are worse.
    """
    binding: dict[Match, set[Bound]] = {}
    other: dict[Match, set[Bound]] = {}
    for verdict in parts_of(verdicts):
        limit = verdict.limit
        if not isinstance(limit, (int, float)) or isinstance(limit, bool):
            continue
        judged = verdict.status != "NOT_APPLICABLE"
        if not (judged and verdict.op in WORSE and verdict.metric):
            continue
        bound = Bound(
            criterion=verdict.criterion,
            level=verdict.level,
            op=verdict.op,
            limit=float(limit),
            unit=verdict.unit,
            absolute=verdict.criterion in absolute,
        )
        found = binding if verdict.binding else other
        found.setdefault(verdict_match(verdict), set()).add(bound)
    return {match: tuple(sorted(bounds)) for match, bounds in {**other, **binding}.items()}


def in_unit(bounds: Iterable[Bound], unit: str) -> tuple[Bound, ...]:
    """Return the limits in the unit of the metric.

    Raises
    ------
    VerifyError
        ``unit_mismatch``: a limit cannot be converted.
    """
    return tuple(_converted(bound, unit) for bound in bounds)


def _converted(bound: Bound, unit: str) -> Bound:
    """Return one limit in another unit."""
    if bound.unit == unit:
        return bound
    from astropy import units as u

    try:
        limit = float(u.Unit(bound.unit).to(u.Unit(unit), bound.limit))
    except (u.UnitConversionError, ValueError) as error:
        raise VerifyError(
            f"{bound.criterion} is in {bound.unit or '1'}, its metric in {unit or '1'}.",
            code="unit_mismatch",
            hint="The unit of a metric and of its requirement must be convertible.",
        ) from error
    return replace(bound, limit=limit, unit=unit)
