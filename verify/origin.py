"""Whose data a table holds: the simulator says so beside what it writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from skyassay.verify.errors import VerifyError
from skyassay.verify.records import EvidenceLevel

MANIFEST = "manifest.json"
SCHEMA = "skyassay.simulated_release/1"
#: Level of a simulated release -> what a verdict on it is worth.
_LEVELS: Mapping[str, EvidenceLevel] = {"catalog": "catalog-twin", "visits": "visit-table"}
LEVELS: tuple[EvidenceLevel, ...] = (
    "pixels",
    "catalog-twin",
    "visit-table",
    "packet-load",
    "real",
    "record",
)


@dataclass(frozen=True)
class Origin:
    """Subject, evidence level and seed of the data of one run.

    `provenance` holds (key, value) pairs that two runs must share to be compared.
    """

    subject: str
    evidence_level: EvidenceLevel
    seed: int | None = None
    provenance: tuple[tuple[str, str], ...] = ()


@runtime_checkable
class Stated(Protocol):
    """A source that knows whose data it holds, as a repository does."""

    def origin(self) -> Origin:
        """Return whose data these are."""
        ...


def origin(
    inputs: Mapping[str, Mapping[str, Any]],
    subject: str | None = None,
    evidence_level: str | None = None,
    *,
    stated: Origin | None = None,
) -> Origin:
    """Return whose data these are.

    Parameters
    ----------
    inputs : mapping
        Product -> ``path`` and ``sha256``, as `Source.identity` gives them.
    subject, evidence_level : str, optional
        What the user says; simulated data cannot be called real.
    stated : Origin, optional
        What the source says of itself; the manifests beside files are then not looked for.

    Raises
    ------
    VerifyError
        ``unknown_evidence_level``, ``not_real`` or ``mixed_origin`` (exit code 4).
    """
    if evidence_level is not None and evidence_level not in LEVELS:
        raise VerifyError(
            f"There is no evidence level {evidence_level!r}.",
            code="unknown_evidence_level",
            hint="Levels: " + ", ".join(LEVELS),
            exit_code=4,
        )
    if stated is not None:
        return _as_said(stated, subject, evidence_level)
    found = [_simulated(one) for one in inputs.values()]
    known = {o for o in found if o is not None}
    if len(known) > 1 or (known and None in found):
        raise VerifyError(
            "The tables are of several origins, one of them simulated.",
            code="mixed_origin",
            hint="Measure each by itself.",
            exit_code=4,
        )
    if not known:
        names = ", ".join(Path(str(one.get("path") or name)).name for name, one in inputs.items())
        return Origin(subject or names, _level(evidence_level or "real"))
    return _as_said(known.pop(), subject, evidence_level)


def _as_said(made: Origin, subject: str | None, evidence_level: str | None) -> Origin:
    """Return an origin that is known, under the user's name; only real data may be regraded."""
    if made.evidence_level == "real":
        return replace(
            made, subject=subject or made.subject, evidence_level=_level(evidence_level or "real")
        )
    if evidence_level not in (None, made.evidence_level):
        raise VerifyError(
            f"These data are simulated ({made.evidence_level}), not {evidence_level}.",
            code="not_real",
            hint="Leave --evidence-level away.",
            exit_code=4,
        )
    return replace(made, subject=subject or made.subject)


def _simulated(one: Mapping[str, Any]) -> Origin | None:
    """Return the origin of a simulated table: its manifest holds the table's digest."""
    if one.get("simulated"):
        # Packets do not say what they were made of: a load test, or images.
        return Origin("simulated alerts", "packet-load")
    if not one.get("path"):
        return None
    path = Path(str(one["path"]))
    try:
        manifest = json.loads((path.parent / MANIFEST).read_text(encoding="utf-8"))
        entry = manifest["files"][path.name]
        if manifest["schema"] != SCHEMA or entry["sha256"] != one.get("sha256"):
            return None
        level = _LEVELS[manifest["level"]]
        software = manifest["versions"]["skyassay"]
        text = f"simulated release, preset {manifest['preset']}, skyassay {software}"
        made = (("preset", str(manifest["preset"])), ("simulator", str(software)))
        return Origin(text, level, int(manifest["seed"]), made)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _level(text: str) -> EvidenceLevel:
    return next(level for level in LEVELS if level == text)
