"""Trace: from a parameter of the SRD down to the evidence, and what is missing on the way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from skyassay.requirements_map.findings import EvidenceFacts, MetricFacts
from skyassay.requirements_map.lookup import unknown
from skyassay.requirements_map.model import Criterion, Node, RequirementSet
from skyassay.requirements_map.records import packaged_records
from skyassay.requirements_map.verification import elements_of, test_cases, verification_elements

#: Document -> step of the walk. LSE-29 is the LSR, LSE-30 the OSS, LSE-61 the DMSR.
STEP_OF_DOCUMENT: tuple[tuple[str, str], ...] = (
    ("LPM-17", "SRD"),
    ("LSE-29", "LSR"),
    ("LSE-30", "OSS"),
    ("LSE-61", "DMSR"),
)
#: Step -> what to say when it is empty, in the order of the walk.
MISSING: tuple[tuple[str, str], ...] = (
    ("SRD", "no parameter of LPM-17 is linked to it"),
    ("LSR", "no item of LSE-29 is named; its text is not at hand"),
    ("OSS", "no item of LSE-30 is named"),
    ("DMSR", "no row of LSE-61 carries it"),
    ("other", ""),
    ("verification element", "LDM-692 has no verification element for it"),
    ("test case", "no test case of LDM-639 or LDM-692 is linked"),
    ("metric", "nothing verifies this yet"),
    ("evidence", "no evidence in the run that was given"),
)
NO_RUN = "no run was given"


@dataclass(frozen=True)
class TraceItem:
    """One id on the way, with what is known of its state."""

    id: str
    title: str = ""
    state: str = ""


@dataclass(frozen=True)
class TraceStep:
    """One step of the walk; `missing` says why it is empty."""

    step: str
    items: tuple[TraceItem, ...]
    missing: str = ""


@dataclass(frozen=True)
class Trace:
    """The walk through one id."""

    id: str
    title: str
    steps: tuple[TraceStep, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The steps without an item."""
        return tuple(step.step for step in self.steps if step.missing)


@dataclass(frozen=True)
class _Start:
    """Where a walk begins: requirements, and what of them is meant."""

    requirements: frozenset[str]
    criteria: tuple[Criterion, ...]
    elements: frozenset[str] | None = None
    cases: frozenset[str] = frozenset()


def trace(
    found: RequirementSet,
    key: str,
    metrics: Iterable[MetricFacts] = (),
    evidence: Sequence[EvidenceFacts] | None = None,
) -> Trace:
    """Return the walk through one id.

    Parameters
    ----------
    found : RequirementSet
    key : str
        A requirement, criterion, upstream node, verification element, test case or metric.
    metrics : iterable of MetricFacts
        The installed metrics.
    evidence : sequence of EvidenceFacts or None
        Results of one run; None: no run was given.

    Raises
    ------
    RequirementsError
        Code ``unknown_id``.
    """
    installed = {metric.id: metric for metric in metrics}
    start = _start(found, key, installed)
    below = _children(found, start.requirements)
    criteria = [*start.criteria, *(c for k in sorted(below) for c in _criteria_of(found, k))]
    beside = _beside(found, criteria)
    linked = {c.requirement for c in beside}
    above = _parents(found, start.requirements | linked)
    here = start.requirements | below | linked
    elements = _elements(here, [*criteria, *beside], start.elements)
    items = {
        **_documents(found, here | above),
        "verification element": elements,
        "test case": _cases(here, [e.id for e in elements], start.cases),
        "metric": _metrics([*criteria, *beside], installed),
        "evidence": _evidence([*criteria, *beside], evidence or ()),
    }
    said = _why_unmeasured(found, [*criteria, *beside])
    return Trace(key, _title(found, key), _steps(items, said, run=evidence is not None))


def _start(found: RequirementSet, key: str, installed: Mapping[str, MetricFacts]) -> _Start:
    elements, cases = verification_elements(), test_cases()
    if key in found.requirements or key in found.nodes:
        return _Start(frozenset({key}), tuple(_criteria_of(found, key)))
    if key in found.criteria:
        criterion = found.criteria[key]
        return _Start(frozenset({criterion.requirement}), (criterion,))
    if key in elements:
        owner = elements[key].requirement
        return _Start(frozenset({owner}), _about(found, [owner], {key}), frozenset({key}))
    if key in cases:
        case = cases[key]
        named = frozenset(e for e in case.verification_elements if e in elements)
        owners = frozenset({*(elements[e].requirement for e in named), *case.requirements})
        return _Start(owners, _about(found, sorted(owners), named), named, frozenset({key}))
    measured = found.measured_by(key)
    if measured or key in installed:
        return _Start(frozenset(c.requirement for c in measured), measured)
    known = (*found.requirements, *found.criteria, *found.nodes, *elements, *cases, *installed)
    raise unknown(key, known)


def _criteria_of(found: RequirementSet, key: str) -> tuple[Criterion, ...]:
    requirement = found.requirements.get(key)
    return () if requirement is None else requirement.criteria


def _about(
    found: RequirementSet, owners: Iterable[str], elements: Collection[str]
) -> tuple[Criterion, ...]:
    """Return the criteria that verification elements are about; all, where none says."""
    everything = tuple(c for k in owners for c in _criteria_of(found, k))
    named = tuple(c for c in everything if {*c.verification_elements} & {*elements})
    return named or everything


def _children(found: RequirementSet, keys: frozenset[str]) -> frozenset[str]:
    """Return what is derived, at any depth, from upstream items (not from LSE-61 rows)."""
    result: set[str] = set()
    edge = {k for k in keys if _document(found, k) in ("LSE-29", "LSE-30")}
    while edge:
        edge = {r.id for r in found.requirements.values() if edge & {*r.parents}} - result
        result |= edge
    return frozenset(result)


