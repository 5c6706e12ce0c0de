"""The stable JSON of measurements and verdicts, written and read back (design, section 9).

JSON has no infinity and no NaN. An infinite bound is written as null beside the reason
``unbounded`` and read back as infinity; a diagnostic that is no number is null with the
reason ``not_finite`` and stays null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from skyassay.metrics.contract import Interval, Measurement, Scalar
from skyassay.verify.errors import VerifyError
from skyassay.verify.records import Run, Verdict

MEASUREMENTS_SCHEMA = "skyassay.measurements/1"
VERDICTS_SCHEMA = "skyassay.verdicts/1"
Json = dict[str, Any]
#: Fields of a verdict that are written as they are.
_PLAIN = (
    "requirement", "criterion", "level", "binding", "status", "value", "op", "limit", "unit",
    "margin_sigma", "margin_percent", "population", "subject", "evidence_level", "evidence",
    "waiver", "reason", "hint", "metric", "recipe", "recipe_hash", "band", "component",
    "fingerprint", "systematic", "point_status", "n",
)  # fmt: skip


def canonical(document: object) -> str:
    """Return JSON text that is equal for equal documents."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)


def pretty(document: object) -> str:
    """Return JSON text for people and files."""
    return json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False)


def measurements_document(run: Run, measurements: Sequence[Measurement]) -> Json:
    """Return the document of `assay measure`."""
    return {
        "schema": MEASUREMENTS_SCHEMA,
        "run": run.id,
        "subject": run.subject,
        "evidence_level": run.evidence_level,
        "created": run.created,
        "seed": run.seed,
        "inputs": {name: dict(identity) for name, identity in run.inputs.items()},
        "provenance": dict(run.provenance),
        "measurements": [measurement_to_json(m) for m in measurements],
    }


def verdicts_document(run: Run, verdicts: Sequence[Verdict]) -> Json:
    """Return the document of `assay verify`."""
    return {
        "schema": VERDICTS_SCHEMA,
        "run": run.id,
        "subject": run.subject,
        "evidence_level": run.evidence_level,
        "verdicts": [verdict_to_json(v) for v in verdicts],
    }


def read_measurements(document: Mapping[str, Any]) -> list[Measurement]:
    """Return the measurements of a document; `VerifyError` if it is not one."""
    return [measurement_from_json(m) for m in _body(document, MEASUREMENTS_SCHEMA, "measurements")]


def read_verdicts(document: Mapping[str, Any]) -> list[Verdict]:
    """Return the verdicts of a document; `VerifyError` if it is not one."""
    return [verdict_from_json(v) for v in _body(document, VERDICTS_SCHEMA, "verdicts")]


def measurement_to_json(m: Measurement) -> Json:
    """Return one measurement as JSON values."""
    diagnostics, reasons = _scalars(m.diagnostics)
    out: Json = {
        "metric": m.metric,
        "component": m.component,
        "at": dict(m.at),
        "at_units": dict(m.at_units),
        "band": m.band,
        "data_id": dict(m.data_id),
        "recipe": m.recipe,
        "recipe_hash": m.recipe_hash,
        "value": m.value,
        "unit": m.unit,
        "interval": None if m.interval is None else _interval_to_json(m.interval),
        "systematic": m.systematic,
        "n": m.n,
        "n_rejected": m.n_rejected,
        "status": m.status,
        "reason": m.reason,
        "hint": m.hint,
        "diagnostics": diagnostics,
    }
    if reasons:
        out["diagnostics_reasons"] = reasons
    return out


def measurement_from_json(data: Mapping[str, Any]) -> Measurement:
    """Return a measurement from its JSON values."""
    interval = data["interval"]
    return Measurement(
        metric=data["metric"],
        unit=data["unit"],
        recipe=data["recipe"],
        recipe_hash=data["recipe_hash"],
        status=data["status"],
        value=data["value"],
        interval=None if interval is None else _interval_from_json(interval),
        systematic=data["systematic"],
        n=data["n"],
        n_rejected=data["n_rejected"],
        band=data["band"],
        component=data["component"],
        data_id=dict(data["data_id"]),
        at=dict(data["at"]),
        at_units=dict(data["at_units"]),
        reason=data["reason"],
        hint=data["hint"],
        diagnostics=dict(data["diagnostics"]),
    )


