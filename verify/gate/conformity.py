"""The requirement gate: whether the head meets its requirements, as its verdicts say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skyassay.verify.gate.bounds import parts_of
from skyassay.verify.gate.model import Entry, GateStatus, Key, Pair
from skyassay.verify.records import Verdict

#: The recipe whose verdicts bind; the published ones are there for comparison.
BINDING_RECIPE = "srd"
#: A criterion at one level in one band: what a base and a head verdict share.
Place = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Judged:
    """What base and head say about one criterion on one pair of runs."""

    base: Verdict | None
    head: Verdict | None
    seed: int | None


def conformity(pairs: Sequence[Pair], *, known_failures: str = "fail") -> list[Entry]:
    """Return one entry per criterion, binding level and band.

    Parameters
    ----------
    pairs : sequence of Pair
    known_failures : str
        ``fail``: a requirement that fails, fails. ``report``: one that failed in the base
        too is shown as failing and not counted.
    """
    found: dict[Place, list[Judged]] = {}
    for pair in pairs:
        base, head = _table(pair.base.verdicts), _table(pair.head.verdicts)
        for place in sorted(base.keys() | head.keys()):
            judged = Judged(base.get(place), head.get(place), pair.seed)
            found.setdefault(place, []).append(judged)
    return [_entry(place, judged, known_failures) for place, judged in sorted(found.items())]


def _table(verdicts: Iterable[Verdict]) -> dict[Place, Verdict]:
    """Return the binding verdicts by place; those of a metric's binding recipe where it has one."""
    binding = [
        v for v in parts_of(verdicts) if v.binding and v.metric and v.status != "NOT_APPLICABLE"
    ]
    own = {v.criterion for v in binding if v.recipe == BINDING_RECIPE}
    table = {}
    for verdict in binding:
        if verdict.criterion in own and verdict.recipe != BINDING_RECIPE:
            continue
        place = (
            verdict.criterion,
            verdict.level,
            verdict.band or "",
            verdict.component or "",
            verdict.recipe or "",
        )
        table[place] = verdict
    return table


def _entry(place: Place, judged: Sequence[Judged], known_failures: str) -> Entry:
    """Return the worst answer over the seeds, with the numbers of the seed that gave it."""
    answers = [_answer(item, known_failures) for item in judged]
    order: tuple[GateStatus, ...] = ("ERROR", "FAIL", "INCONCLUSIVE", "PASS", "REPORTED")
    if any(status == "PASS" for status, _, _ in answers):
        order = ("ERROR", "FAIL", "INCONCLUSIVE", "REPORTED", "PASS")
    worst = min(range(len(answers)), key=lambda i: (order.index(answers[i][0]), i))
    status, code, message = answers[worst]
    same = [item.seed for item, answer in zip(judged, answers, strict=True) if answer[0] == status]
    base, head = judged[worst].base, judged[worst].head
    shown = head or base
    assert shown is not None  # noqa: S101 - a place comes from one of them
    seeds = tuple(sorted(seed for item in judged if (seed := item.seed) is not None))
    return Entry(
        question="requirement",
        key=Key(shown.metric or "", place[4], place[2], place[3], _at(shown)),
        status=status,
        code=code,
        message=message + (_where(same) if len(judged) > 1 else ""),
        unit=shown.unit,
        requirements=(place[0],),
        level=place[1],
        method=shown.method or "",
        base=base.value if base else None,
        head=head.value if head else None,
        base_low=base.low if base else None,
        base_high=base.high if base else None,
        head_low=head.low if head else None,
        head_high=head.high if head else None,
        lower=head.lower if head else None,
        upper=head.upper if head else None,
        limit=shown.limit,
        op=shown.op,
        n_pairs=len(judged),
        n=(head.n or 0) if head else 0,
        seeds=seeds,
        details={
            "base_status": base.status if base else "absent",
            "head_status": head.status if head else "absent",
            "waiver": shown.waiver,
        },
    )


def _answer(judged: Judged, known_failures: str) -> tuple[GateStatus, str, str]:
    """Return status, code and message of one criterion on one pair."""
    base, head = judged.base, judged.head
    before = base.status if base else "absent"
    decided = before in ("PASS", "FAIL", "INCONCLUSIVE")
    if head is None:
        if decided:
            return "ERROR", "verdict_disappeared", "The base was judged, the head is not."
        return "REPORTED", "not_measured_on_either_side", "Neither side measured it."
    why = head.reason or head.status
    if head.status == "FAIL":
        if before == "FAIL" and known_failures == "report":
            return "REPORTED", "known_failure", "It fails, and failed in the base too."
        known = " It failed in the base too." if before == "FAIL" else ""
        return "FAIL", "requirement_failed", f"The requirement is not met.{known}"
    if head.status == "NOT_MEASURED":
        if decided:
            return "ERROR", "no_longer_measured", f"The base was judged, the head is not: {why}."
        return "REPORTED", "not_measured_on_either_side", f"Neither side measured it: {why}."
    if head.status == "INCONCLUSIVE":
        if before == "PASS":
            return (
                "INCONCLUSIVE",
                "no_longer_decided",
                f"It passed in the base, now undecided: {why}.",
            )
        return "REPORTED", "undecided_on_either_side", f"Undecided before and after: {why}."
    return "PASS", "requirement_met", "The requirement is met."


def _at(verdict: Verdict) -> tuple[tuple[str, float], ...]:
    """Return the bound parameters in one order."""
    return tuple(sorted((name, float(value)) for name, value in verdict.at.items()))


def _where(seeds: Sequence[int | None]) -> str:
    """Return the seeds an answer holds for."""
    named = sorted(seed for seed in seeds if seed is not None)
    return f" (seeds {', '.join(map(str, named))})" if named else ""
