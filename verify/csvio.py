"""Measurements and verdicts as CSV: one row each, numbers as they are."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO

from skyassay.metrics.contract import Measurement
from skyassay.verify.jsonio import canonical
from skyassay.verify.records import Verdict
from skyassay.verify.report.escape import csv_cell

MEASUREMENT_COLUMNS = (
    "metric", "recipe", "recipe_hash", "band", "component", "at", "data_id", "status", "value",
    "unit", "low", "high", "lower", "upper", "confidence", "method", "certified", "systematic",
    "n", "n_rejected", "reason", "hint",
)  # fmt: skip
VERDICT_COLUMNS = (
    "requirement", "criterion", "level", "binding", "part", "band", "component", "at", "status",
    "value", "low", "high", "lower", "upper", "op", "limit", "unit", "margin_percent",
    "margin_sigma", "point_status", "recipe", "metric", "n", "subject", "evidence_level",
    "reason", "hint", "waiver", "evidence", "fingerprint",
)  # fmt: skip
_BOUNDS = ("low", "high", "lower", "upper", "confidence", "method", "certified")


def measurements_csv(measurements: Iterable[Measurement]) -> str:
    """Return measurements as CSV with a header."""
    rows = []
    for m in measurements:
        row = {name: getattr(m, name, None) for name in MEASUREMENT_COLUMNS}
        row.update({name: getattr(m.interval, name, None) for name in _BOUNDS})
        rows.append([_cell(row[name]) for name in MEASUREMENT_COLUMNS])
    return _csv(MEASUREMENT_COLUMNS, rows)


def verdicts_csv(verdicts: Iterable[Verdict]) -> str:
    """Return verdicts as CSV with a header; a row with ``part`` 1 is one band of the last."""
    rows = []
    for v in verdicts:
        several = v.parts if len(v.parts) > 1 else ()
        for one, part in ((v, 0), *((p, 1) for p in several)):
            row = {name: getattr(one, name, None) for name in VERDICT_COLUMNS} | {"part": part}
            rows.append([_cell(row[name]) for name in VERDICT_COLUMNS])
    return _csv(VERDICT_COLUMNS, rows)


def records_csv(columns: Sequence[str], records: Iterable[Mapping[str, object]]) -> str:
    """Return records as CSV with a header."""
    return _csv(columns, ([_cell(record.get(name)) for name in columns] for record in records))


def _cell(value: object) -> object:
    """Return what CSV holds: nothing for nothing and for infinity, JSON for mappings."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (str, int, float)):
        return csv_cell(value)
    return csv_cell(canonical(dict(value)) if value else "")  # type: ignore[call-overload]


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()
