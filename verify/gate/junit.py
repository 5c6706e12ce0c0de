"""The gate's answer as JUnit XML: one test case per quantity and requirement."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from skyassay.verify.gate.model import Entry, GateReport
from skyassay.verify.gate.words import requirement_label
from skyassay.verify.report.digits import NOTHING, plain, with_interval

#: XML 1.0 has no way to write these, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(report: GateReport) -> str:
    """Return the XML text.

    ERROR is an ``error``; FAIL and INCONCLUSIVE are a ``failure`` of that type, for a reader
    that knows only two outcomes must not take "undecided" for a pass; REPORTED is ``skipped``.
    """
    root = ET.Element("testsuites", name="assay gate")
    for question in ("requirement", "regression"):
        entries = [entry for entry in report.entries if entry.question == question]
        cases = [(entry, name) for entry in entries for name in entry.requirements or ("",)]
        suite = ET.SubElement(
            root,
            "testsuite",
            name=f"assay.gate.{question}",
            tests=str(len(cases)),
            errors=str(_count(cases, "ERROR")),
            failures=str(_count(cases, "FAIL") + _count(cases, "INCONCLUSIVE")),
            skipped=str(_count(cases, "REPORTED")),
            time="0",
        )
        for entry, requirement in cases:
            suite.append(_case(entry, requirement))
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _count(cases: list[tuple[Entry, str]], status: str) -> int:
    """Return how many cases have a status."""
    return sum(entry.status == status for entry, _ in cases)


def _case(entry: Entry, requirement: str) -> ET.Element:
    """Return one test case with its properties and outcome."""
    name = entry.key.label if entry.question == "regression" else requirement_label(entry)
    if entry.question == "regression" and requirement:
        name = f"{name} for {requirement}"
    case = ET.Element(
        "testcase",
        classname=_text(f"assay.gate.{entry.question}.{entry.key.metric or 'none'}"),
        name=_text(name),
        time="0",
    )
    properties = ET.SubElement(case, "properties")
    for key, value in _properties(entry, requirement).items():
        ET.SubElement(properties, "property", name=key, value=_text(value))
    tag = {"ERROR": "error", "FAIL": "failure", "INCONCLUSIVE": "failure", "REPORTED": "skipped"}
    if entry.status in tag:
        outcome = ET.SubElement(case, tag[entry.status], message=_text(entry.message))
        if entry.status != "REPORTED":
            outcome.set("type", f"{entry.status}.{entry.code}")
    return case


def _properties(entry: Entry, requirement: str) -> dict[str, str]:
    """Return what a reader of the XML needs to understand the case."""
    limit = entry.limit if isinstance(entry.limit, str) else plain(entry.limit)
    return {
        "requirement": requirement,
        "level": entry.level,
        "metric": entry.key.metric,
        "recipe": entry.key.recipe,
        "band": entry.key.band,
        "unit": entry.unit,
        "base": with_interval(entry.base, entry.base_low, entry.base_high),
        "value": plain(entry.head, 10),
        "interval": f"[{plain(entry.head_low)}, {plain(entry.head_high)}]",
        "delta": plain(entry.margin) if entry.margin is not None else NOTHING,
        "change": plain(entry.change),
        "change_interval": f"[{plain(entry.lower)}, {plain(entry.upper)}]",
        "scale": entry.scale,
        "limit": f"{entry.op} {limit}".strip(),
        "n": str(entry.n),
        "n_pairs": str(entry.n_pairs),
        "seeds": " ".join(map(str, entry.seeds)),
        "method": entry.method,
        "code": entry.code,
    }


def _text(text: str) -> str:
    """Return the text without characters XML cannot hold, each shown as a replacement mark."""
    return _NOT_XML.sub("\ufffd", text)
