"""What the store keeps and the reports show: runs and verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Status = Literal["PASS", "FAIL", "INCONCLUSIVE", "NOT_MEASURED", "NOT_APPLICABLE"]
EvidenceLevel = Literal["pixels", "catalog-twin", "visit-table", "packet-load", "real", "record"]
#: Worst first: the order in which a group's status is summed up.
STATUS_ORDER: tuple[Status, ...] = (
    "FAIL",
    "NOT_MEASURED",
    "INCONCLUSIVE",
    "PASS",
    "NOT_APPLICABLE",
)


#: Recipes that exist to compare with: a requirement is never judged by them alone.
COMPARISON_RECIPES = frozenset({"faro", "validate_drp", "analysis_tools"})


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
class Finding:
    """Something a reader must know that is not a verdict: a broken law, a broken contract.

    Attributes
    ----------
    code : str
        Stable reason code, e.g. ``pa2_pf1_disagree``.
    severity : str
        ``error`` (a number cannot be trusted), ``warning`` (worth a look) or ``info``.
    message : str
        One sentence with the numbers in it.
    metric, band : str or None
        What it is about, where that has a meaning.
    """

    code: str
    severity: Literal["error", "warning", "info"]
    message: str
    hint: str = ""
    metric: str | None = None
    band: str | None = None


@dataclass(frozen=True)
class Evidence:
    """A small table behind a measurement: what its plots are made of.

    Attributes
    ----------
    metric, recipe : str
    band : str or None
    table : pandas.DataFrame
        Plain columns (numbers, text); kept as Parquet.
    name : str
        Which table, when a metric has several; ``[A-Za-z0-9._-]{1,80}``.
    """

    metric: str
    band: str | None
    table: pd.DataFrame
    recipe: str = "srd"
    name: str = "distribution"


@dataclass(frozen=True)
class Verdict:
    """One criterion at one level, judged by one recipe (design, section 8).

    Attributes
    ----------
    value, low, high, lower, upper, systematic, limit : float or None
        All in `unit`, the unit of the criterion. `low`, `high` are the two-sided interval,
        `lower`, `upper` the one-sided limits that decide, all four already widened by
        `systematic`; infinite where unbounded, never NaN.
    margin_sigma, margin_percent : float or None
        Distance from the value to the limit, positive when the value is inside.
    point_status : Status or None
        What the bare value says about the limit, as the published recipes judge: for
        comparison beside `status`, never instead of it.
    parts : tuple of Verdict
        The same criterion band by band (and component by component, or criterion by
        criterion for a joint one); the worst of them is this verdict. Empty in a part.
    evidence : str or None
        Digest of the measurements that were judged.
    """

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
    component: str | None = None
    recipe_hash: str | None = None
    systematic: float | None = None
    point_status: Status | None = None
    n: int | None = None
    parts: tuple[Verdict, ...] = ()
