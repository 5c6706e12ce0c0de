"""The release report as CSV and as JSON."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from io import StringIO

from skyassay.verify.report.escape import csv_cell
from skyassay.verify.report.model import ReleaseReport
from skyassay.verify.report.rows import provenance
from skyassay.verify.report.table import summary

SCHEMA = "skyassay.report/1"
#: Columns of the CSV, each a field of a verdict; a band of a criterion is a row of its own.
FIELDS = (
    "requirement", "criterion", "level", "binding", "metric", "recipe", "recipe_hash", "band",
    "component", "status", "value", "low", "high", "lower", "upper", "op", "limit", "unit",
    "margin_percent", "margin_sigma", "n", "reason", "hint", "method", "subject",
    "evidence_level", "fingerprint", "evidence", "waiver",
)  # fmt: skip


def to_csv(report: ReleaseReport) -> str:
    """Return every verdict on every quantity, safe to open in a spreadsheet."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("run", "scope", *FIELDS))
    for verdict in report.verdicts:
        scopes = [("criterion", verdict), *(("quantity", part) for part in verdict.parts)]
        for scope, item in scopes:
            cells = [csv_cell(getattr(item, name)) for name in FIELDS]
            writer.writerow((csv_cell(report.run.id), scope, *cells))
    return out.getvalue()


def to_json(report: ReleaseReport) -> str:
    """Return the whole report as one JSON document."""
    from skyassay.verify.jsonio import measurement_to_json, verdict_to_json

    document = {
        "schema": SCHEMA,
        "run": asdict(report.run),
        "summary": summary(report),
        "counts": dict(sorted(report.counts().items())),
        "not_attempted": dict(sorted(report.not_attempted().items())),
        "not_measured": [verdict_to_json(verdict) for verdict in report.unmeasured()],
        "verdicts": [verdict_to_json(verdict) for verdict in report.verdicts],
        "measurements": [measurement_to_json(item) for item in report.measurements],
        "findings": [asdict(finding) for finding in report.findings],
        "provenance": [list(line) for line in provenance(report.run, report.attempted())],
    }
    return json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
