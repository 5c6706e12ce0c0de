"""View model of the overview: what could not be measured, groups, requirements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from skyassay.dashboards.collect import OverviewData
from skyassay.dashboards.compute.banner import Banner, banner
from skyassay.dashboards.compute.standing import (
    Margin,
    RequirementStanding,
    counts_for_status,
    decisive,
    shown_recipe,
    smallest,
    stand,
)
from skyassay.dashboards.status import SHOWN, Standing, rank, standing, worst
from skyassay.verify.records import Finding, Verdict


@dataclass(frozen=True)
class GroupRow:
    """One group of requirements.

    Attributes
    ----------
    counts : mapping
        Standing -> number of requirements.
    oldest : str
        Time of the oldest evidence, ISO 8601; empty when there is none.
    """

    name: str
    worst: Standing
    judged: int
    total: int
    counts: Mapping[Standing, int]
    margin: Margin
    oldest: str


@dataclass(frozen=True)
class UnmeasuredRow:
    """Something that was to be measured and could not be: the reason and what helps."""

    requirement: str
    title: str
    criteria: tuple[str, ...]
    reason: str
    hints: tuple[str, ...]


@dataclass(frozen=True)
class OverviewView:
    """Everything the overview shows.

    Attributes
    ----------
    judged, silent : tuple of GroupRow
        Groups with evidence in this run, worst first, and groups without any.
    unmeasured : tuple of UnmeasuredRow
        At the binding level.
    requirements : tuple of RequirementStanding
        Worst first.
    """

    banner: Banner
    counts: Mapping[Standing, int]
    unmeasured: tuple[UnmeasuredRow, ...]
    judged: tuple[GroupRow, ...]
    silent: tuple[GroupRow, ...]
    requirements: tuple[RequirementStanding, ...]
    findings: tuple[Finding, ...]
    runs: tuple[tuple[str, str], ...]


def overview(data: OverviewData, now: datetime) -> OverviewView:
    """Return the view model of the overview; `now` is an aware UTC time."""
    verdicts = decisive(data.verdicts, shown_recipe(data.verdicts))
    rows = _standings(data, verdicts)
    groups = _groups(rows, data.run.created)
    counted = Counter(row.standing for row in rows)
    return OverviewView(
        banner=banner(data.run, now),
        counts={status: counted.get(status, 0) for status in SHOWN},
        unmeasured=_unmeasured(verdicts, {row.id: row.title for row in rows}),
        judged=tuple(g for g in groups if g.oldest),
        silent=tuple(g for g in groups if not g.oldest),
        requirements=rows,
        findings=data.findings,
        runs=tuple((run.id, run.created) for run in data.runs),
    )


def _standings(data: OverviewData, verdicts: Sequence[Verdict]) -> tuple[RequirementStanding, ...]:
    """Return every requirement of the map, and every one that only the store knows."""
    by_requirement: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_requirement.setdefault(verdict.requirement, []).append(verdict)
    known = data.requirements.requirements
    names = [*known, *(name for name in by_requirement if name not in known)]
    rows = [stand(name, known.get(name), by_requirement.get(name, [])) for name in names]
    return tuple(sorted(rows, key=_worst_first))


def _worst_first(row: RequirementStanding) -> tuple[bool, int, float, str]:
    """Sort what was judged before what was not, the worst and tightest first."""
    percent = row.margin.percent
    tight = float("inf") if percent is None else percent
    return row.among_judged is None, rank(row.standing), tight, row.id


def _groups(rows: Sequence[RequirementStanding], created: str) -> tuple[GroupRow, ...]:
    """Return the groups, worst first."""
    members: dict[str, list[RequirementStanding]] = {}
    for row in rows:
        members.setdefault(row.group, []).append(row)
    groups = [_group(name, found, created) for name, found in members.items()]
    return tuple(sorted(groups, key=lambda g: (rank(g.worst), g.name)))


def _group(name: str, rows: Sequence[RequirementStanding], created: str) -> GroupRow:
    """Return one group. What was judged speaks first, but a part cannot pass for the whole."""
    judged = [row for row in rows if row.judged]
    counts = Counter(row.standing for row in rows)
    found = worst(row.among_judged for row in judged if row.among_judged is not None)
    if found == "PASS" and counts["NOT_ATTEMPTED"]:
        found = "NOT_ATTEMPTED"
    return GroupRow(
        name=name,
        worst=found,
        judged=len(judged),
        total=len(rows),
        counts={status: counts.get(status, 0) for status in SHOWN},
        margin=smallest(row.margin for row in rows),
        oldest=created if judged else "",
    )


def _unmeasured(
    verdicts: Sequence[Verdict], titles: Mapping[str, str]
) -> tuple[UnmeasuredRow, ...]:
    """Return what the run tried and could not measure, a row for each requirement and reason."""
    found: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        if counts_for_status(verdict) and standing(verdict) == "NOT_MEASURED":
            key = (verdict.requirement, verdict.reason or "no reason given")
            found.setdefault(key, []).append(verdict)
    return tuple(
        UnmeasuredRow(
            requirement=requirement,
            title=titles.get(requirement, ""),
            criteria=tuple(_criterion(v) for v in mine),
            reason=reason,
            hints=tuple(dict.fromkeys(v.hint for v in mine if v.hint)),
        )
        for (requirement, reason), mine in sorted(found.items())
    )


def _criterion(verdict: Verdict) -> str:
    """Return the criterion's own name, with its band."""
    name = verdict.criterion.removeprefix(f"{verdict.requirement}/")
    return f"{name} ({verdict.band})" if verdict.band else name
