"""Read what a page needs from the evidence store and the requirement map; write nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from skyassay.dashboards.query import Query
from skyassay.requirements_map import Document, Requirement, RequirementSet
from skyassay.verify.errors import VerifyError
from skyassay.verify.records import Finding, Run, Verdict
from skyassay.verify.store import History, Store

if TYPE_CHECKING:
    import pandas as pd

#: Every recipe, also those that exist only to compare with.
ALL_RECIPES: Final = "all"


@dataclass(frozen=True)
class Source:
    """What the pages read: one store and one requirement map."""

    store: Store
    requirements: RequirementSet


@dataclass(frozen=True)
class Missing:
    """A link that names something nobody knows.

    Attributes
    ----------
    what : str
        ``requirement``, ``run``, ``criterion``, ``band``, ``visit``, ``alert``, ``link``,
        ``store`` or ``evidence``.
    asked : str
        The name as asked for; escape it before it is shown.
    hint : str
        What to do.
    """

    what: str
    asked: str
    hint: str


@dataclass(frozen=True)
class OverviewData:
    """Everything of one run, and the runs there are (newest first).

    Attributes
    ----------
    verdicts : tuple of Verdict
        Those of record: what recipes for comparison say is not among them.
    """

    run: Run
    runs: tuple[Run, ...]
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    requirements: RequirementSet


@dataclass(frozen=True)
class RequirementData:
    """One requirement in one run.

    Attributes
    ----------
    requirement : Requirement or None
        None when the store has verdicts about an id that the map no longer holds.
    verdicts, compared : tuple of Verdict
        Those of record, and those of every recipe side by side.
    measurements : tuple of Measurement
        Of the metrics that its criteria or verdicts name.
    """

    id: str
    requirement: Requirement | None
    run: Run
    runs: tuple[Run, ...]
    verdicts: tuple[Verdict, ...]
    compared: tuple[Verdict, ...]
    measurements: tuple[Any, ...]
    findings: tuple[Finding, ...] = ()
    documents: Mapping[str, Document] = field(default_factory=dict)


def overview(source: Source, query: Query) -> OverviewData | Missing:
    """Collect the overview of the run a query names, or of the newest."""
    found = chosen_run(source, query)
    if isinstance(found, Missing):
        return found
    run, runs = found
    return OverviewData(
        run=run,
        runs=runs,
        verdicts=tuple(source.store.verdicts(run.id)),
        findings=tuple(source.store.findings(run.id)),
        requirements=source.requirements,
    )


def requirement(source: Source, query: Query) -> RequirementData | Missing:
    """Collect one requirement in the run a query names, or in the newest."""
    found = chosen_run(source, query)
    if isinstance(found, Missing) and found.what != "evidence":
        return found
    asked = query.id
    if asked is None:
        return Missing("requirement", "", "Choose a requirement on the overview.")
    if isinstance(found, Missing):
        return found if asked in source.requirements.requirements else _no_requirement(asked)
    run, runs = found
    verdicts = tuple(v for v in source.store.verdicts(run.id) if v.requirement == asked)
    entry = source.requirements.requirements.get(asked)
    if entry is None and not verdicts:
        return _no_requirement(asked)
    everything = source.store.verdicts(run.id, ALL_RECIPES)
    metrics = {v.metric for v in verdicts if v.metric}
    metrics |= {c.metric for c in entry.criteria if c.metric} if entry else set()
    return RequirementData(
        id=asked,
        requirement=entry,
        run=run,
        runs=runs,
        verdicts=verdicts,
        compared=tuple(v for v in everything if v.requirement == asked),
        measurements=tuple(m for m in source.store.measurements(run.id) if m.metric in metrics),
        findings=tuple(f for f in source.store.findings(run.id) if f.metric in metrics),
        documents=source.requirements.documents,
    )


def history(source: Source, criterion: str, level: str) -> tuple[History, ...]:
    """Collect the verdicts of record on one criterion at one level, oldest run first."""
    return tuple(source.store.history(criterion, level))


def evidence(source: Source, run_id: str, verdict: Verdict) -> pd.DataFrame | VerifyError | None:
    """Collect the evidence table of one verdict; a damaged one comes back as its error."""
    if verdict.metric is None or verdict.recipe is None:
        return None
    try:
        return source.store.evidence(run_id, verdict.metric, verdict.band, verdict.recipe)
    except VerifyError as error:
        return error


def chosen_run(source: Source, query: Query) -> tuple[Run, tuple[Run, ...]] | Missing:
    """Return the run a query names, the newest without a name, and all runs newest first."""
    if query.broken:
        return Missing("link", ", ".join(query.broken), "Give every name once, as UTF-8 text.")
    runs = tuple(reversed(source.store.runs()))
    if not runs:
        return Missing(
            "evidence", "", "Measure something first: assay demo, or assay measure --table …"
        )
    if query.run is None:
        return runs[0], runs
    by_id = {run.id: run for run in runs}
    if query.run not in by_id:
        return Missing("run", query.run, "Choose a run on the overview.")
    return by_id[query.run], runs


def _no_requirement(asked: str) -> Missing:
    return Missing(
        "requirement", asked, "It is neither in the requirement map nor in this run's verdicts."
    )
