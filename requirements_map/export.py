"""Requirements, findings and traces as plain data: the stable JSON, and rows for CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from skyassay.requirements_map.findings import Finding
from skyassay.requirements_map.model import Criterion, Document, Node, Requirement, RequirementSet
from skyassay.requirements_map.trace import Trace
from skyassay.requirements_map.verification import test_cases, verification_elements

REQUIREMENTS_SCHEMA = "skyassay.requirements/1"
FINDINGS_SCHEMA = "skyassay.requirements-lint/1"
TRACE_SCHEMA = "skyassay.requirements-trace/1"
NOT_VERIFIED = "nothing verifies this yet"
Json = dict[str, Any]

CSV_COLUMNS = (
    "requirement", "criterion", "document", "title", "status", "priority", "method", "owner",
    "group", "kind", "role", "bands", "op", "design", "minimum", "stretch", "given", "unit",
    "binding_level", "population", "metric", "parents", "secondhand", "fingerprint",
)  # fmt: skip


def criterion_json(criterion: Criterion) -> Json:
    """Return everything about a criterion."""
    return {
        "id": criterion.id,
        "name": criterion.name,
        "kind": criterion.kind,
        "role": criterion.role,
        "text": criterion.text,
        "metric": criterion.metric,
        "verification": criterion.metric or NOT_VERIFIED,
        "component": criterion.component,
        "bands": list(criterion.bands),
        "op": criterion.op,
        "levels": dict(criterion.levels),
        "unit": criterion.unit,
        "source_unit": criterion.source_unit,
        "at": _at(criterion),
        "abs": criterion.abs,
        "joint": list(criterion.joint),
        "binding_level": criterion.binding_level,
        "population": criterion.population,
        "reading": criterion.reading,
        "related": list(criterion.related),
        "differs_from": list(criterion.differs_from),
        "verification_elements": list(criterion.verification_elements),
        "source": criterion.source,
        "note": criterion.note,
        "fingerprint": criterion.fingerprint,
    }


def _at(criterion: Criterion) -> Json:
    """Return parameter -> band -> {from, levels: level -> {value, unit}}."""
    return {
        parameter: {
            band: {
                "from": criterion.binds.get(parameter, {}).get(band),
                "levels": {k: {"value": v, "unit": u} for k, (v, u) in levels.items()},
            }
            for band, levels in by_band.items()
        }
        for parameter, by_band in criterion.at.items()
    }


def requirement_json(requirement: Requirement) -> Json:
    """Return everything about a requirement, its criteria included."""
    return {
        "id": requirement.id,
        "document": requirement.document,
        "title": requirement.title,
        "text": requirement.text,
        "section": requirement.section,
        "priority": requirement.priority,
        "method": requirement.method,
        "status": requirement.status,
        "owner": requirement.owner,
        "group": requirement.group,
        "scope": requirement.scope,
        "named": requirement.named,
        "parents": list(requirement.parents),
        "verification_elements": list(requirement.verification_elements),
        "secondhand": requirement.secondhand,
        "changes": list(requirement.changes),
        "note": requirement.note,
        "fingerprint": requirement.fingerprint,
        "criteria": [criterion_json(c) for c in requirement.criteria],
    }


def document_json(document: Document) -> Json:
    """Return what is known of a source document."""
    return {
        "id": document.id,
        "title": document.title,
        "revision": document.revision,
        "url": document.url,
        "levels": list(document.levels),
        "binding_level": document.binding_level,
        "secondhand": document.secondhand,
        "note": document.note,
    }


def node_json(node: Node) -> Json:
    """Return an id whose text is not at hand."""
    return {
        "id": node.id,
        "document": node.document,
        "name": node.name,
        "text": None,
        "note": node.note or "text not at hand",
    }


def requirements_json(
    found: RequirementSet, requirements: Iterable[Requirement], nodes: Iterable[Node]
) -> Json:
    """Return the document of `assay requirements list --format json`."""
    return {
        "schema": REQUIREMENTS_SCHEMA,
        "documents": [document_json(d) for d in found.documents.values()],
        "requirements": [requirement_json(r) for r in requirements],
        "nodes": [node_json(n) for n in nodes],
    }


def csv_rows(requirements: Iterable[Requirement]) -> list[Json]:
    """Return one row per criterion; a requirement without one has a row of its own."""
    rows: list[Json] = []
    for r in requirements:
        head = {
            "requirement": r.id,
            "document": r.document,
            "title": r.title,
            "status": r.status,
            "priority": r.priority,
            "method": r.method,
            "owner": r.owner,
            "group": r.group,
            "parents": ";".join(r.parents),
            "secondhand": "yes" if r.secondhand else "no",
        }
        for c in r.criteria:
            limits = {k: "" if v is None else v for k, v in c.levels.items()}
            rows.append(
                {
                    **head,
                    **limits,
                    "criterion": c.id,
                    "kind": c.kind,
                    "role": c.role,
                    "bands": "".join(c.bands),
                    "op": c.op,
                    "unit": c.unit,
                    "binding_level": c.binding_level,
                    "population": c.population,
                    "metric": c.metric or "",
                    "fingerprint": c.fingerprint,
                }
            )
        if not r.criteria:
            rows.append({**head, "fingerprint": r.fingerprint})
    return rows


def show_json(
    found: RequirementSet, item: Requirement | Node, criterion: str | None = None
) -> Json:
    """Return everything about one id: the requirement, its criteria, who verifies it, links.

    `criterion` is the one that was asked for, when it was one.
    """
    body = requirement_json(item) if isinstance(item, Requirement) else node_json(item)
    keys = body.get("verification_elements", [])
    cases = {t for e in keys for t in verification_elements()[e].test_cases}
    children = [r.id for r in found.requirements.values() if item.id in r.parents]
    return {
        "schema": REQUIREMENTS_SCHEMA,
        "kind": "requirement" if isinstance(item, Requirement) else "node",
        "criterion": criterion,
        "requirement": body,
        "children": children,
        "verification_elements": [_element(e) for e in keys],
        "test_cases": [_case(t) for t in sorted(cases)],
    }


def _element(key: str) -> Json:
    e = verification_elements()[key]
    return {
        "id": e.id,
        "code": e.code,
        "title": e.title,
        "status": e.status,
        "priority": e.priority,
        "test_cases": list(e.test_cases),
        "results": list(e.results),
    }


def _case(key: str) -> Json:
    t = test_cases()[key]
    return {
        "id": t.id,
        "name": t.name,
        "status": t.status,
        "type": t.verification_type,
        "last_result": t.last_result,
        "last_run": t.last_run,
    }


def findings_json(findings: Iterable[Finding]) -> Json:
    """Return the document of `assay requirements lint --format json`."""
    rows = [
        {
            "code": f.code,
            "name": f.name,
            "severity": f.severity,
            "subject": f.subject,
            "message": f.message,
            "hint": f.hint,
        }
        for f in findings
    ]
    return {"schema": FINDINGS_SCHEMA, "findings": rows, "counts": counts(findings)}


def counts(findings: Iterable[Finding]) -> Mapping[str, int]:
    """Return how many findings there are of each severity."""
    found = list(findings)
    words = ("fail", "warn", "unknown", "open")
    return {word: sum(f.severity == word for f in found) for word in words}


def traces_json(traces: Iterable[Trace]) -> Json:
    """Return the document of `assay requirements trace --format json`."""
    return {
        "schema": TRACE_SCHEMA,
        "traces": [
            {
                "id": t.id,
                "title": t.title,
                "missing": list(t.missing),
                "steps": [
                    {
                        "step": s.step,
                        "missing": s.missing or None,
                        "items": [
                            {"id": i.id, "title": i.title, "state": i.state} for i in s.items
                        ],
                    }
                    for s in t.steps
                ],
            }
            for t in traces
        ],
    }
