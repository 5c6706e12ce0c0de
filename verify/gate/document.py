"""gate.json: complete, versioned, the same bytes whatever the order of the inputs."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

from skyassay.verify.gate.model import GATE_ORDER, Entry, GateReport, Pair

SCHEMA = "skyassay.gate/1"


def document(report: GateReport) -> dict[str, Any]:
    """Return the gate's answer as JSON values; no NaN, no infinity, no time, no path."""
    counts = Counter(entry.status for entry in report.entries)
    return {
        "schema": SCHEMA,
        "status": report.status,
        "exit_code": report.exit_code,
        "counts": {status: counts.get(status, 0) for status in GATE_ORDER},
        "settings": dict(report.settings),
        "margin_overrides": dict(report.overrides),
        "pairs": [_pair(pair) for pair in report.pairs],
        "entries": [_entry(entry) for entry in report.entries],
    }


def to_json(report: GateReport) -> str:
    """Return the text of gate.json."""
    return json.dumps(document(report), indent=2, sort_keys=True, allow_nan=False) + "\n"


def _pair(pair: Pair) -> dict[str, Any]:
    """Return which two runs were compared, and on what."""
    return {
        "key": pair.key,
        "seed": pair.seed,
        "base": pair.base.run.id,
        "head": pair.head.run.id,
        "same_data": pair.same_data,
        "base_subject": pair.base.run.subject,
        "head_subject": pair.head.run.subject,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    """Return one entry; a bound without an end is null."""
    return {
        "question": entry.question,
        "status": entry.status,
        "code": entry.code,
        "message": entry.message,
        "metric": entry.key.metric,
        "recipe": entry.key.recipe,
        "band": entry.key.band or None,
        "component": entry.key.component or None,
        "at": dict(entry.key.at),
        "data_id": dict(entry.key.data_id),
        "requirements": list(entry.requirements),
        "level": entry.level or None,
        "op": entry.op or None,
        "limit": entry.limit,
        "unit": entry.unit,
        "direction": entry.direction or None,
        "method": entry.method or None,
        "base": _value(entry.base, entry.base_low, entry.base_high),
        "head": _value(entry.head, entry.head_low, entry.head_high),
        "change": {
            "scale": entry.scale or None,
            "mean": _number(entry.change),
            "lower": _number(entry.lower),
            "upper": _number(entry.upper),
            "level": _number(entry.test_level),
            "p_worse": _number(entry.p_worse),
            "p_within": _number(entry.p_within),
            "p_sign_flip": _number(entry.p_sign_flip),
        },
        "margin": {
            "value": _number(entry.margin),
            "on_scale": _number(entry.limit_margin),
            "rule": entry.margin_rule or None,
        },
        "n": entry.n,
        "n_pairs": entry.n_pairs,
        "seeds": list(entry.seeds),
        "details": dict(entry.details),
    }


def _value(value: float | None, low: float | None, high: float | None) -> dict[str, float | None]:
    """Return a value with its interval."""
    return {"value": _number(value), "low": _number(low), "high": _number(high)}


def _number(value: float | None) -> float | None:
    """Return a finite number, or None."""
    return value if value is not None and math.isfinite(value) else None
