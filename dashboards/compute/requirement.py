"""View model of one requirement: criteria, bands, reasons, provenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from skyassay.dashboards.collect import Missing, RequirementData
from skyassay.dashboards.compute.bands import BandRow, band_rows
from skyassay.dashboards.compute.banner import Banner, banner
from skyassay.dashboards.compute.criteria import CriterionRow, criterion_row, level_rank
from skyassay.dashboards.compute.provenance import Provenance, provenance
from skyassay.dashboards.compute.standing import (
    RequirementStanding,
    counts_for_status,
    decisive,
    shown_recipe,
    stand,
    worst_verdict,
)
from skyassay.dashboards.query import Query, known
from skyassay.dashboards.status import Standing, standing
from skyassay.requirements_map import Requirement
from skyassay.verify.records import Finding, Verdict


@dataclass(frozen=True)
class Origin:
    """Where a requirement comes from."""

    document: str
    title: str
    revision: str
    section: str
    url: str
    secondhand: bool


@dataclass(frozen=True)
class ReasonRow:
    """Why something does not pass, at which levels, and what would help."""

    criterion: str
    levels: str
    band: str
    status: Standing
    reason: str
    hint: str


@dataclass(frozen=True)
class RequirementView:
    """Everything the requirement page shows, except history and distribution.

    Attributes
    ----------
    binding : Verdict or None
        The binding verdict of the chosen criterion: what the plots are about.
    limits : tuple of (str, float)
        Level and limit, where the shown values can be held against it.
    bands, band
        Its parts, and the one whose distribution is shown.
    compared : tuple of Verdict
        The same criterion by every recipe, when there are several.
    """

    id: str
    title: str
    text: str
    origin: Origin | None
    facts: tuple[tuple[str, str], ...]
    standing: RequirementStanding
    banner: Banner
    criteria: tuple[CriterionRow, ...]
    binding: Verdict | None
    limits: tuple[tuple[str, float], ...]
    bands: tuple[BandRow, ...]
    band: BandRow | None
    compared: tuple[Verdict, ...]
    reasons: tuple[ReasonRow, ...]
    findings: tuple[Finding, ...]
    provenance: Provenance
    runs: tuple[tuple[str, str], ...]


def requirement(data: RequirementData, query: Query, now: datetime) -> RequirementView | Missing:
    """Return the view model of one requirement.

    Parameters
    ----------
    data : RequirementData
        As collected.
    query : Query
        The criterion and band asked for; a name that does not exist gives `Missing`.
    now : datetime
        Aware UTC time.
    """
    verdicts = decisive(data.verdicts, shown_recipe(data.verdicts))
    names = _criterion_names(data, verdicts)
    if query.criterion is not None and known(query.criterion, names) is None:
        return Missing("criterion", query.criterion, "This requirement has no such criterion.")
    chosen = query.criterion or _first_choice(names, verdicts)
    binding = worst_verdict(v for v in verdicts if v.criterion == chosen and v.binding)
    bands = band_rows(binding, data.measurements)
    row = _chosen_band(bands, query.band)
    if query.band is not None and row is None:
        return Missing("band", query.band, "This criterion has no verdict in that band.")
    entry = data.requirement
    return RequirementView(
        id=data.id,
        title=entry.title if entry else "(not in the requirement map)",
        text=entry.text if entry else _UNMAPPED_TEXT,
        origin=_origin(data),
        facts=_facts(entry) if entry else (),
        standing=stand(data.id, entry, verdicts),
        banner=banner(data.run, now),
        criteria=tuple(criterion_row(data, name, verdicts, name == chosen) for name in names),
        binding=binding,
        limits=_limits(verdicts, binding),
        bands=bands,
        band=row,
        compared=_compared(data.compared, binding, row),
        reasons=_reasons(verdicts),
        findings=data.findings,
        provenance=provenance(data.run, binding, row),
        runs=tuple((run.id, run.created) for run in data.runs),
    )


_UNMAPPED_TEXT = (
    "The store holds verdicts about this id, but the requirement map has no such requirement: "
    "it was removed, or the package that brings it is not installed."
)


def _criterion_names(data: RequirementData, verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """Return criterion ids: those of the map first, then those only the store knows."""
    mapped = tuple(c.id for c in data.requirement.criteria) if data.requirement else ()
    extra = {v.criterion for v in verdicts} - set(mapped)
    return mapped + tuple(sorted(extra))


def _first_choice(names: Sequence[str], verdicts: Sequence[Verdict]) -> str | None:
    """Return the criterion a reader wants first: the worst that has a value, if any has."""
    binding = [v for v in verdicts if counts_for_status(v)]
    valued = [v for v in binding if any(p.value is not None for p in (v, *v.parts))]
    found = worst_verdict(valued) or worst_verdict(binding)
    return found.criterion if found else (names[0] if names else None)


def _chosen_band(bands: Sequence[BandRow], asked: str | None) -> BandRow | None:
    """Return the row of a band; without a name the one that decides, if it has a value."""
    mine = [row for row in bands if asked is None or row.verdict.band == asked]
    decider = [row for row in mine if row.decides]
    valued = [row for row in mine if row.verdict.value is not None]
    if decider and decider[0].verdict.value is not None:
        return decider[0]
    return next(iter([*valued, *decider, *mine]), None)


def _limits(verdicts: Sequence[Verdict], binding: Verdict | None) -> tuple[tuple[str, float], ...]:
    """Return (level, limit) of the levels that the shown values can be held against.

    A level whose parameters are bound elsewhere (PF1 at another PA2) has values of its own.
    """
    if binding is None:
        return ()
    same = [v for v in verdicts if v.criterion == binding.criterion]
    comparable = [v for v in same if dict(v.at) == dict(binding.at) or v.level == binding.level]
    found = [(v.level, float(v.limit)) for v in comparable if isinstance(v.limit, int | float)]
    return tuple(sorted(found, key=lambda pair: level_rank(pair[0])))


def _compared(
    verdicts: Sequence[Verdict], binding: Verdict | None, row: BandRow | None
) -> tuple[Verdict, ...]:
    """Return what every recipe says about the chosen criterion in the band that is shown.

    Empty when there is only one recipe.
    """
    if binding is None or row is None:
        return ()
    found: dict[str, Verdict] = {}
    for v in verdicts:
        if v.criterion != binding.criterion or v.level != binding.level or not v.recipe:
            continue
        part = _chosen_band(band_rows(v, ()), row.verdict.band)
        found[v.recipe] = part.verdict if part else v
    ordered = sorted(found.values(), key=lambda v: (v.recipe != binding.recipe, v.recipe or ""))
    return tuple(ordered) if len(ordered) > 1 else ()


def _reasons(verdicts: Sequence[Verdict]) -> tuple[ReasonRow, ...]:
    """Return the reason and hint of everything that does not pass, binding levels first.

    Band by band: the band that decides is not the only one that needs work.
    """
    found: dict[tuple[str, str, Standing, str, str], dict[str, None]] = {}
    for verdict in sorted(verdicts, key=lambda v: (not v.binding, level_rank(v.level))):
        for v in (verdict, *verdict.parts):
            if v.status == "PASS" or (v.reason or "").startswith("role_"):
                continue
            criterion = v.criterion.removeprefix(f"{verdict.requirement}/")
            key = (criterion, v.band or "", standing(v), v.reason or "", v.hint or "")
            found.setdefault(key, {})[v.level] = None
    return tuple(
        ReasonRow(criterion, ", ".join(at), band, status, reason, hint)
        for (criterion, band, status, reason, hint), at in found.items()
    )


def _origin(data: RequirementData) -> Origin | None:
    """Return where the requirement comes from."""
    if data.requirement is None:
        return None
    document = data.documents.get(data.requirement.document)
    return Origin(
        document=data.requirement.document,
        title=document.title if document else "",
        revision=document.revision if document else "",
        section=data.requirement.section,
        url=document.url if document else "",
        secondhand=data.requirement.secondhand,
    )


def _facts(entry: Requirement) -> tuple[tuple[str, str], ...]:
    """Return the short facts about a requirement, in reading order; empty ones left out."""
    facts = (
        ("Group", entry.group),
        ("Method", entry.method),
        ("Priority", entry.priority),
        ("Owner", entry.owner),
        ("Parents", ", ".join(entry.parents)),
        ("Verification elements", ", ".join(entry.verification_elements)),
        ("Note", entry.note),
    )
    return tuple((name, str(value)) for name, value in facts if value)
