"""Fingerprints: what a verdict was about. Another one makes the evidence suspect."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

#: The fields of a criterion that say what must hold. Notes, sources and the metric do not.
CRITERION_FIELDS = (
    "id", "kind", "role", "text", "component", "bands", "op", "levels", "unit", "at", "abs",
    "joint", "binding_level", "population", "reading",
)  # fmt: skip
REQUIREMENT_FIELDS = ("id", "document", "text", "method", "status")


def fingerprint(fields: Mapping[str, Any]) -> str:
    """Return the SHA-256 (hex) of the canonical JSON of the normative fields.

    Numbers are compared as numbers (5 and 5.0 are one), text up to white space.
    """
    text = json.dumps(_canonical(fields), sort_keys=True, allow_nan=False, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, Mapping):
        return {str(k): _canonical(v) for k, v in value.items()}
    return [_canonical(v) for v in value]
