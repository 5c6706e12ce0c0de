"""Rules about what people sign: T11 (waivers), T12 (inspections), and ids in close-outs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from skyassay.requirements_map.findings import EvidenceFacts, Finding
from skyassay.requirements_map.model import RequirementSet
from skyassay.requirements_map.records import CloseOut, Inspection, Waiver


def waivers(
    found: RequirementSet,
    given: Sequence[Waiver],
    today: date,
    evidence: Sequence[EvidenceFacts] | None,
) -> Iterator[Finding]:
    """T11: a waiver is for a known criterion, not expired, and used; T8: its id is its own."""
    failing = {e.criterion for e in evidence or () if e.status != "PASS"}
    for key, count in Counter(waiver.id for waiver in given).items():
        if count > 1:
            yield Finding("T8", "fail", key, f"{count} waivers have this id.")
    for waiver in given:
        if waiver.criterion not in found.criteria:
            yield Finding(
                "T11", "fail", waiver.id, f"It waives {waiver.criterion}, which is not known."
            )
        elif date.fromisoformat(waiver.expires) < today:
            yield Finding("T11", "fail", waiver.id, f"It expired on {waiver.expires}.")
        elif evidence is not None and waiver.criterion not in failing:
            yield Finding(
                "T11", "fail", waiver.id,
                f"Nothing in this run needs it: {waiver.criterion} does not fail.",
                "Withdraw the waiver.",
            )  # fmt: skip


def inspections(found: RequirementSet, given: Sequence[Inspection]) -> Iterator[Finding]:
    """T12: what is not tested needs a signed record; T3: a record for nothing."""
    have = {record.requirement for record in given}
    for key in sorted(have - set(found.requirements)):
        yield Finding("T3", "fail", key, "There is a record for a requirement that is not known.")
    for requirement in found.requirements.values():
        if requirement.status != "active" or requirement.id in have:
            continue
        if requirement.method in ("inspection", "demonstration"):
            yield Finding(
                "T12", "open", requirement.id, f"The {requirement.method} has no signed record."
            )


def close_outs(found: RequirementSet, given: Sequence[CloseOut]) -> Iterator[Finding]:
    """T3: a close-out of something that does not exist."""
    for item in given:
        if item.requirement not in found.requirements and item.requirement not in found.nodes:
            yield Finding("T3", "fail", item.requirement, "It is closed and is not known.")
