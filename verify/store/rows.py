"""Records to rows and back: the key of each, and its payload as canonical JSON."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from skyassay.metrics.contract import Measurement
from skyassay.verify.errors import VerifyError
from skyassay.verify.jsonio import (
    canonical,
    measurement_from_json,
    measurement_to_json,
    verdict_from_json,
    verdict_to_json,
)
from skyassay.verify.records import Evidence, Finding, Run, Verdict

Row = dict[str, Any]
_ID = re.compile(r"[A-Za-z0-9._-]{1,80}")


def check_id(text: str, what: str) -> str:
    """Return a name that is safe as a key and as part of a path, or refuse it."""
    if not _ID.fullmatch(text) or set(text) == {"."}:
        raise VerifyError(
            f"{text[:100]!r} cannot be a {what}.",
            code="bad_id",
            hint="Letters, digits, dot, underscore and hyphen; at most 80.",
            exit_code=4,
        )
    return text


def run_row(run: Run) -> Row:
    """Return the row of a run."""
    check_id(run.id, "run id")
    return {"id": run.id, "created": run.created, "payload": canonical(asdict(run))}


def run_identity(payload: str) -> object:
    """Return what must be equal for a run to be the same run.

    When it was made and by which command line do not count: a replay is no conflict.
    """
    run = json.loads(payload)
    run.pop("created")
    run["provenance"].pop("command", None)
    return run


def run_of(payload: str) -> Run:
    """Return a run from its payload."""
    return Run(**json.loads(payload))


def measurement_row(m: Measurement) -> Row:
    """Return the row of a measurement; its key is what it measures, not what it found."""
    check_id(m.metric, "metric id")
    check_id(m.recipe, "recipe name")
    payload = measurement_to_json(m)
    key = [m.metric, m.recipe, m.recipe_hash, m.band, m.component, payload["data_id"]]
    return {
        "key": _key([*key, payload["at"], payload["at_units"]]),
        "metric": m.metric,
        "recipe": m.recipe,
        "band": m.band,
        "payload": canonical(payload),
    }


def measurement_of(payload: str) -> Measurement:
    """Return a measurement from its payload."""
    return measurement_from_json(json.loads(payload))


def verdict_row(v: Verdict) -> Row:
    """Return the row of a verdict; its key names the criterion's text and what was judged."""
    return {
        "key": _key([v.criterion, v.level, v.recipe, v.recipe_hash, v.fingerprint, v.evidence]),
        "criterion": v.criterion,
        "level": v.level,
        "recipe": v.recipe,
        "status": v.status,
        "payload": canonical(verdict_to_json(v)),
    }


def verdict_of(payload: str) -> Verdict:
    """Return a verdict from its payload."""
    return verdict_from_json(json.loads(payload))


def finding_row(finding: Finding) -> Row:
    """Return the row of a finding; equal findings are one."""
    payload = canonical(asdict(finding))
    return {"key": _key(payload), "payload": payload}


def finding_of(payload: str) -> Finding:
    """Return a finding from its payload."""
    return Finding(**json.loads(payload))


def evidence_row(run_id: str, e: Evidence, sha256: str) -> Row:
    """Return the row of an evidence table, with the relative path of its file."""
    for text, what in ((e.metric, "metric id"), (e.recipe, "recipe name"), (e.name, "name")):
        check_id(text, what)
    band = check_id(e.band, "band") if e.band is not None else "all"
    return {
        **evidence_key(e.metric, e.recipe, e.band, e.name),
        "path": f"{run_id}/{e.metric}.{band}.{sha256[:16]}.parquet",
        "sha256": sha256,
    }


def evidence_key(metric: str, recipe: str, band: str | None, name: str) -> Row:
    """Return the columns that name an evidence table within a run."""
    return {
        "key": _key([metric, recipe, band, name]),
        "metric": metric,
        "recipe": recipe,
        "band": band,
        "name": name,
    }


def same(old: Mapping[Any, Any], new: Mapping[str, Any]) -> bool:
    """Whether a row says what the stored one says."""
    return all(old[column] == value for column, value in new.items())


def _key(parts: object) -> str:
    return hashlib.sha256(canonical(parts).encode()).hexdigest()
