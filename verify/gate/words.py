"""One row per entry, the same for the terminal and for Markdown."""

from __future__ import annotations

from collections import Counter

from skyassay.verify.gate.model import GATE_ORDER, Entry, GateReport
from skyassay.verify.report.digits import NOTHING, limit_text, plain, with_interval
from skyassay.verify.report.style import look

COLUMNS = ("Status", "Question", "Quantity", "Base", "Head", "Change", "Margin", "Why")
MAX_ROWS = 50


def row(entry: Entry) -> tuple[str, ...]:
    """Return the cells of one entry, in the order of `COLUMNS`."""
    unit = f" {entry.unit}" if entry.unit else ""
    margin = NOTHING if entry.margin is None else f"{plain(entry.margin, 2)}{unit}"
    if entry.question == "requirement":
        margin = limit_text(entry.op, entry.limit, entry.unit)
    return (
        look(entry.status).label,
        entry.question,
        entry.key.label if entry.question == "regression" else requirement_label(entry),
        _value(entry.base, entry.base_low, entry.base_high, unit),
        _value(entry.head, entry.head_low, entry.head_high, unit),
        change(entry),
        margin,
        entry.message,
    )


def requirement_label(entry: Entry) -> str:
    """Return criterion, level, component and band."""
    parts = (*entry.requirements, entry.level, entry.key.component, entry.key.band)
    return " ".join(part for part in parts if part)


def change(entry: Entry) -> str:
    """Return the relative change of the value as it is, in percent; a difference at base 0."""
    if entry.base is None or entry.head is None:
        return NOTHING
    if entry.base == entry.head:
        return "identical"
    if entry.base > 0 and entry.unit not in ("", "%"):
        return f"{100 * (entry.head / entry.base - 1):+.2g} %"
    # A difference of percentages is in points, or +0.1 % could be read as a ratio.
    unit = "points" if entry.unit == "%" else entry.unit
    return f"{entry.head - entry.base:+.2g} {unit}".rstrip()


def headline(report: GateReport) -> str:
    """Return the answer in one line."""
    counts = Counter(entry.status for entry in report.entries)
    parts = [f"{counts[status]} {status}" for status in GATE_ORDER if counts[status]]
    pairs = f"{len(report.pairs)} pair{'s' if len(report.pairs) != 1 else ''} of runs"
    return f"{look(report.status).label}: {', '.join(parts)}; {pairs}"


def notable(report: GateReport) -> tuple[list[Entry], int]:
    """Return the worst entries, at most `MAX_ROWS`, and how many are left out."""
    shown = list(report.entries[:MAX_ROWS])
    return shown, len(report.entries) - len(shown)


def _value(value: float | None, low: float | None, high: float | None, unit: str) -> str:
    """Return a value with interval and unit."""
    text = with_interval(value, low, high)
    return text if value is None else text + unit
