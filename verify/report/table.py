"""The requirement table for a terminal: in full, and as a digest."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

from skyassay.verify.records import STATUS_ORDER, Verdict
from skyassay.verify.report.columns import WHY, Sheet, draw
from skyassay.verify.report.escape import visible
from skyassay.verify.report.model import ReleaseReport
from skyassay.verify.report.reasons import reasons
from skyassay.verify.report.remarks import remarks
from skyassay.verify.report.rows import row
from skyassay.verify.report.style import look

if TYPE_CHECKING:
    from rich.console import Console

#: Narrower terminals get the reasons below the table, and margins without their deviations.
WIDE = 140
#: Passed criteria a digest names: those with the least room to the limit.
TIGHTEST = 3


def to_table(report: ReleaseReport, *, width: int = 120, colour: bool = False) -> str:
    """Return the report for a terminal: every criterion that was tried, worst first, and why.

    Parameters
    ----------
    report : ReleaseReport
    width : int
        Columns of the terminal.
    colour : bool
        Whether to write terminal colours.
    """
    out = StringIO()
    console = _headed(report, out, width, colour)
    shown = _draw(report.attempted(), console) if report.attempted() else None
    inside = shown is not None and WHY in shown.columns
    lines = [reason.whole() for reason in reasons(report) if not inside or _absent(reason.status)]
    for line in (*lines, *remarks(report.findings)):
        _say(console, line)
    _say(console, _counted(report), "bold")
    return out.getvalue()


def to_digest(report: ReleaseReport, *, more: str, width: int = 120, colour: bool = False) -> str:
    """Return what must be seen of a run: what failed, what is undecided and why, the counts.

    Parameters
    ----------
    report : ReleaseReport
    more : str
        The command that shows everything.
    width, colour
        As `to_table`.
    """
    out = StringIO()
    console = _headed(report, out, width, colour)
    open_ones = [v for v in report.attempted() if v.status in ("FAIL", "INCONCLUSIVE")]
    if open_ones:
        _draw(open_ones, console, why=False)
    for reason in reasons(report, merged=True):
        _say(console, _cut(reason.brief(), width))
    if line := _passed(report):
        _say(console, line)
    told = [f for f in report.findings if f.severity != "info"]
    for line in remarks(told, first=True):
        _say(console, line)
    _say(console, _counted(report), "bold")
    infos = len(report.findings) - len(told)
    also = f", and {infos} infos about the tables" if infos else ""
    console.print(f"Every criterion and reason{also}: {more}", soft_wrap=True, markup=False)
    return out.getvalue()


def summary(report: ReleaseReport) -> str:
    """Return the counts in one line."""
    counts = report.counts()
    known = [f"{number} {status}" for status, number in sorted(counts.items())]
    asked = sum(report.not_attempted().values())
    tail = f"; {asked} criteria not attempted" if asked else ""
    return (", ".join(known) or "nothing was judged") + tail


def _counted(report: ReleaseReport) -> str:
    """Return the counts with the symbols of the statuses."""
    line = summary(report)
    for status in report.counts():
        line = line.replace(f" {status}", f" {look(status).word} {look(status).symbol}")
    return line


def _headed(report: ReleaseReport, out: StringIO, width: int, colour: bool) -> Console:
    """Return a console on which it is said which run this is."""
    from rich.console import Console

    console = Console(
        file=out, width=width, force_terminal=colour, no_color=not colour, highlight=False
    )
    run = report.run
    _say(console, f"{run.id}: {run.subject} ({run.evidence_level})", "bold")
    return console


def _say(console: Console, line: str, style: str = "") -> None:
    from rich.text import Text

    console.print(Text(visible(line), style=style))


def _cut(line: str, width: int) -> str:
    """Return one line of the terminal; what is left out is in the whole report."""
    return line if len(line) <= width else line[: width - 1] + "…"


def _absent(status: str) -> bool:
    return status == "NOT_MEASURED"  # its parts have reasons the row of a criterion does not show


def _passed(report: ReleaseReport) -> str:
    """Name the passed criteria with the least room to their limits, of those with an interval."""
    passed = [v for v in report.attempted() if v.status == "PASS"]
    near = sorted(
        (v for v in passed if v.margin_percent is not None and v.low is not None),
        key=lambda v: v.margin_percent or 0.0,
    )[:TIGHTEST]
    if not near:
        return ""
    named = ", ".join(f"{v.criterion} {_percent(v)}" for v in near)
    return f"✔ {len(passed)} PASS, those with the least room to the limit: {named}"


def _percent(verdict: Verdict) -> str:
    return row(verdict).margin.partition(" (")[0]


def _draw(verdicts: Sequence[Verdict], console: Console, *, why: bool = True) -> Sheet:
    """Print the table of verdicts."""
    wide = console.width >= WIDE
    ordered = sorted(verdicts, key=lambda v: STATUS_ORDER.index(v.status))
    rows = []
    for item in map(row, ordered):
        band = item.quantity if wide else item.quantity.partition("at ")[0].strip()
        margin = item.margin if wide else item.margin.partition(" (")[0]
        cells = (item.criterion, item.level, band, item.value, item.limit, item.status, margin)
        rows.append((*cells, item.reason))
    names = ("Requirement", "Level", "Band", "Value", "Limit", "Status", "Margin", WHY)
    sheet = Sheet(names, tuple(rows))
    return draw(sheet if wide and why else sheet.without(WHY), console)
