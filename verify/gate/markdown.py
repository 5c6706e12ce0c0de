"""The gate's answer as Markdown: worst first, at most fifty rows."""

from __future__ import annotations

from skyassay.verify.gate.model import GateReport
from skyassay.verify.gate.words import COLUMNS, headline, notable, row
from skyassay.verify.report.escape import markdown_cell


def to_markdown(report: GateReport) -> str:
    """Return a summary for a pull request."""
    shown, left_out = notable(report)
    lines = [f"## Gate: {markdown_cell(headline(report))}", ""]
    lines.append("| " + " | ".join(COLUMNS) + " |")
    lines.append("|" + " --- |" * len(COLUMNS))
    lines += ["| " + " | ".join(map(markdown_cell, row(entry))) + " |" for entry in shown]
    if left_out:
        lines += ["", f"{left_out} more: see the JSON."]
    lines += ["", _rules(report), ""]
    return "\n".join(lines)


def _rules(report: GateReport) -> str:
    """Return in one sentence how it was judged."""
    settings = report.settings
    return (
        f"False alarms at most {settings['alpha']:.2g} over all metrics (Holm)"
        f"; margin {settings['margin_relative']:.2g} of the base value"
        f" or {settings['margin_headroom']:.2g} of the distance to the limit."
        " Nothing that was not measured passes."
    )
