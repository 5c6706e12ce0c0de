"""What a requirement is: documents, requirements, criteria, and the nodes around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from skyassay.requirements_map.errors import RequirementsError

Method = Literal["test", "analysis", "inspection", "demonstration"]
RequirementStatus = Literal["active", "descoped"]
Scope = Literal["products", "system"]
Kind = Literal["capability", "value"]
Role = Literal["limit", "condition", "threshold", "reference", "illustration"]
Op = Literal["<=", "<", ">=", ">", "==", "includes"]
Population = Literal["dataset", "process"]
Limit = float | str | None
#: parameter -> band (or ``"*"``: every band) -> level -> (value, unit)
Bindings = Mapping[str, Mapping[str, Mapping[str, tuple[float, str]]]]

#: Levels of strictness, strictest first. A document uses these, or the single level ``given``.
STRICTNESS: tuple[str, ...] = ("stretch", "design", "minimum")
ANY_BAND = "*"


@dataclass(frozen=True)
class Document:
    """A source document: which revision was read, and how its levels are named."""

    id: str
    title: str
    revision: str
    url: str
    levels: tuple[str, ...]
    binding_level: str
    secondhand: bool = False
    note: str = ""
    packaged: bool = True


@dataclass(frozen=True)
class Node:
    """An id that other documents name and whose text is not at hand."""

    id: str
    document: str
    name: str = ""
    note: str = ""


@dataclass(frozen=True)
class Criterion:
    """One thing that must hold: a limit on a number, or a capability.

    Attributes
    ----------
    id : str
        ``<requirement>/<name>``.
    kind : str
        ``capability`` (it can be done at all) or ``value`` (a number is inside a limit).
    role : str
        Only a ``limit`` is judged; the others are conditions under which limits hold,
        thresholds that other limits name, reference values and illustrations.
    metric : str or None
        The metric that measures it; None: nothing verifies this yet.
    bands : tuple of str
        Bands it holds for; empty where it holds for all or a band has no meaning.
    op, levels, unit
        ``value op limit``; `levels` maps a level to its limit in `unit`.
        A capability has its binding level with limit None.
    at : mapping
        Bound parameters, resolved: parameter -> band or ``"*"`` -> level -> (value, unit).
        Read it with `bound`.
    binds : mapping
        The same bindings as written: parameter -> band or ``"*"`` -> criterion id
        (empty where the document states the number itself).
    abs : bool
        Both ends of the interval must be inside plus-minus the limit.
    joint : tuple of str
        Criteria that must hold at the same cut.
    population : str
        ``dataset`` (a census: everything was counted) or ``process`` (what the system will do).
    reading : str
        How the text is read where it can be read in several ways.
    related, differs_from : tuple of str
        Criteria of other documents for the same parameter, that agree or do not.
    verification_elements : tuple of str
        Those of the requirement's verification elements that are about this criterion alone.
    source : str
        Where in the document.
    source_unit : str
        The unit as the source prints it.
    source_row : str
        The row of the fact tables (`facts.py`) that it must agree with.
    """

    id: str
    requirement: str
    name: str
    kind: Kind
    role: Role
    text: str
    metric: str | None
    component: str | None
    bands: tuple[str, ...]
    op: Op
    levels: Mapping[str, Limit]
    unit: str
    at: Bindings
    binds: Mapping[str, Mapping[str, str]]
    abs: bool
    joint: tuple[str, ...]
    binding_level: str
    population: Population
    reading: str
    related: tuple[str, ...]
    differs_from: tuple[str, ...]
    verification_elements: tuple[str, ...]
    source: str
    source_unit: str
    source_row: str
    note: str
    fingerprint: str

    @property
    def verified(self) -> bool:
        """Whether a metric is named for it."""
        return self.metric is not None

    def bound(self, parameter: str, band: str | None, level: str) -> tuple[float, str]:
        """Return the value and unit of a bound parameter at one level, in one band.

        Parameters
        ----------
        parameter : str
            For instance ``PA2`` of PF1.
        band : str or None
            None where a band has no meaning.
        level : str
            ``design``, ``minimum``, ``stretch`` or ``given``.

        Raises
        ------
        RequirementsError
            Code ``not_bound`` when nothing is bound there.
        """
        by_band = self.at.get(parameter, {})
        by_level = by_band.get(band or ANY_BAND, by_band.get(ANY_BAND, {}))
        if level not in by_level:
            raise RequirementsError(
                f"{self.id} binds no {parameter} at level {level} in band {band or 'any'}.",
                code="not_bound",
                hint="Bound: "
                + (", ".join(f"{p} ({'/'.join(b)})" for p, b in self.at.items()) or "nothing"),
            )
        return by_level[level]


@dataclass(frozen=True)
class Requirement:
    """One requirement of a source document, in our own words.

    Attributes
    ----------
    text : str
        What it asks for, in our own words.
    method : str
        ``test``, ``analysis``, ``inspection`` or ``demonstration``.
    status : str
        ``descoped`` requirements are kept, and never judged.
    scope : str
        ``products``: data products can show it; ``system``: hardware, operations or services.
    named : bool
        Whether the name is the source's own (an inline sentence has none: the name is ours).
    parents : tuple of str
        Upstream ids, requirements or nodes.
    verification_elements : tuple of str
        Ids (``LVV-...``) of Rubin's verification control document.
    secondhand : bool
        Known from a secondary source only; check against the document before use.
    fingerprint : str
        SHA-256 of the normative fields; evidence stores it, another one makes it suspect.
    """

    id: str
    document: str
    title: str
    text: str
    section: str
    priority: str
    method: Method
    status: RequirementStatus
    owner: str
    group: str
    scope: Scope
    named: bool
    parents: tuple[str, ...]
    criteria: tuple[Criterion, ...]
    verification_elements: tuple[str, ...]
    secondhand: bool
    changes: tuple[str, ...]
    note: str
    fingerprint: str


@dataclass(frozen=True)
class RequirementSet:
    """Every requirement that is known, with the ids around them."""

    documents: Mapping[str, Document]
    requirements: Mapping[str, Requirement]
    criteria: Mapping[str, Criterion]
    nodes: Mapping[str, Node] = field(default_factory=dict)

    def requirement_of(self, criterion: Criterion) -> Requirement:
        """Return the requirement a criterion belongs to."""
        return self.requirements[criterion.requirement]

    def measured_by(self, metric: str) -> tuple[Criterion, ...]:
        """Return the criteria that name a metric."""
        return tuple(c for c in self.criteria.values() if c.metric == metric)
