"""From checked documents to frozen requirements: ids, defaults, bindings, fingerprints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from skyassay.requirements_map.bindings import RawCriterion, resolve
from skyassay.requirements_map.errors import RequirementsError
from skyassay.requirements_map.fingerprints import (
    CRITERION_FIELDS,
    REQUIREMENT_FIELDS,
    fingerprint,
)
from skyassay.requirements_map.levels import check_levels
from skyassay.requirements_map.model import Criterion, Document, Node, Requirement, RequirementSet
from skyassay.requirements_map.units import check_unit

Raw = Mapping[str, Any]


def build(
    documents: Iterable[tuple[str, bool, Raw]],
    nodes: Iterable[Node] = (),
    elements: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> RequirementSet:
    """Return the set of requirements that checked documents hold together.

    Parameters
    ----------
    documents : iterable of (origin, packaged, content)
        `origin` says where a document came from; `content` obeys the schema.
    nodes : iterable of Node
        Ids whose text is not at hand.
    elements : mapping
        Requirement id -> ids of its verification elements.

    Raises
    ------
    RequirementsError
        Codes ``duplicate_requirement``, ``duplicate_criterion``, ``duplicate_document``,
        ``unknown_level``, ``limit_type``, ``levels_not_monotone``, ``unknown_unit``,
        ``unknown_criterion``, ``unknown_parent``, ``binding_level_missing``.
    """
    parts = [(o, _document(raw["document"], packaged), raw) for o, packaged, raw in documents]
    by_document = _unique([(d.id, o, d) for o, d, _ in parts], "document")
    index = _index(parts)
    requirements = _unique(
        [
            (r["id"], origin, _requirement(r, document, index, elements))
            for origin, document, raw in parts
            for r in raw["requirements"]
        ],
        "requirement",
    )
    known = {n.id: n for n in (*nodes, *_nodes(parts)) if n.id not in requirements}
    result = RequirementSet(
        documents=MappingProxyType(by_document),
        requirements=MappingProxyType(requirements),
        criteria=MappingProxyType({c.id: c for r in requirements.values() for c in r.criteria}),
        nodes=MappingProxyType(known),
    )
    _check_links(result)
    return result


def _unique(items: Iterable[tuple[str, str, Any]], what: str) -> dict[str, Any]:
    """Return the items by id; an id that comes twice is an error that says from where."""
    found: dict[str, tuple[str, Any]] = {}
    for key, origin, item in items:
        if key in found:
            first = found[key][0]
            cause = (
                "It is written twice in that file."
                if first == origin
                else "Is a plug-in installed twice, or does it repeat one of the packaged ids?"
            )
            raise RequirementsError(
                f"The {what} {key} comes from {first} and from {origin}.",
                code=f"duplicate_{what}",
                hint=cause,
                exit_code=4,
            )
        found[key] = (origin, item)
    return {key: item for key, (_, item) in found.items()}


def _document(raw: Raw, packaged: bool) -> Document:
    if raw["binding_level"] not in raw["levels"]:
        raise RequirementsError(
            f"{raw['id']} binds at level {raw['binding_level']!r}, which is not one of its levels.",
            code="unknown_level",
            exit_code=4,
        )
    return Document(**{**raw, "levels": tuple(raw["levels"])}, packaged=packaged)


def _nodes(parts: Iterable[tuple[str, Document, Raw]]) -> list[Node]:
    return [Node(**n) for _, _, raw in parts for n in raw.get("nodes", ())]


def _index(parts: Iterable[tuple[str, Document, Raw]]) -> dict[str, RawCriterion]:
    """Return every criterion's levels and unit, checked: what a binding can refer to."""
    items = []
    for origin, document, raw in parts:
        for requirement in raw["requirements"]:
            for c in requirement["criteria"]:
                key = f"{requirement['id']}/{c['name']}"
                if c.get("kind") != "capability":
                    check_levels(key, c["op"], c["levels"], document.levels)
                    check_unit(key, c["unit"])
                items.append(
                    (key, origin, RawCriterion(key, c.get("levels", {}), c.get("unit", "")))
                )
    return _unique(items, "criterion")


