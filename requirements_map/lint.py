"""`lint`: every rule about links, units, records and sources, in one list of findings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from skyassay.requirements_map import lint_evidence, lint_links, lint_records
from skyassay.requirements_map.errors import RequirementsError
from skyassay.requirements_map.facts import source_mismatch
from skyassay.requirements_map.findings import EvidenceFacts, Finding, MetricFacts, sort_key
from skyassay.requirements_map.model import RequirementSet
from skyassay.requirements_map.records import Records, packaged_records

#: Errors of the loader that have a code of their own in the list of findings.
LOAD_CODES: tuple[tuple[str, str], ...] = (
    ("duplicate_requirement", "T8"),
    ("duplicate_criterion", "T8"),
    ("duplicate_document", "T8"),
    ("unknown_criterion", "T3"),
    ("unknown_parent", "T3"),
    ("unknown_unit", "T9"),
)


def lint(
    requirements: RequirementSet,
    metrics: Iterable[MetricFacts],
    evidence: Iterable[EvidenceFacts] | None = None,
    *,
    records: Records | None = None,
    now: datetime | None = None,
    max_age: timedelta | None = None,
    software: str = "",
    release: bool = False,
) -> list[Finding]:
    """Return what is wrong with the map, worst first.

    Parameters
    ----------
    requirements : RequirementSet
    metrics : iterable of MetricFacts
        Every installed metric.
    evidence : iterable of EvidenceFacts or None
        The results of one run; None: no run is looked at, T2, T6 and T7 are not decided.
    records : Records or None
        Gaps, waivers, inspections, close-outs; None: the packaged ones.
    now, max_age, software
        What T7 and T11 compare with; ``max_age=None`` and ``software=""`` switch that part off.
    release : bool
        Suspect and stale evidence fails.
    """
    facts = list(metrics)
    by_id = {metric.id: metric for metric in facts}
    signed = packaged_records() if records is None else records
    moment = now or datetime.now(UTC)
    results = None if evidence is None else list(evidence)
    found = [
        *lint_links.uncovered(requirements, by_id, signed.gaps),
        *lint_links.orphaned(requirements, by_id),
        *lint_links.orphaned_elements(requirements),
        *lint_links.unwanted(by_id),
        *lint_links.one_sided(requirements, by_id),
        *lint_links.duplicates(facts),
        *lint_links.unit_mismatch(requirements, by_id),
        *lint_evidence.shallow(requirements, {c.requirement for c in signed.closed}),
        *lint_records.waivers(requirements, signed.waivers, moment.date(), results),
        *lint_records.inspections(requirements, signed.inspections),
        *lint_records.close_outs(requirements, signed.closed),
        *source_mismatch(requirements),
    ]
    if results is not None:
        found += lint_evidence.unevidenced(requirements, by_id, results)
        found += lint_evidence.orphaned_evidence(requirements, results)
        found += lint_evidence.suspect(requirements, results, release=release)
        found += lint_evidence.stale(
            results, now=moment, max_age=max_age, software=software, release=release
        )
    return sorted(found, key=sort_key)


def finding_of(error: RequirementsError) -> Finding:
    """Return the finding that stands for requirements that do not even load."""
    code = dict(LOAD_CODES).get(error.code, error.code)
    return Finding(code, "fail", "requirements", str(error), error.hint)
