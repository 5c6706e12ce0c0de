"""The gate's answer for a terminal."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from skyassay.verify.gate.model import Entry, GateReport
from skyassay.verify.gate.words import MAX_ROWS, headline, row
from skyassay.verify.report.digits import NOTHING, plain
from skyassay.verify.report.style import look

if TYPE_CHECKING:
    from rich.table import Table

#: Narrower terminals get the reasons below the table instead of in it.
WIDE = 140


def to_table(report: GateReport, *, width: int = 120, colour: bool = False) -> str:
    """Return a table of the worst entries and the answer in one line.

    Quantities that did not change, requirements that are met and those that nobody
    measured are counted, not listed.

    Parameters
    ----------
    report : GateReport
    width : int
        Columns of the terminal.
    colour : bool
        Whether to write terminal colours.
    """
    from rich.console import Console
    from rich.text import Text

    listed = [entry for entry in report.entries if _is_news(entry)]
    shown = listed[:MAX_ROWS]
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=colour, no_color=not colour)
    if shown:
        console.print(_table(shown, wide=width >= WIDE))
    same = sum(entry.code == "identical" for entry in report.entries)
    if same:
        console.print(f"{same} quantities are identical to the base.", highlight=False)
    if width < WIDE:
        for entry in shown:
            if entry.status in ("ERROR", "FAIL", "INCONCLUSIVE"):
                text = Text(look(entry.status).symbol, style=look(entry.status).terminal)
                console.print(text.append(f" {row(entry)[2]}: {entry.message}", style="default"))
        console.print()
    if len(listed) > len(shown):
        console.print(f"{len(listed) - len(shown)} more: see --format json.", highlight=False)
    console.print(Text(headline(report), style=look(report.status).terminal))
    return out.getvalue()


def _table(entries: list[Entry], *, wide: bool) -> Table:
    """Return the table of entries, with the reasons where there is room."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Status", no_wrap=True)
    table.add_column("Quantity or requirement", overflow="fold")
    table.add_column("Base → head", justify="right", no_wrap=True)
    table.add_column("Change", justify="right", no_wrap=True)
    table.add_column("Allowed", justify="right", no_wrap=True)
    if wide:
        table.add_column("Why", overflow="fold")
    for entry in entries:
        status, _, quantity, _, _, change, margin, why = row(entry)
        if not wide and entry.question == "regression":
            quantity = quantity.partition(".")[2] or quantity
        cells = [quantity, _values(entry), change, margin, *([why] if wide else [])]
        table.add_row(Text(status, style=look(entry.status).terminal), *map(Text, cells))
    return table


def _is_news(entry: Entry) -> bool:
    """Return whether an entry is listed on a terminal."""
    if entry.code in ("not_measured_on_either_side", "identical"):
        return False
    return entry.question == "regression" or entry.status not in ("PASS", "REPORTED")


def _values(entry: Entry) -> str:
    """Return base and head value with their unit, once if they are the same."""
    if entry.base is None and entry.head is None:
        return NOTHING
    unit = f" {entry.unit}" if entry.unit else ""
    values = [plain(v) + (unit if v is not None else "") for v in (entry.base, entry.head)]
    if entry.base is not None and entry.head is not None:
        values[0] = plain(entry.base)
    return values[1] if entry.base == entry.head else " → ".join(values)
