"""What a release report is about: one run, its verdicts, findings, evidence and history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skyassay.metrics.contract import Measurement
from skyassay.verify.errors import VerifyError
from skyassay.verify.records import STATUS_ORDER, Finding, Run, Verdict

if TYPE_CHECKING:
    import pandas as pd

    from skyassay.verify.store import History, Store

#: Reasons of NOT_MEASURED that mean that nobody tried: counted, not listed one by one.
NOBODY_TRIED: frozenset[str] = frozenset(
    {"nothing_verifies_yet", "no_metric", "record_due", "metric_not_run"}
)


@dataclass(frozen=True)
class ReleaseReport:
    """Everything a report shows, read from the store once.

    Attributes
    ----------
    verdicts : tuple of Verdict
        Of record, every level, in the order of the requirements.
    titles : mapping
        Requirement id -> title; ids the requirements at hand do not know are left out.
    history : mapping
        Criterion -> verdicts at its binding level over the runs, oldest first.
    evidence : mapping
        (metric, band) -> table of single values.
    """

    run: Run
    verdicts: tuple[Verdict, ...]
    measurements: tuple[Measurement, ...]
    findings: tuple[Finding, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    history: Mapping[str, Sequence[History]] = field(default_factory=dict)
    evidence: Mapping[tuple[str, str | None], pd.DataFrame] = field(default_factory=dict)

    def binding(self) -> list[Verdict]:
        """Return the verdicts at binding levels."""
        return [verdict for verdict in self.verdicts if verdict.binding]

    def attempted(self) -> list[Verdict]:
        """Return the binding verdicts somebody tried to reach, worst first."""
        tried = [v for v in self.binding() if is_attempted(v)]
        return sorted(tried, key=lambda v: STATUS_ORDER.index(v.status))

    def counts(self) -> Counter[str]:
        """Return how many attempted binding verdicts have each status."""
        return Counter(verdict.status for verdict in self.attempted())

    def unmeasured(self) -> list[Verdict]:
        """Return single quantities that were tried and not measured, band by band."""
        parts = [part for verdict in self.attempted() for part in verdict.parts or (verdict,)]
        return [part for part in parts if part.status == "NOT_MEASURED"]

    def not_attempted(self) -> Counter[str]:
        """Return how many binding verdicts nobody tried to reach, by reason."""
        return Counter(
            verdict.reason or "no reason given"
            for verdict in self.binding()
            if not is_attempted(verdict)
        )


def is_attempted(verdict: Verdict) -> bool:
    """Return whether anything was measured, or was meant to be, for a verdict."""
    if verdict.status == "NOT_APPLICABLE":
        return False
    if verdict.status != "NOT_MEASURED":
        return True
    if verdict.parts:
        return any(is_attempted(part) for part in verdict.parts)
    return verdict.reason not in NOBODY_TRIED


def collect(store: Store, run_id: str | None = None) -> ReleaseReport:
    """Read a report from the store.

    Parameters
    ----------
    store : Store
    run_id : str, optional
        The run stored last unless said.
    """
    run = store.run(run_id) if run_id else store.latest()
    verdicts = tuple(store.verdicts(run.id))
    report = ReleaseReport(
        run=run,
        verdicts=verdicts,
        measurements=tuple(store.measurements(run.id)),
        findings=tuple(store.findings(run.id)),
        titles=_titles(verdicts),
    )
    tried = report.attempted()
    evidence, damage = _evidence(store, run.id, tried)
    return replace(
        report,
        findings=(*damage, *report.findings),
        history=_history(store, tried),
        evidence=evidence,
    )


def _titles(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """Return the titles of the requirements that are at hand."""
    from skyassay.requirements_map import load

    known = load().requirements
    named = sorted({verdict.requirement for verdict in verdicts})
    return {name: known[name].title for name in named if name in known}


def _history(store: Store, verdicts: Sequence[Verdict]) -> dict[str, Sequence[History]]:
    """Return the history of every criterion that more than one run gave a value."""
    found: dict[str, Sequence[History]] = {}
    for verdict in verdicts:
        past = store.history(verdict.criterion, verdict.level)
        if sum(item.verdict.value is not None for item in past) > 1:
            found[verdict.criterion] = past
    return found


def _evidence(
    store: Store, run_id: str, verdicts: Sequence[Verdict]
) -> tuple[dict[tuple[str, str | None], pd.DataFrame], list[Finding]]:
    """Return the evidence tables of what was judged, and a finding for each that is damaged."""
    found: dict[tuple[str, str | None], pd.DataFrame] = {}
    damage: list[Finding] = []
    parts = [part for verdict in verdicts for part in (verdict.parts or (verdict,)) if part.metric]
    wanted = {(part.metric or "", part.band): part.recipe or "srd" for part in parts}
    for (metric, band), recipe in wanted.items():
        try:
            table = store.evidence(run_id, metric, band, recipe)
        except VerifyError as error:
            damage.append(Finding(error.code, "error", str(error), error.hint, metric, band))
            continue
        if table is not None and not table.empty:
            found[metric, band] = table
    return found, damage
