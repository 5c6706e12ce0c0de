"""What must hold before values are compared: present, finite, one unit, one recipe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from skyassay.verify.gate.bounds import Bound
from skyassay.verify.gate.model import Entry, GateStatus, Key, Observation

Sides = tuple[Observation | None, Observation | None]


@dataclass(frozen=True)
class Series:
    """One quantity: base and head observation of every pair, None where there is none."""

    key: Key
    sides: tuple[Sides, ...]
    seeds: tuple[int | None, ...]
    same_data: bool

    def measured(self) -> list[Sides]:
        """Return the sides of every pair but those where neither side has a value, and says so."""
        return [sides for sides in self.sides if not all(map(_unmeasured, sides))]

    def values(self) -> tuple[list[float], list[float]]:
        """Return base and head values; only for a series that is comparable."""
        pairs = [
            (old.value, new.value)
            for old, new in self.measured()
            if old and new and old.value is not None and new.value is not None
        ]
        return [old for old, _ in pairs], [new for _, new in pairs]


def structural(series: Series, bounds: Sequence[Bound]) -> Entry:
    """Return the entry of one quantity; its code is ``comparable`` when values may be compared."""
    status, code, message = _judge(series)
    measured = series.measured()
    olds = [old for old, _ in measured if old]
    news = [new for _, new in measured if new]
    any_side = [item for sides in series.sides for item in sides if item]
    return Entry(
        question="regression",
        key=series.key,
        status=status,
        code=code,
        message=message,
        unit=any_side[0].unit,
        requirements=tuple(sorted({bound.criterion for bound in bounds})),
        n_pairs=len(measured),
        n=min((item.n for item in (news or olds)), default=0),
        seeds=tuple(sorted(seed for seed in series.seeds if seed is not None)),
        base=_mean(olds, "value", len(measured)),
        head=_mean(news, "value", len(measured)),
        base_low=_mean(olds, "low", len(measured)),
        base_high=_mean(olds, "high", len(measured)),
        head_low=_mean(news, "low", len(measured)),
        head_high=_mean(news, "high", len(measured)),
        details={
            "recipe_hash": any_side[0].recipe_hash,
            "pairs_not_measured": len(series.sides) - len(measured),
        },
    )


def _judge(series: Series) -> tuple[GateStatus, str, str]:
    """Return status, code and message of the first thing that forbids a comparison."""
    if all(old is None for old, _ in series.sides):
        return "REPORTED", "new", "The base does not have it; shown, not judged."
    if not series.measured():
        new = series.sides[0][1]
        reason = (new.reason if new else None) or "no reason given"
        return "REPORTED", "not_measured_on_either_side", f"Neither side measured it: {reason}."
    for (old, new), seed in zip(series.sides, series.seeds, strict=True):
        if _unmeasured(old) and _unmeasured(new):
            continue
        where = f" (seed {seed})" if seed is not None and len(series.sides) > 1 else ""
        found = _pair_problem(old, new)
        if found:
            return "ERROR", found[0], found[1] + where + "."
    return "PASS", "comparable", ""


def _pair_problem(old: Observation | None, new: Observation | None) -> tuple[str, str] | None:
    """Return code and message of what is wrong inside one pair."""
    if new is None:
        return "disappeared", "The base has it, the head does not"
    if old is None:
        return "incomplete_base", "The base has it for other seeds only"
    for side, item in (("head", new), ("base", old)):
        if item.value is None:
            why = item.reason or "no reason given"
            return item.problem or "not_measured", f"The {side} has no value: {why}"
    if old.unit != new.unit:
        return "unit_changed", f"The unit was {old.unit or 'none'} and is {new.unit or 'none'}"
    if old.recipe_hash != new.recipe_hash:
        return (
            "recipe_changed",
            f"The recipe {new.key.recipe} has another hash: {old.recipe_hash}, {new.recipe_hash}",
        )
    return None


def _unmeasured(item: Observation | None) -> bool:
    """Return whether an observation says, properly, that there is no value."""
    return item is not None and item.problem == "not_measured"


def _mean(items: Sequence[Observation], name: str, runs: int) -> float | None:
    """Return the mean of one field over all runs; None when a run has none or an infinite one."""
    values = sorted(value for item in items if (value := getattr(item, name)) is not None)
    if not values or len(values) < runs or not all(map(math.isfinite, values)):
        return None
    return math.fsum(values) / len(values)
