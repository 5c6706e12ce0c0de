"""What the linter says, and the facts of other packages that it needs to say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["fail", "warn", "open", "unknown"]

#: Code -> (name, what it means). T1-T12: reference table of link states after OpenFastTrace
#: (orphaned, unwanted, outdated) and ECSS-E-ST-10-02C; T13 is ours.
CODES: tuple[tuple[str, str, str], ...] = (
    ("T1", "uncovered", "a criterion that no metric measures and that is not a known gap"),
    ("T2", "unevidenced", "a metric exists, but this run holds no result"),
    ("T3", "orphaned", "a link to an id that does not exist"),
    ("T4", "unwanted", "a metric that serves no criterion and is not marked diagnostic"),
    ("T5", "one-sided", "only one end declares the link"),
    ("T6", "suspect", "the criterion changed after the evidence was made"),
    ("T7", "stale", "evidence that is too old, or of other software"),
    ("T8", "duplicate", "one id, two owners"),
    ("T9", "unit mismatch", "units that cannot be converted into each other"),
    ("T10", "shallow", "closed while a child is still open"),
    ("T11", "waiver", "a waiver that is expired, unused or for something unknown"),
    ("T12", "inspection due", "a method that needs a signed record, and none is there"),
    ("T13", "source mismatch", "a limit, unit or fact that differs from the source tables"),
)


@dataclass(frozen=True)
class Finding:
    """One thing the linter found: code, severity, what it is about, one sentence, a hint."""

    code: str
    severity: Severity
    subject: str
    message: str
    hint: str = ""

    @property
    def name(self) -> str:
        """The word for the code, e.g. ``one-sided``."""
        return next((name for code, name, _ in CODES if code == self.code), self.code)


@dataclass(frozen=True)
class MetricFacts:
    """As much of a metric as links need.

    Attributes
    ----------
    requirements : tuple of str
        Ids of the criteria it says it serves.
    at_units : mapping or None
        Units of the parameters it can be bound to; None: not known, not checked.
    """

    id: str
    unit: str
    requirements: tuple[str, ...] = ()
    diagnostic: bool = False
    at_units: Mapping[str, str] | None = None


@dataclass(frozen=True)
class EvidenceFacts:
    """As much of a stored verdict as links need.

    Attributes
    ----------
    fingerprint : str
        Of the criterion, when the evidence was made.
    created : str
        ISO 8601, UTC.
    status : str
        ``PASS``, ``FAIL``, ``INCONCLUSIVE``, ``NOT_MEASURED`` or ``NOT_APPLICABLE``.
    software : str
        Version or commit of what made it; empty when not known.
    """

    id: str
    criterion: str
    metric: str
    fingerprint: str
    created: str
    status: str = ""
    software: str = ""


def sort_key(finding: Finding) -> tuple[int, int, str]:
    """Order findings: failures first, then by code and subject."""
    order = ("fail", "warn", "unknown", "open")
    number = int(finding.code[1:]) if finding.code[1:].isdigit() else 0
    return (order.index(finding.severity), number, finding.subject)
