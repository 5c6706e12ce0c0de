"""The requirement table for a terminal."""

from __future__ import annotations

from collections import Counter
from io import StringIO
from typing import TYPE_CHECKING

from skyassay.verify.report.model import ReleaseReport
from skyassay.verify.report.rows import Row, row
from skyassay.verify.report.style import look

if TYPE_CHECKING:
    from rich.table import Table

#: Narrower terminals get the reasons below the table instead of in it.
WIDE = 140


def to_table(report: ReleaseReport, *, width: int = 120, colour: bool = False) -> str:
    """Return the report for a terminal: what was not measured first, then the table.

    Parameters
    ----------
    report : ReleaseReport
    width : int
        Columns of the terminal.
    colour : bool
        Whether to write terminal colours.
    """
    from rich.console import Console
    from rich.text import Text

    out = StringIO()
    console = Console(file=out, width=width, force_terminal=colour, no_color=not colour)
    run = report.run
    console.print(Text(f"{run.id}: {run.subject} ({run.evidence_level})", style="bold"))
    for line in _absent(report):
        console.print(Text(line))
    rows = [row(verdict) for verdict in report.attempted()]
    if rows:
        console.print(_table(rows, wide=width >= WIDE))
    if width < WIDE:
        for line in _reasons(report):
            console.print(Text(line))
    for finding in report.findings:
        console.print(Text(f"{finding.severity}: {finding.message} [{finding.code}]"))
    console.print(Text(summary(report), style="bold"))
    return out.getvalue()


def summary(report: ReleaseReport) -> str:
    """Return the counts in one line."""
    counts = report.counts()
    known = [f"{number} {status}" for status, number in sorted(counts.items())]
    asked = sum(report.not_attempted().values())
    tail = f"; {asked} criteria not attempted" if asked else ""
    return (", ".join(known) or "nothing was judged") + tail


def _absent(report: ReleaseReport) -> list[str]:
    """Return one line for every reason why something was tried and not measured."""
    where: dict[str, dict[str, None]] = {}
    for verdict in report.unmeasured():
        shown = row(verdict)
        where.setdefault(shown.reason, {})[f"{shown.criterion} {shown.quantity}".strip()] = None
    symbol = look("NOT_MEASURED").symbol
    return [
        f"{symbol} not measured: {', '.join(places)}. {reason}" for reason, places in where.items()
    ]


def _reasons(report: ReleaseReport) -> list[str]:
    """Return one line for every reason behind a verdict that was measured."""
    found: Counter[tuple[str, str, str]] = Counter()
    for verdict in report.attempted():
        if verdict.status != "NOT_MEASURED" and verdict.reason:
            # The hint carries a number of its own where each verdict needs other data.
            found[verdict.status, verdict.reason, verdict.hint or ""] += 1
    return [
        f"{look(status).symbol} {number} {status}: {': '.join(x for x in (reason, hint) if x)}"
        for (status, reason, hint), number in found.items()
    ]


def _table(rows: list[Row], *, wide: bool) -> Table:
    """Return the table of verdicts."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=True)
    table.add_column("Requirement", overflow="fold")
    table.add_column("Level", no_wrap=True)
    table.add_column("Band", no_wrap=True)
    table.add_column("Value", no_wrap=True, justify="right")
    table.add_column("Limit", no_wrap=True, justify="right")
    table.add_column("Status", no_wrap=True)
    table.add_column("Margin", no_wrap=True, justify="right")
    if wide:
        table.add_column("Why", overflow="fold")
    for item in rows:
        band = item.quantity if wide else item.quantity.split(" at ")[0]
        status = Text(look(item.status).label, style=look(item.status).terminal)
        margin = item.margin if wide else item.margin.partition(" (")[0]
        cells = [Text(text) for text in (item.criterion, item.level, band, item.value, item.limit)]
        tail = [Text(margin), *([Text(item.reason)] if wide else [])]
        table.add_row(*cells, status, *tail)
    return table