def verdict_to_json(v: Verdict) -> Json:
    """Return one verdict, with its parts, as JSON values."""
    out: Json = {name: getattr(v, name) for name in _PLAIN}
    out["at"] = dict(v.at)
    out["interval"] = None
    if v.low is not None and v.high is not None:
        ends = {"low": v.low, "high": v.high, "lower": v.lower, "upper": v.upper}
        out["interval"] = _bounds_to_json(ends, v.confidence, v.method, 0.95)
    out["parts"] = [verdict_to_json(part) for part in v.parts]
    return out


def verdict_from_json(data: Mapping[str, Any]) -> Verdict:
    """Return a verdict from its JSON values."""
    interval = data["interval"]
    sides = _bounds_from_json(interval) if interval else dict.fromkeys(_SIDES)
    return Verdict(
        **{name: data[name] for name in _PLAIN},
        **sides,
        confidence=interval["confidence"] if interval else None,
        method=interval["method"] if interval else None,
        at=dict(data["at"]),
        parts=tuple(verdict_from_json(part) for part in data["parts"]),
    )


_SIDES = {"low": -math.inf, "high": math.inf, "lower": -math.inf, "upper": math.inf}


def _interval_to_json(i: Interval) -> Json:
    ends = {"low": i.low, "high": i.high, "lower": i.lower, "upper": i.upper}
    out = _bounds_to_json(ends, i.confidence, i.method, i.one_sided_confidence)
    out["certified"] = i.certified
    return out


def _interval_from_json(data: Mapping[str, Any]) -> Interval:
    sides = _bounds_from_json(data)
    return Interval(
        low=sides["low"],
        high=sides["high"],
        confidence=data["confidence"],
        method=data["method"],
        lower=sides["lower"],
        upper=sides["upper"],
        one_sided_confidence=data["one_sided"]["confidence"],
        certified=data["certified"],
    )


def _bounds_to_json(
    ends: Mapping[str, float | None], confidence: float | None, method: str | None, one: float
) -> Json:
    """Write four bounds; one that is infinite on its own side is null with a reason."""
    plain = {side: _bound_to_json(side, value) for side, value in ends.items()}
    out: Json = {
        "low": plain["low"],
        "high": plain["high"],
        "confidence": confidence,
        "method": method,
        "one_sided": {"lower": plain["lower"], "upper": plain["upper"], "confidence": one},
    }
    unbounded = [side for side, value in plain.items() if value is None]
    if unbounded:
        out["null_reasons"] = dict.fromkeys(unbounded, "unbounded")
    return out


def _bound_to_json(side: str, value: float | None) -> float | None:
    if value is None or value == _SIDES[side]:
        return None
    if not math.isfinite(value):
        raise VerifyError(f"The {side} bound of an interval is {value}.", code="bad_bound")
    return value


def _bounds_from_json(data: Mapping[str, Any]) -> dict[str, float]:
    flat = {**data, **data["one_sided"]}
    return {
        side: infinity if flat[side] is None else flat[side] for side, infinity in _SIDES.items()
    }


def _scalars(values: Mapping[str, Scalar]) -> tuple[dict[str, Scalar], dict[str, str]]:
    """Return the values with what is no number as null, and the reasons for those nulls."""
    out: dict[str, Scalar] = {}
    reasons: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            out[name] = None
            reasons[name] = "not_finite"
        else:
            out[name] = value
    return out, reasons


def _body(document: Mapping[str, Any], schema: str, key: str) -> list[Mapping[str, Any]]:
    if document.get("schema") != schema or not isinstance(document.get(key), list):
        raise VerifyError(
            f"The document is not a {schema}.",
            code="wrong_schema",
            hint=f"It says schema {document.get('schema')!r}.",
        )
    return list(document[key])
