"""The table of faults: as Markdown for readers, as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from skyassay.verify.faults.model import Response, Trial

SCHEMA = "skyassay.faults/1"
_WORDS = {
    "AS_DECLARED": "as declared",
    "EARLY": "too early",
    "NO_FLIP": "does not fail",
    "SPILLS": "spills over",
    "NOT_MEASURED": "not measured",
    "OPEN": "open",
}


def to_markdown(responses: Sequence[Response], seeds: int) -> str:
    """Return a table with a line for every fault and criterion."""
    lines = [
        f"Each dose was tried with {seeds} seeds. A criterion must not fail at half the dose that "
        "reaches its limit and must fail at twice; the *detectability* is the dose at which half "
        "the seeds fail.",
        "",
        "| Fault | Criterion | Unit | Dose at the limit | Detectability | Outcome |",
        "|---|---|---|---|---|---|",
    ]
    for r in responses:
        declared = "must not flip" if r.declared is None else f"{r.declared:g}"
        found = "" if r.declared is None else _number(r.detectability)
        said = f"{_WORDS[r.outcome]}{': ' + r.said if r.said else ''}"
        lines.append(f"| {r.fault} | {r.criterion} | {r.unit} | {declared} | {found} | {said} |")
    holds = sum(r.holds for r in responses)
    lines += ["", f"{holds} of {len(responses)} are as declared, or open with their reason."]
    return "\n".join(lines) + "\n"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"


def to_json(responses: Sequence[Response], trials: Sequence[Trial]) -> str:
    """Return everything that was found."""
    document = {
        "schema": SCHEMA,
        "responses": [
            asdict(r) | {"failed": [{"dose": d, "share": s} for d, s in r.failed.items()]}
            for r in responses
        ],
        "trials": [asdict(t) for t in trials],
    }
    return json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n"
