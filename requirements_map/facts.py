"""T13: the YAML documents against the fact tables that they were written from.

The tables (`data/sources/*.csv`) hold names, numbers and units as the documents print them.
Whoever changes a limit in the YAML alone is told; whoever changes both means it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from skyassay.requirements_map.findings import Finding
from skyassay.requirements_map.model import Criterion, Requirement, RequirementSet
from skyassay.requirements_map.verification import rows

#: Units as the documents print them -> the string astropy reads.
PRINTED_UNITS: tuple[tuple[str, str], ...] = (
    ("integer", ""), ("float", ""), ("unitless", ""), ("unitless (angular correlation)", ""),
    ("count", ""), ("ratio", ""), ("ellipticity", ""), ("dimensionless", ""), ("SNR", ""),
    ("sigma", ""), ("version", ""), ("night", ""), ("night/day", "1 / d"),
    ("percent", "%"), ("hour", "h"), ("day", "d"), ("minute", "min"), ("second", "s"),
    ("year", "yr"), ("milliarcsecond", "mas"), ("arcsecond", "arcsec"),
    ("millimagnitude", "mmag"), ("mag (AB)", "mag(AB)"), ("megabit per second", "Mbit / s"),
    ("gigabyte", "Gbyte"), ("pixel", "pix"),
)  # fmt: skip
#: Words of the comparison column that are roles of ours, not operators.
ROLES = ("condition", "threshold", "reference", "illustration")
#: Where the secondary source states no requirement number.
UNNUMBERED = "LSE-30.ellipAccuracy"


@dataclass(frozen=True)
class Fact:
    """One number of a fact table: its key, limits by level, unit, comparison, bands."""

    key: str
    levels: Mapping[str, str]
    unit: str
    comparison: str
    bands: frozenset[str] | None = None


def source_mismatch(found: RequirementSet) -> Iterator[Finding]:
    """T13: every row is there, and agrees in limits, unit, comparison and bands."""
    claims: dict[str, list[Criterion]] = {}
    for criterion in found.criteria.values():
        if criterion.kind == "value" and _is_ours(found, criterion):
            claims.setdefault(criterion.source_row, []).append(criterion)
    for fact in facts():
        criteria = claims.pop(fact.key, [])
        if not criteria:
            yield _finding(fact.key, "The row of the fact table has no criterion.")
        for criterion in criteria:
            yield from _compare(criterion, fact)
        named = frozenset(b for c in criteria for b in c.bands)
        # "all" may be spelt out: then a band that is missing is missed.
        spelt = fact.bands == frozenset() and named == frozenset("ugrizy")
        if criteria and fact.bands is not None and named != fact.bands and not spelt:
            yield _finding(fact.key, f"The bands are {sorted(fact.bands)}, not {sorted(named)}.")
    for criteria in claims.values():
        for criterion in criteria:
            if criterion.role != "reference":
                yield _finding(criterion.id, "No row of the fact tables stands behind it.")
    yield from _rows_of_lse61(found)


def _compare(criterion: Criterion, fact: Fact) -> Iterator[Finding]:
    for level in sorted({*fact.levels, *criterion.levels}):
        printed, limit = fact.levels.get(level), criterion.levels.get(level)
        if not _same(printed, limit):
            yield _finding(
                criterion.id, f"At level {level} the source has {printed}, the criterion {limit}."
            )
    if criterion.source_unit != fact.unit:
        yield _finding(
            criterion.id, f"The source's unit is {fact.unit!r}, not {criterion.source_unit!r}."
        )
    if criterion.unit != dict(PRINTED_UNITS).get(fact.unit, fact.unit):
        yield _finding(criterion.id, f"{criterion.unit!r} is not the unit {fact.unit!r}.")
    ours = criterion.role if fact.comparison in ROLES else criterion.op
    if ours != fact.comparison or (criterion.role == "limit") == (fact.comparison in ROLES):
        yield _finding(criterion.id, f"The source compares with {fact.comparison!r}, not {ours!r}.")


def _same(printed: str | None, limit: object) -> bool:
    if printed is None or limit is None:
        return printed is limit
    return printed == limit if isinstance(limit, str) else float(printed) == limit


def _finding(subject: str, message: str) -> Finding:
    return Finding("T13", "fail", subject, message, "The tables are in data/sources.")


def _is_ours(found: RequirementSet, criterion: Criterion) -> bool:
    return found.documents[found.requirement_of(criterion).document].packaged


@cache
def facts() -> tuple[Fact, ...]:
    """Return every number of the three fact tables."""
    return (*_srd(), *_dmsr(), *_oss())


def _srd() -> Iterable[Fact]:
    for row in rows("sources/srd.csv"):
        levels = {k: row[k] for k in ("design", "minimum", "stretch") if row[k]}
        letters = row["bands"].removesuffix(" vs r").replace(",", "")
        bands = frozenset() if letters == "all" else frozenset(letters)
        yield Fact(f"LPM-17.{row['row_id']}", levels, row["unit"], row["comparison"], bands)


def _dmsr() -> Iterable[Fact]:
    for row in rows("sources/dmsr_parameters.csv"):
        key = f"{row['req_id']}/{row['parameter'].removeprefix('inline:')}"
        yield Fact(key, {"given": row["value"]}, row["unit"], row["comparison"])


def _oss() -> Iterable[Fact]:
    for row in rows("sources/oss_secondhand.csv"):
        if row["value"]:
            requirement = row["oss_req"] if row["oss_req"] != "not stated" else UNNUMBERED
            key = f"{requirement}/{row['parameter']}"
            yield Fact(key, {"given": row["value"]}, row["unit"], row["comparison"])


def _rows_of_lse61(found: RequirementSet) -> Iterator[Finding]:
    """Compare title, priority, section, parents and status of the 239 rows."""
    table = {row["req_id"]: row for row in rows("sources/dmsr.csv")}
    ours = {r.id: r for r in found.requirements.values() if r.document == "LSE-61"}
    for key in sorted({*table} ^ {*ours}):
        side = "the fact table" if key in table else "the YAML"
        yield _finding(key, f"The row is only in {side}.")
    for key in sorted({*table} & {*ours}):
        yield from _compare_row(ours[key], table[key])


def _compare_row(ours: Requirement, row: Mapping[str, str]) -> Iterator[Finding]:
    pairs = (
        ("title", ours.title, row["title"]),
        ("priority", ours.priority, row["priority"]),
        ("section", ours.section, row["section"]),
        ("parents", ";".join(ours.parents), row["upstream_ids"]),
        ("changes", ";".join(ours.changes), row["lcr"]),
        ("descoped", "yes" if ours.status == "descoped" else "no", row["descoped"]),
    )
    for name, mine, printed in pairs:
        if mine != printed:
            yield _finding(ours.id, f"Its {name} is {printed!r} in the source, here {mine!r}.")
