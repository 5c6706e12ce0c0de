"""The release report as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from skyassay.verify.report.escape import markdown_cell
from skyassay.verify.report.model import ReleaseReport
from skyassay.verify.report.rows import provenance, row
from skyassay.verify.report.style import look
from skyassay.verify.report.table import summary


def to_markdown(report: ReleaseReport) -> str:
    """Return the report: not measured first, then verdicts, findings, provenance."""
    lines = [f"# {markdown_cell(report.run.id)}", "", markdown_cell(report.run.subject), ""]
    lines += [markdown_cell(summary(report)), ""]
    lines += _section("Not measured, and why", ("Criterion", "Quantity", "Why"), _absent(report))
    head = ("Requirement", "Level", "Quantity", "Value", "Limit", "Status", "Margin", "Why")
    lines += _section("Requirements", head, _verdicts(report))
    findings = [(f.severity, f.code, f.message, f.hint) for f in report.findings]
    lines += _section("Findings", ("Severity", "Code", "What", "Hint"), findings)
    lines += _section("Provenance", ("Name", "Value"), provenance(report.run, report.attempted()))
    return "\n".join(lines)


def _absent(report: ReleaseReport) -> list[tuple[str, ...]]:
    """Return what was tried and not measured, then what nobody tried, counted."""
    rows = [row(verdict) for verdict in report.unmeasured()]
    lines: list[tuple[str, ...]] = [(item.criterion, item.quantity, item.reason) for item in rows]
    counted = sorted(report.not_attempted().items())
    lines += [(f"{number} criteria", "", f"not attempted: {why}") for why, number in counted]
    return lines


def _verdicts(report: ReleaseReport) -> list[tuple[str, ...]]:
    """Return the verdicts at binding levels."""
    return [
        (
            item.criterion,
            item.level,
            item.quantity,
            item.value,
            item.limit,
            look(item.status).label,
            item.margin,
            item.reason,
        )
        for item in map(row, report.attempted())
    ]


def _section(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a section with its table, or one word that there is nothing."""
    lines = [f"## {title}", ""]
    body = ["| " + " | ".join(map(markdown_cell, cells)) + " |" for cells in rows]
    if not body:
        return [*lines, "None.", ""]
    return [*lines, "| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *body, ""]
