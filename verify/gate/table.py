"""The gate's answer for a terminal."""

from __future__ import annotations

from io import StringIO

from skyassay.verify.gate.model import GateReport
from skyassay.verify.gate.words import headline, notable, row
from skyassay.verify.report.style import look


def to_table(report: GateReport, *, width: int = 120, colour: bool = False) -> str:
    """Return a table of the worst entries and the answer in one line.

    Parameters
    ----------
    report : GateReport
    width : int
        Columns of the terminal.
    colour : bool
        Whether to write terminal colours.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown, left_out = notable(report)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, expand=False)
    table.add_column("Status", no_wrap=True)
    table.add_column("Quantity", ratio=3, overflow="fold")
    table.add_column("Base → head", ratio=3, overflow="fold")
    table.add_column("Change", no_wrap=True, justify="right")
    table.add_column("Margin or limit", no_wrap=True, justify="right")
    table.add_column("Why", ratio=3, overflow="fold")
    for entry in shown:
        status, _, quantity, base, head, change, margin, why = row(entry)
        values = base if entry.base == entry.head else f"{base} → {head}"
        cells = [quantity, values, change, margin, why]
        table.add_row(Text(status, style=look(entry.status).terminal), *map(Text, cells))
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=colour, no_color=not colour)
    console.print(table)
    if left_out:
        console.print(f"{left_out} more: see --format json.", highlight=False)
    console.print(Text(headline(report), style=look(report.status).terminal))
    return out.getvalue()