def _parents(found: RequirementSet, keys: frozenset[str]) -> frozenset[str]:
    result: set[str] = set()
    edge = set(keys)
    while edge:
        edge = {p for k in edge if k in found.requirements for p in found.requirements[k].parents}
        edge -= result
        result |= edge
    return frozenset(result - keys)


def _beside(found: RequirementSet, criteria: Iterable[Criterion]) -> list[Criterion]:
    """Return the criteria of other documents for the same parameters."""
    own = {c.id: c for c in criteria}
    names = {n for c in own.values() for n in (*c.related, *c.differs_from)} - set(own)
    return [found.criteria[n] for n in sorted(names)]


def _document(found: RequirementSet, key: str) -> str:
    if key in found.requirements:
        return found.requirements[key].document
    return found.nodes[key].document if key in found.nodes else ""


def _documents(found: RequirementSet, keys: Iterable[str]) -> dict[str, tuple[TraceItem, ...]]:
    steps: dict[str, list[TraceItem]] = {}
    for key in sorted(keys):
        step = dict(STEP_OF_DOCUMENT).get(_document(found, key), "other")
        requirement = found.requirements.get(key)
        if requirement is not None:
            state = requirement.status if requirement.status != "active" else ""
            item = TraceItem(
                key, requirement.title, "second-hand" * requirement.secondhand or state
            )
        else:
            item = TraceItem(key, found.nodes.get(key, Node(key, "")).name, "text not at hand")
        steps.setdefault(step, []).append(item)
    return {step: tuple(items) for step, items in steps.items()}


def _elements(
    keys: Iterable[str], criteria: Sequence[Criterion], only: frozenset[str] | None
) -> tuple[TraceItem, ...]:
    table = verification_elements()
    ids = sorted(only) if only is not None else [e for k in sorted(keys) for e in _of(k, criteria)]
    return tuple(TraceItem(e, table[e].title or table[e].code, table[e].status) for e in ids)


def _of(key: str, criteria: Sequence[Criterion]) -> tuple[str, ...]:
    """Return a requirement's elements; only those of its criteria on the way, if these say."""
    own = [c.verification_elements for c in criteria if c.requirement == key]
    if own and all(own):
        return tuple(dict.fromkeys(e for elements in own for e in elements))
    return elements_of().get(key, ())


def _cases(
    keys: Collection[str], elements: Sequence[str], start: frozenset[str]
) -> tuple[TraceItem, ...]:
    """Return the test cases of the elements, and those that name a requirement but no element."""
    table, cases = verification_elements(), test_cases()
    ids = {t for e in elements for t in table[e].test_cases} | start
    for case in cases.values():
        known = {e for e in case.verification_elements if e in table}
        if known & {*elements} or (not known and {*keys} & {*case.requirements}):
            ids.add(case.id)
    return tuple(TraceItem(t, cases[t].name, _result(t)) for t in sorted(ids) if t in cases)


def _result(case: str) -> str:
    found = test_cases()[case]
    result = found.last_result or "no result"
    return f"{result} {found.last_run}".strip()


def _metrics(
    criteria: Iterable[Criterion], installed: Mapping[str, MetricFacts]
) -> tuple[TraceItem, ...]:
    served: dict[str, list[str]] = {}
    for criterion in criteria:
        if criterion.metric is not None:
            served.setdefault(criterion.metric, []).append(criterion.id)
    return tuple(
        TraceItem(m, ", ".join(served[m]), "installed" if m in installed else "not installed")
        for m in sorted(served)
    )


def _evidence(
    criteria: Iterable[Criterion], evidence: Sequence[EvidenceFacts]
) -> tuple[TraceItem, ...]:
    fingerprints = {c.id: c.fingerprint for c in criteria}
    return tuple(
        TraceItem(
            e.id,
            f"{e.criterion} by {e.metric}",
            e.status + (" (suspect)" if e.fingerprint != fingerprints[e.criterion] else ""),
        )
        for e in evidence
        if e.criterion in fingerprints
    )


def _why_unmeasured(found: RequirementSet, criteria: Iterable[Criterion]) -> str:
    """Return why no metric measures these: what is on record, or that an inspection is due."""
    gaps = {gap.id: gap for gap in packaged_records().gaps}
    reasons: dict[str, None] = {}
    for criterion in criteria:
        method = found.requirement_of(criterion).method
        if criterion.id in gaps:
            gap = gaps[criterion.id]
            reasons[f"{gap.reason} ({gap.owner}, {gap.date})"] = None
        elif criterion.metric is None and method in ("inspection", "demonstration"):
            reasons[f"No data decide it: verified by {method}, a signed record is due."] = None
    return " ".join(reasons)


def _steps(
    items: Mapping[str, tuple[TraceItem, ...]], unmeasured: str, *, run: bool
) -> tuple[TraceStep, ...]:
    steps = []
    for step, why in MISSING:
        here = items.get(step, ())
        if step == "other" and not here:
            continue
        reason = NO_RUN if step == "evidence" and not run else why
        if step == "metric" and unmeasured:
            reason = f"{why}: {unmeasured}"
        steps.append(TraceStep(step, here, "" if here else reason))
    return tuple(steps)


def _title(found: RequirementSet, key: str) -> str:
    if key in found.requirements:
        return found.requirements[key].title
    if key in found.criteria:
        return found.criteria[key].text
    if key in verification_elements():
        return verification_elements()[key].title
    return test_cases()[key].name if key in test_cases() else ""
