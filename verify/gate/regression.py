"""The regression gate: whether the head is worse than its base by more than the margin."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from skyassay.verify.errors import VerifyError
from skyassay.verify.gate.bounds import WORSE, Bound, Match, in_unit, match_of
from skyassay.verify.gate.margin import MarginRule, margin_for, on_log_scale
from skyassay.verify.gate.model import Entry, Key, Observation, Pair
from skyassay.verify.gate.paired import (
    MIN_PAIRS_FOR_T,
    PairedTest,
    paired_test,
    pairs_needed,
    sign_flip_p,
    worsening,
)
from skyassay.verify.gate.structure import Series, structural
from skyassay.verify.holm import holm

PAIRED_T = "paired t, one-sided, Holm over all metrics"
EACH_PAIR = "each pair on its own: same data or seed, no sampling noise between base and head"


@dataclass(frozen=True)
class Test:
    """An entry waiting for its decision: its differences and its margin on their scale."""

    entry: Entry
    differences: tuple[float, ...]
    margin: float
    result: PairedTest | None


def regressions(
    pairs: Sequence[Pair],
    bounds: Mapping[Match, tuple[Bound, ...]],
    *,
    rule: MarginRule,
    alpha: float,
) -> list[Entry]:
    """Compare every quantity that either side names.

    Parameters
    ----------
    pairs : sequence of Pair
        Runs on the same seeds or data.
    bounds : mapping
        Limits by quantity; one without limits is reported and cannot fail by its value.
    rule : MarginRule
    alpha : float
        False-alarm rate of the whole gate.
    """
    entries: list[Entry] = []
    tests: list[Test] = []
    for series in _series(pairs):
        answer = _compare(series, bounds.get(match_of(series.key), ()), rule)
        if isinstance(answer, Test):
            tests.append(answer)
        else:
            entries.append(answer)
    return entries + _decide(tests, alpha)


def _series(pairs: Sequence[Pair]) -> list[Series]:
    """Return every quantity with its observations on both sides of every pair."""
    found: dict[Key, list[tuple[Observation | None, Observation | None]]] = {}
    tables = [(_table(pair.base.observations), _table(pair.head.observations)) for pair in pairs]
    keys = sorted({key for old, new in tables for key in (*old, *new)})
    for key in keys:
        found[key] = [(old.get(key), new.get(key)) for old, new in tables]
    seeds = tuple(pair.seed for pair in pairs)
    same = all(pair.same_data for pair in pairs)
    return [Series(key, tuple(values), seeds, same) for key, values in found.items()]


def _table(observations: Sequence[Observation]) -> dict[Key, Observation]:
    """Return observations by quantity; a quantity named twice is an error, not a choice."""
    table: dict[Key, Observation] = {}
    for item in observations:
        if item.key in table and table[item.key] != item:
            item = replace(item, value=None, problem="duplicate", reason="named twice in one run")
        table[item.key] = item
    return table


def _compare(series: Series, bounds: Sequence[Bound], rule: MarginRule) -> Entry | Test:
    """Return the answer for one quantity, or the test that will give it."""
    entry = structural(series, bounds)
    if entry.code != "comparable":
        return entry
    try:
        limits = in_unit(bounds, entry.unit)
    except VerifyError as error:
        return replace(entry, status="ERROR", code=error.code, message=str(error))
    base, head = series.values()
    if base == head:
        message = "Every value is identical to the base, bit by bit."
        method = "identical values, no statistics"
        return replace(entry, status="PASS", code="identical", message=message, method=method)
    if len({(WORSE[bound.op], bound.absolute) for bound in limits}) != 1:
        return _diagnostic(entry, base, head)
    return _prepare(entry, base, head, limits, rule)


def _prepare(
    entry: Entry, base: list[float], head: list[float], limits: Sequence[Bound], rule: MarginRule
) -> Test:
    """Return the test of a quantity with a direction: differences, margin, p-values."""
    sign = WORSE[limits[0].op]
    if any(bound.absolute for bound in limits):
        base, head = [abs(value) for value in base], [abs(value) for value in head]
    logarithmic = _is_scale(entry.unit) and min(*base, *head) > 0.0
    mean = math.fsum(sorted(base)) / len(base)
    margin = margin_for(rule, entry.key.metric, mean, limits, logarithmic=logarithmic)
    scaled = on_log_scale(margin.value, mean, sign) if logarithmic else margin.value
    differences = worsening(base, head, sign=sign, logarithmic=logarithmic)
    many = len(differences) >= MIN_PAIRS_FOR_T
    result = paired_test(differences, scaled) if many else None
    nearest = min(limits, key=lambda bound: bound.headroom(mean))
    prepared = replace(
        entry,
        direction="larger is worse" if sign > 0 else "smaller is worse",
        scale="log ratio" if logarithmic else f"difference in {entry.unit or '1'}",
        change=math.fsum(sorted(differences)) / len(differences),
        margin=margin.value,
        limit_margin=scaled,
        margin_rule=margin.rule,
        limit=nearest.limit,
        op=nearest.op,
        level=nearest.level,
        method=PAIRED_T if result else EACH_PAIR,
        p_worse=result.p_worse if result else None,
        p_within=result.p_within if result else None,
        p_sign_flip=sign_flip_p(differences, scaled) if result else None,
    )
    return Test(prepared, tuple(differences), scaled, result)


def _is_scale(unit: str) -> bool:
    """Return whether a unit measures a size; fractions and counts are compared by difference."""
    from astropy import units as u

    try:
        return bool(u.Unit(unit).physical_type != u.dimensionless_unscaled.physical_type)
    except ValueError:
        return False


def _diagnostic(entry: Entry, base: list[float], head: list[float]) -> Entry:
    """Report, two-sided, a change that no requirement calls better or worse."""
    differences = [new - old for old, new in zip(base, head, strict=True)]
    mean = math.fsum(sorted(differences)) / len(differences)
    lower = upper = None
    if len(differences) >= MIN_PAIRS_FOR_T:
        lower, upper = paired_test(differences, 0.0).limits(0.025, 0.025)
    return replace(
        entry,
        status="REPORTED",
        code="diagnostic",
        message="No requirement says which way is worse; the change is shown, not judged.",
        method="two-sided 95 % paired t" if lower is not None else "mean difference",
        scale=f"difference in {entry.unit or '1'}",
        change=mean,
        lower=lower,
        upper=upper,
    )


def _decide(tests: Sequence[Test], alpha: float) -> list[Entry]:
    """Decide all tests together: Holm over every quantity, for each side of the margin."""
    entries = [_each_pair(test) for test in tests if test.result is None]
    family = [(test, test.result) for test in tests if test.result is not None]
    worse = holm([result.p_worse for _, result in family], alpha)
    within = holm([result.p_within for _, result in family], alpha)
    for (test, result), bad, good in zip(family, worse, within, strict=True):
        lower, upper = result.limits(bad.level, good.level)
        entry = replace(test.entry, lower=lower, upper=upper, test_level=bad.level)
        if bad.rejected:
            message = f"Worse than the margin: {_sizes(entry)}."
            entry = replace(entry, status="FAIL", code="beyond_margin", message=message)
        elif good.rejected:
            message = f"Within the margin: {_sizes(entry)}."
            entry = replace(entry, status="PASS", code="within_margin", message=message)
        else:
            entry = _undecided(entry, result, test.margin, bad.level)
        entries.append(entry)
    return entries


def _undecided(entry: Entry, result: PairedTest, margin: float, level: float) -> Entry:
    """Return an entry the seeds cannot decide, with the number that could."""
    needed = pairs_needed(result, margin, level)
    more = f"about {needed} seeds would decide" if needed else "no number of seeds to 1000 would"
    message = f"The margin lies inside the interval: {_sizes(entry)}; {more}."
    return replace(entry, status="INCONCLUSIVE", code="undecided", message=message)


def _each_pair(test: Test) -> Entry:
    """Decide few pairs one by one: on the same data a change is made by the software alone."""
    beyond = [difference > test.margin for difference in test.differences]
    entry = replace(test.entry, lower=min(test.differences), upper=max(test.differences))
    if all(beyond):
        message = f"Worse than the margin on every pair: {_sizes(entry)}."
        return replace(entry, status="FAIL", code="beyond_margin", message=message)
    if not any(beyond):
        message = f"Within the margin on every pair: {_sizes(entry)}."
        return replace(entry, status="PASS", code="within_margin", message=message)
    more = f"{MIN_PAIRS_FOR_T} seeds allow a t-test"
    message = f"Some pairs are beyond the margin: {_sizes(entry)}; {more}."
    return replace(entry, status="INCONCLUSIVE", code="undecided", message=message)


def _sizes(entry: Entry) -> str:
    """Return change and margin in words, percent where the scale is a ratio."""
    change, margin = entry.change or 0.0, entry.limit_margin or 0.0
    if entry.scale == "log ratio":
        word = "worse" if change > 0 else "better"
        return (
            f"{abs(100 * math.expm1(change)):.2g} % {word}, margin {100 * math.expm1(margin):.2g} %"
        )
    word = "worse" if change > 0 else "better"
    unit = {"%": " points", "": ""}.get(entry.unit, f" {entry.unit}")
    return f"{abs(change):.2g}{unit} {word}, margin {margin:.2g}{unit}"
