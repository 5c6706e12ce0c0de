"""Rubin's verification elements and test cases (LDM-692, LDM-639), as data."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from skyassay.requirements_map.model import Node


@dataclass(frozen=True)
class VerificationElement:
    """One row of the verification control document LDM-692 (2025-12-18)."""

    id: str
    requirement: str
    code: str
    title: str
    title_source: str
    status: str
    priority: str
    requirement_priority: str
    document: str
    test_cases: tuple[str, ...]
    results: tuple[str, ...]
    verified_in: tuple[str, ...]


@dataclass(frozen=True)
class TestCase:
    """One test case of LDM-639 (2022-09-20) or of LDM-692."""

    __test__ = False  # not a pytest class

    id: str
    name: str
    status: str
    requirements: tuple[str, ...]
    verification_elements: tuple[str, ...]
    verification_type: str
    in_ldm639: bool
    reusable: str
    specification: str
    last_result: str
    last_run: str
    source: str


@cache
def verification_elements() -> Mapping[str, VerificationElement]:
    """Return the verification elements by id (``LVV-...``)."""
    return MappingProxyType(
        {
            r["verification_element"]: VerificationElement(
                id=r["verification_element"],
                requirement=r["req_id"],
                code=r["element_code"],
                title=r["element_title"],
                title_source=r["title_source"],
                status=r["element_status"],
                priority=r["element_priority"],
                requirement_priority=r["req_priority"],
                document=r["document"],
                test_cases=_split(r["test_cases"]),
                results=_split(r["test_results"]),
                verified_in=_split(r["verified_in"]),
            )
            for r in rows("verification_elements.csv")
        }
    )


@cache
def test_cases() -> Mapping[str, TestCase]:
    """Return the test cases by id (``LVV-T...``)."""
    return MappingProxyType(
        {
            r["test_case"]: TestCase(
                id=r["test_case"],
                name=r["name"],
                status=r["status"],
                requirements=_split(r["req_ids"]),
                verification_elements=_split(r["verification_elements"]),
                verification_type=r["verification_type"],
                in_ldm639=r["in_ldm639"] == "yes",
                reusable=r["reusable"],
                specification=r["vcd_test_spec"],
                last_result=r["last_result"],
                last_run=r["last_run"],
                source=r["req_source"],
            )
            for r in rows("test_cases.csv")
        }
    )


@cache
def elements_of() -> Mapping[str, tuple[str, ...]]:
    """Return requirement id -> ids of its verification elements."""
    found: dict[str, tuple[str, ...]] = {}
    for element in verification_elements().values():
        found[element.requirement] = (*found.get(element.requirement, ()), element.id)
    return MappingProxyType(found)


def foreign_nodes() -> tuple[Node, ...]:
    """Return the requirements that the verification elements name, as nodes."""
    documents = {e.requirement: e.document for e in verification_elements().values()}
    return tuple(Node(id=key, document=document) for key, document in documents.items())


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a packaged CSV file."""
    text = files("skyassay.requirements_map").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(";") if part)
