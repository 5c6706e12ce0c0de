"""A night's reports as JSON, as Markdown and for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from io import StringIO
from textwrap import wrap
from typing import Any

from skyassay.verify.night.model import Cell, NightReport, Report, Section
from skyassay.verify.report.digits import NOTHING, plain
from skyassay.verify.report.escape import markdown_cell

SCHEMA = "skyassay.night/1"
#: Rows of a table that are written for people; JSON has all.
MOST_ROWS = 60
#: The same on a terminal.
FEW_ROWS = 20
#: What is longer is a sentence, and may be broken.
LONGEST_NAME = 40
#: Room that a column of sentences needs.
SENTENCE = 16
#: Whole numbers beyond this are not exact in every JSON reader.
_EXACT = 2**53


def to_json(report: NightReport) -> str:
    """Return everything as one JSON document; what is not known is null."""
    run = report.run
    document = {
        "schema": SCHEMA,
        "run": run.id,
        "subject": run.subject,
        "evidence_level": run.evidence_level,
        "night": dict(report.night),
        "reports": [_report(one) for one in report.reports],
        "gaps": _section(report.gaps)["rows"],
    }
    return json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def _report(report: Report) -> dict[str, Any]:
    return {
        "name": report.name,
        "title": report.title,
        "requirements": list(report.requirements),
        "seconds": report.seconds,
        "sentences": list(report.sentences),
        "sections": [_section(one) for one in report.sections],
    }


def _section(section: Section) -> dict[str, Any]:
    names = [name for name, _ in section.columns]
    return {
        "name": section.name,
        "title": section.title,
        "note": section.note,
        "columns": [{"name": name, "unit": unit} for name, unit in section.columns],
        "rows": [
            {n: _exact(value) for n, value in zip(names, row, strict=True)} for row in section.rows
        ],
    }


def _exact(value: Cell) -> Cell:
    big = isinstance(value, int) and not isinstance(value, bool) and abs(value) > _EXACT
    return str(value) if big else value


def to_markdown(report: NightReport) -> str:
    """Return the reports as Markdown."""
    lines = [f"# Night {_title(report)}", "", markdown_cell(_whose(report)), ""]
    for one in report.reports:
        asked = f"Asked for by {', '.join(one.requirements)}."
        lines += [
            f"## {one.title}",
            "",
            asked,
            "",
            *(f"* {markdown_cell(s)}" for s in one.sentences),
        ]
        lines += [f"* {_made(one)}", ""]
        for section in one.sections:
            lines += _markdown(section)
    return "\n".join([*lines, *_markdown(report.gaps)])


def _markdown(section: Section) -> list[str]:
    lines = [f"### {section.title}", ""]
    if section.rows:
        body = [" | ".join(markdown_cell(text(c)) for c in r) for r in section.rows[:MOST_ROWS]]
        lines.append("| " + " | ".join(markdown_cell(h) for h in heads(section)) + " |")
        lines += ["|" + " --- |" * len(section.columns), *(f"| {row} |" for row in body), ""]
    notes = [note for note in (more(section), section.note) if note]
    return [*lines, *(f"{markdown_cell(note)}\n" for note in notes)]


def to_table(report: NightReport, *, width: int = 120, colour: bool = False) -> str:
    """Return the reports for a terminal."""
    from rich.console import Console
    from rich.text import Text

    out = StringIO()
    console = Console(file=out, width=width, force_terminal=colour, no_color=not colour)
    console.print(Text(f"Night {_title(report)}: {_whose(report)}", style="bold"))
    for one in report.reports:
        console.print(Text(f"\n{one.title.upper()} ({', '.join(one.requirements)})", style="bold"))
        for sentence in (*one.sentences, _made(one)):
            console.print(Text(f"  {sentence}"))
        for section in (*one.sections, *([report.gaps] if one is report.reports[-1] else [])):
            console.print(Text(f"\n{section.title}", style="bold"))
            if section.rows:
                console.print(_table(section, width))
            for note in (more(section, FEW_ROWS), section.note):
                if note:
                    console.print(Text(f"  {note}"))
    return out.getvalue()


def _table(section: Section, width: int) -> Any:
    """Return a section's table; names and numbers are not broken where there is room."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    rows = [[text(cell) for cell in row] for row in section.rows[:FEW_ROWS]]
    columns = list(zip(*rows, strict=True))
    whole = [_is_name(cells) for cells in columns]
    named = [
        _broken(h, c) if w else h for h, c, w in zip(heads(section), columns, whole, strict=True)
    ]
    needed = sum(
        max(len(line) for line in (*head.split("\n"), *cells)) if one else SENTENCE
        for head, cells, one in zip(named, columns, whole, strict=True)
    )
    room = needed + 2 * len(columns) <= width
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for at, (head, number) in enumerate(zip(named, numeric(section), strict=True)):
        table.add_column(
            Text(head),
            justify="right" if number else "left",
            overflow="fold",
            # Of the first column, which says what a row is about, at any rate.
            no_wrap=whole[at] and (room or at == 0),
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _is_name(cells: Sequence[str]) -> bool:
    """Return whether a column is of names, numbers or times: only sentences are broken."""
    return all(cell.count(" ") <= 1 and len(cell) <= LONGEST_NAME for cell in cells)


def _broken(head: str, cells: Sequence[str]) -> str:
    """Return a head in lines as narrow as its column."""
    return "\n".join(wrap(head, max(len(part) for part in (*cells, *head.split()))))


def heads(section: Section) -> list[str]:
    """Return the heads of the columns with their units."""
    return [f"{name} ({unit})" if unit else name for name, unit in section.columns]


def numeric(section: Section) -> list[bool]:
    """Return which columns hold numbers that are read as such; ids are not among them."""
    columns: Iterable[Sequence[Cell]] = zip(*section.rows, strict=True) if section.rows else ()
    found = [
        any(isinstance(c, int | float) and not isinstance(c, bool) for c in column)
        and all(c is None or isinstance(c, int | float) for c in column)
        for column in columns
    ]
    return found or [False] * len(section.columns)


def more(section: Section, most: int = MOST_ROWS) -> str:
    """Say how many rows are not written."""
    left = len(section.rows) - most
    return f"{left} more rows are in the JSON." if left > 0 else ""


def text(value: Cell) -> str:
    """Return a value for people."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(value) if isinstance(value, float) else str(value)


def _title(report: NightReport) -> str:
    night = report.night.get("night")
    return NOTHING if night is None else str(night)


def _whose(report: NightReport) -> str:
    run, night = report.run, report.night
    words = f"{run.subject}, evidence {run.evidence_level}, run {run.id}"
    if not night.get("begin"):
        return words
    done = night.get("processed") or "at an unknown time"
    return (
        f"{words}. First visit {night['begin']}, last readout {night['end']}, processed {done} "
        "UTC by the modelled clock"
    )


def _made(report: Report) -> str:
    if report.seconds is None:
        return "How long the report took is not known."
    return f"The report took {report.seconds:.2f} s."
