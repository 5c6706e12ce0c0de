"""Link rules over a run's evidence: T2, T6, T7, T10. Pure functions of what they are given."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from skyassay.requirements_map.errors import RequirementsError
from skyassay.requirements_map.findings import EvidenceFacts, Finding, MetricFacts, Severity
from skyassay.requirements_map.model import RequirementSet


def unevidenced(
    found: RequirementSet, metrics: Mapping[str, MetricFacts], evidence: Sequence[EvidenceFacts]
) -> Iterator[Finding]:
    """T2: a criterion with an installed metric and no result in this run."""
    have = {e.criterion for e in evidence}
    for criterion in found.criteria.values():
        active = found.requirement_of(criterion).status == "active"
        if active and criterion.metric in metrics and criterion.id not in have:
            yield Finding(
                "T2", "fail", criterion.id,
                f"{criterion.metric} is installed, but this run holds no result.",
            )  # fmt: skip


def orphaned_evidence(
    found: RequirementSet, evidence: Sequence[EvidenceFacts]
) -> Iterator[Finding]:
    """T3: evidence for a criterion that does not exist (any more)."""
    for item in evidence:
        if item.criterion not in found.criteria:
            yield Finding(
                "T3", "fail", item.id, f"It is evidence for {item.criterion}, which is not known."
            )


def suspect(
    found: RequirementSet, evidence: Sequence[EvidenceFacts], *, release: bool
) -> Iterator[Finding]:
    """T6: the criterion's fingerprint is not the one the evidence was made for."""
    severity: Severity = "fail" if release else "warn"
    for item in evidence:
        criterion = found.criteria.get(item.criterion)
        if criterion is not None and criterion.fingerprint != item.fingerprint:
            yield Finding(
                "T6", severity, criterion.id, f"It changed after evidence {item.id} was made.",
                "Run `assay verify` again.",
            )  # fmt: skip


def stale(
    evidence: Sequence[EvidenceFacts],
    *,
    now: datetime,
    max_age: timedelta | None,
    software: str,
    release: bool,
) -> Iterator[Finding]:
    """T7: evidence older than `max_age`, or of other software than `software`.

    Raises
    ------
    RequirementsError
        Code ``bad_date`` when evidence does not say when it was made.
    """
    severity: Severity = "fail" if release else "unknown"
    for item in evidence:
        if max_age is not None and now - _when(item, now) > max_age:
            days = (now - _when(item, now)).days
            yield Finding(
                "T7", severity, item.criterion,
                f"Evidence {item.id} is {days} days old; {max_age.days} are allowed.",
            )  # fmt: skip
        elif software and item.software != software:
            yield Finding(
                "T7", severity, item.criterion,
                f"Evidence {item.id} is of software {item.software or '(unknown)'}, "
                f"not of {software}.",
            )  # fmt: skip


def _when(item: EvidenceFacts, now: datetime) -> datetime:
    try:
        when = datetime.fromisoformat(item.created)
    except ValueError as error:
        raise RequirementsError(
            f"Evidence {item.id} has the date {item.created!r}.", code="bad_date"
        ) from error
    return when if when.tzinfo is not None else when.replace(tzinfo=now.tzinfo)


def shallow(found: RequirementSet, closed: Collection[str]) -> Iterator[Finding]:
    """T10: a requirement or node that is closed while something derived from it is open."""
    for requirement in found.requirements.values():
        if requirement.status != "active" or requirement.id in closed:
            continue
        for parent in requirement.parents:
            if parent in closed:
                yield Finding(
                    "T10", "fail", parent, f"It is closed while its child {requirement.id} is open."
                )