def _requirement(
    raw: Raw, document: Document, index: Mapping[str, RawCriterion], elements: Mapping[str, Any]
) -> Requirement:
    criteria = tuple(_criterion(c, raw["id"], document, index) for c in raw["criteria"])
    fields = {
        "id": raw["id"],
        "document": document.id,
        "title": raw["title"],
        "text": " ".join(raw["text"].split()),
        "section": raw["section"],
        "priority": raw.get("priority", ""),
        "method": raw["method"],
        "status": raw.get("status", "active"),
        "owner": raw["owner"],
        "group": raw["group"],
        "scope": raw.get("scope", "products"),
        "named": raw.get("named", True),
        "parents": tuple(raw.get("parents", ())),
        "verification_elements": tuple(elements.get(raw["id"], ())),
        "secondhand": raw.get("secondhand", document.secondhand),
        "changes": tuple(raw.get("changes", ())),
        "note": raw.get("note", ""),
    }
    normative = {k: fields[k] for k in REQUIREMENT_FIELDS}
    normative["criteria"] = [c.fingerprint for c in criteria]
    return Requirement(**fields, criteria=criteria, fingerprint=fingerprint(normative))


def _criterion(
    raw: Raw, requirement: str, document: Document, index: Mapping[str, RawCriterion]
) -> Criterion:
    capability = raw.get("kind") == "capability"
    key = f"{requirement}/{raw['name']}"
    levels = {document.binding_level: None} if capability else _numbers(raw["levels"])
    at, binds = resolve(key, raw.get("at", {}), tuple(levels), index)
    fields = {
        "id": key,
        "requirement": requirement,
        "name": raw["name"],
        "kind": raw.get("kind", "value"),
        "role": raw.get("role", "limit"),
        "text": " ".join(raw["text"].split()),
        "metric": raw.get("metric"),
        "component": raw.get("component"),
        "bands": tuple(raw.get("bands", ())),
        "op": raw.get("op", "=="),
        "levels": MappingProxyType(levels),
        "unit": raw.get("unit", ""),
        "at": at,
        "binds": binds,
        "abs": raw.get("abs", False),
        "joint": tuple(raw.get("joint", ())),
        "binding_level": document.binding_level,
        "population": raw.get("population", "process"),
        "reading": raw.get("reading", ""),
        "related": tuple(raw.get("related", ())),
        "differs_from": tuple(raw.get("differs_from", ())),
        "verification_elements": tuple(raw.get("verification_elements", ())),
        "source": raw.get("source", ""),
        "source_unit": raw.get("source_unit", raw.get("unit", "")),
        "source_row": raw.get("source_row", key),
        "note": raw.get("note", ""),
    }
    return Criterion(**fields, fingerprint=fingerprint({k: fields[k] for k in CRITERION_FIELDS}))


def _numbers(levels: Mapping[str, Any]) -> dict[str, float | str | None]:
    return {k: v if isinstance(v, str) else float(v) for k, v in levels.items()}


def _check_links(found: RequirementSet) -> None:
    """Refuse a link to an id that nobody has."""
    for requirement in found.requirements.values():
        for parent in requirement.parents:
            if parent not in found.requirements and parent not in found.nodes:
                raise RequirementsError(
                    f"{requirement.id} names the parent {parent}, which is not known.",
                    code="unknown_parent",
                    hint="List upstream ids whose text is not at hand under `nodes:`.",
                    exit_code=4,
                )
    for criterion in found.criteria.values():
        for other in (*criterion.joint, *criterion.related, *criterion.differs_from):
            if other not in found.criteria:
                raise RequirementsError(
                    f"{criterion.id} refers to {other}, which is not known.",
                    code="unknown_criterion",
                    exit_code=4,
                )
