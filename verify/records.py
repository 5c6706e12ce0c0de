"""What the store keeps and the reports show: runs and verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["PASS", "FAIL", "INCONCLUSIVE", "NOT_MEASURED", "NOT_APPLICABLE"]
EvidenceLevel = Literal[
    "pixels", "catalog-twin", "visit-table", "packet-load", "real", "record"
]
#: Worst first: the order in which a group's status is summed up.
STATUS_ORDER: tuple[Status, ...] = (
    "FAIL",
    "NOT_MEASURED",
    "INCONCLUSIVE",
    "PASS",
    "NOT_APPLICABLE",
)


@dataclass(frozen=True)
class Run:
    """One execution of `assay measure`: what was measured, with what.

    Attributes
    ----------
    id : str
        ``[A-Za-z0-9._-]{1,80}``.
    subject : str
        Whose data these are ("SimCam twin at <commit>", "HSC test data", ...).
    evidence_level : str
        ``pixels``, ``catalog-twin``, ``visit-table``, ``packet-load``, ``real`` or ``record``.
    created : str
        ISO 8601 UTC.
    inputs : mapping
        Product name -> identity of the data (path as given, rows, SHA-256).
    provenance : mapping
        Software versions, environment hash, command, seed.
    """

    id: str
    subject: str
    evidence_level: EvidenceLevel
    created: str
    seed: int | None = None
    inputs: Mapping[str, Mapping[str, str | int | float | None]] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """One criterion at one level, judged by one measurement (design, section 8)."""

    requirement: str
    criterion: str
    level: str
    binding: bool
    status: Status
    value: float | None
    low: float | None
    high: float | None
    lower: float | None
    upper: float | None
    confidence: float | None
    method: str | None
    op: str
    limit: float | str | None
    unit: str
    margin_sigma: float | None
    margin_percent: float | None
    population: str
    subject: str
    evidence_level: str
    reason: str | None
    hint: str | None = None
    metric: str | None = None
    recipe: str | None = None
    band: str | None = None
    at: Mapping[str, float] = field(default_factory=dict)
    fingerprint: str = ""
    evidence: str | None = None
    waiver: str | None = None
