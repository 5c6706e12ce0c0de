"""How a requirement stands in one run: its deciding criteria, summed up worst first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from skyassay.dashboards.status import Standing, look, rank, standing, worst
from skyassay.requirements_map import Requirement
from skyassay.verify.records import Verdict

#: Only these decide; conditions, thresholds and illustrations explain.
DECIDING_ROLE: Final = "limit"
DEFAULT_RECIPE: Final = "srd"
#: Standings that say nothing about the data.
SILENT: Final = frozenset({"NOT_ATTEMPTED", "NOT_APPLICABLE"})
#: Group of verdicts about ids that the requirement map does not hold.
UNMAPPED: Final = "not in the requirement map"


@dataclass(frozen=True)
class Margin:
    """The smallest distance to a limit; negative is beyond it.

    Attributes
    ----------
    percent, sigma : float or None
        In percent of the limit and in standard errors; None where no verdict has one.
    requirement : str or None
        Whose it is (by percent first).
    """

    percent: float | None = None
    sigma: float | None = None
    requirement: str | None = None


@dataclass(frozen=True)
class RequirementStanding:
    """One requirement in one run.

    Attributes
    ----------
    standing : Standing
        At the binding level; criteria without any verdict count as not attempted.
    among_judged : Standing or None
        The worst of what the run judged; None when it judged nothing.
    levels : mapping
        Level -> standing, for the levels that have verdicts.
    judged, deciding : int
        Criteria that the run tried to judge, and criteria that must be judged.
    """

    id: str
    title: str
    group: str
    document: str
    standing: Standing
    among_judged: Standing | None
    levels: Mapping[str, Standing]
    margin: Margin
    judged: int
    deciding: int
    detail: str
    reason: str | None
    waiver: str | None

    @property
    def word(self) -> str:
        """The standing in words; what was attempted in part says so."""
        if self.standing == "NOT_ATTEMPTED" and self.among_judged is not None:
            return "Partly attempted"
        return look(self.standing).word


def shown_recipe(verdicts: Iterable[Verdict]) -> str | None:
    """Return the recipe that decides in a run: the SRD's where it was run, else the first."""
    names = {v.recipe for v in verdicts if v.recipe}
    return min(names, key=lambda name: (name != DEFAULT_RECIPE, name), default=None)


def decisive(verdicts: Iterable[Verdict], recipe: str | None) -> tuple[Verdict, ...]:
    """Return one verdict for each criterion and level: under `recipe`, else under none.

    A run judged under several recipes has a verdict of each; and one without a recipe where
    a recipe has no such metric.
    """
    found: dict[tuple[str, str], Verdict] = {}
    for verdict in verdicts:
        key = (verdict.criterion, verdict.level)
        if verdict.recipe == recipe or (verdict.recipe is None and key not in found):
            found[key] = verdict
    return tuple(found.values())


def counts_for_status(verdict: Verdict) -> bool:
    """Return whether a verdict enters a requirement's status: a binding one, of a limit."""
    return verdict.binding and not (verdict.reason or "").startswith("role_")


def worst_verdict(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the worst verdict, of equal ones that with the smallest margin."""
    return min(verdicts, key=_badness, default=None)


def _badness(verdict: Verdict) -> tuple[int, float]:
    percent = _finite(verdict.margin_percent)
    return rank(standing(verdict)), math.inf if percent is None else percent


def margin_of(verdict: Verdict) -> Margin:
    """Return the margin of one verdict; what is not finite is absent."""
    percent, sigma = _finite(verdict.margin_percent), _finite(verdict.margin_sigma)
    return Margin(percent, sigma, verdict.requirement)


def smallest(margins: Iterable[Margin]) -> Margin:
    """Return the smallest margin, percent and sigma each for itself."""
    known = list(margins)
    percents = [(m.percent, m.requirement or "") for m in known if m.percent is not None]
    sigmas = [(m.sigma, m.requirement or "") for m in known if m.sigma is not None]
    percent = min(percents, default=None)
    sigma = min(sigmas, default=None)
    owner = percent or sigma
    return Margin(
        percent[0] if percent else None,
        sigma[0] if sigma else None,
        owner[1] if owner else None,
    )


def stand(
    id_: str, requirement: Requirement | None, verdicts: Sequence[Verdict]
) -> RequirementStanding:
    """Return how a requirement stands.

    Parameters
    ----------
    id_ : str
        Its id.
    requirement : Requirement or None
        From the map; None when only the store knows the id: it is shown all the same.
    verdicts : sequence of Verdict
        Its decisive verdicts of one run.
    """
    binding = [v for v in verdicts if counts_for_status(v)]
    judged = {v.criterion for v in binding if standing(v) not in SILENT}
    standings = [standing(v) for v in binding]
    tried = [s for s in standings if s not in SILENT]
    mapped = requirement.criteria if requirement else ()
    expected = {c.id for c in mapped if c.role == DECIDING_ROLE}
    silent = expected - {v.criterion for v in binding}
    standings += ["NOT_ATTEMPTED"] * len(silent)
    if requirement is not None and requirement.status == "descoped":
        standings = ["NOT_APPLICABLE"]
    return RequirementStanding(
        id=id_,
        title=requirement.title if requirement else "(not in the requirement map)",
        group=requirement.group if requirement else UNMAPPED,
        document=requirement.document if requirement else "",
        standing=worst(standings),
        among_judged=worst(tried) if tried else None,
        levels=levels(verdicts),
        margin=smallest(margin_of(v) for v in binding),
        judged=len(judged),
        deciding=len(expected | {v.criterion for v in binding}),
        detail=_detail(standings),
        reason=_reason(requirement, binding),
        waiver=next((v.waiver for v in binding if v.waiver), None),
    )


def levels(verdicts: Iterable[Verdict]) -> Mapping[str, Standing]:
    """Return level -> worst standing of the limits at that level."""
    by_level: dict[str, list[Standing]] = {}
    for verdict in verdicts:
        if not (verdict.reason or "").startswith("role_"):
            by_level.setdefault(verdict.level, []).append(standing(verdict))
    return {level: worst(found) for level, found in by_level.items()}


def _reason(requirement: Requirement | None, binding: Sequence[Verdict]) -> str | None:
    """Say why a requirement does not pass; None when it does."""
    if requirement is not None and requirement.status == "descoped":
        return "descoped"
    found = worst_verdict(v for v in binding if v.status != "PASS")
    if found is not None:
        return found.reason
    return None if binding else "not_in_this_run"


def _detail(standings: Sequence[Standing]) -> str:
    """Say in words what the standing is made of."""
    counts = Counter(standings)
    return ", ".join(f"{counts[s]} {look(s).word.lower()}" for s in sorted(counts, key=rank))


def _finite(value: float | None) -> float | None:
    """Return a finite number or None."""
    return value if value is not None and math.isfinite(value) else None
