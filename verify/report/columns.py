"""A table for a terminal, in which a name or a number is never broken over lines.

What a terminal has no room for is left out in a declared order, `SPARE`; a name that does not
fit then stands in a line of its own above its numbers; where these do not fit either, long words
of statuses are left out. Only reasons wrap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skyassay.verify.report.digits import NOTHING
from skyassay.verify.report.escape import visible
from skyassay.verify.report.style import LOOKS, look

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

#: Columns that a narrow terminal does without, the least important first.
SPARE = ("Level", "Margin")
#: Columns that are statuses: shown with symbol, word and colour.
STATUS_COLUMNS = ("Status", "Verdict", "Point verdict", "Alone")
#: Columns of numbers.
NUMBER_COLUMNS = ("Value", "Limit", "Margin", "n")
#: The last column, which wraps; without so much room for it there is none.
WHY, WHY_ROOM = "Why", 30
#: Room for names below which columns are left out.
NAME_ROOM = 20
#: A status word longer than this is left out last of all; its symbol stays and is explained.
SHORT_WORD = 4
#: Spaces between columns, and where there is little room.
GAP, LITTLE_GAP = 2, 1


@dataclass(frozen=True)
class Sheet:
    """Column names and rows of cells; a cell may have several lines.

    Attributes
    ----------
    leading : int
        Empty lines between rows.
    symbols : bool
        Long words of statuses are left out: PASS and FAIL are written, the others are symbols.
    gap : int
        Spaces between columns.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    leading: int = 0
    symbols: bool = False
    gap: int = GAP

    def without(self, name: str) -> Sheet:
        """Return the table without a column."""
        at = self.columns.index(name)
        rows = tuple(row[:at] + row[at + 1 :] for row in self.rows)
        return replace(self, columns=self.columns[:at] + self.columns[at + 1 :], rows=rows)

    def widths(self) -> list[int]:
        """Return how wide each column would like to be."""
        lines = [[len(head)] for head in self.columns]
        for row in self.rows:
            for at, cell in enumerate(row):
                lines[at] += [len(self.label(at, line)) for line in cell.split("\n")]
        return [max(found) for found in lines]

    def label(self, at: int, line: str) -> str:
        """Return a line of a cell as it is shown."""
        if self.columns[at] not in STATUS_COLUMNS or line in ("", NOTHING):
            return visible(line)
        shown = look(line)
        return shown.symbol if self.symbols and len(shown.word) > SHORT_WORD else shown.label


def natural(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Return the columns of a terminal that has room for all of a table but its reasons."""
    sheet = Sheet(tuple(columns), tuple(map(tuple, rows)))
    found = [w for w, name in zip(sheet.widths(), columns, strict=True) if name != WHY]
    return sum(found) + GAP * (len(found) - 1)


def fit(sheet: Sheet, width: int) -> Sheet:
    """Return the table with what `width` columns have room for."""
    if WHY in sheet.columns and natural(sheet.columns, sheet.rows) + GAP + WHY_ROOM > width:
        sheet = sheet.without(WHY)
    for name in SPARE:
        if _roomy(sheet, width):
            return sheet
        if name in sheet.columns and not (name == "Level" and _tells_apart(sheet)):
            sheet = sheet.without(name)
    if not _roomy(sheet, width):
        sheet = replace(sheet, gap=LITTLE_GAP)
    return sheet if _room(sheet, width) >= GAP else replace(sheet, symbols=True)


def _tells_apart(sheet: Sheet) -> bool:
    """Whether only the level tells two rows apart."""
    at = sheet.columns.index("Level")
    named = [row for row in sheet.rows if row[0]]
    return len({(row[0], row[at]) for row in named}) > len({row[0] for row in named})


def _roomy(sheet: Sheet, width: int) -> bool:
    wanted = sheet.widths()[0]
    return _room(sheet, width) >= min(wanted, NAME_ROOM)


def _room(sheet: Sheet, width: int) -> int:
    """Return what the other columns leave for the first."""
    others = [w for w, name in zip(sheet.widths(), sheet.columns, strict=True) if name != WHY][1:]
    why = WHY_ROOM + sheet.gap if WHY in sheet.columns else 0
    return width - sum(others) - sheet.gap * len(others) - why


def draw(sheet: Sheet, console: Console) -> Sheet:
    """Print a table as far as there is room for it; return what was printed."""
    from rich.text import Text

    sheet = fit(sheet, console.width)
    widths = sheet.widths()
    widths[0] = min(widths[0], max(_room(sheet, console.width), GAP))
    if sheet.columns[-1] == WHY:
        widths[-1] = console.width - sum(widths[:-1]) - sheet.gap * (len(widths) - 1)
    _say(console, Text())
    for line in _lines(sheet, sheet.columns, widths, head=True):
        line.stylize("bold")
        _say(console, line)
    _say(console, Text("─" * min(console.width, sum(widths) + sheet.gap * (len(widths) - 1))))
    for number, row in enumerate(sheet.rows):
        for _ in range(sheet.leading if number else 0):
            _say(console, Text())
        for line in _lines(sheet, row, widths):
            _say(console, line)
    if key := _key(sheet):
        _say(console, Text(key))
    _say(console, Text())
    return sheet


def _key(sheet: Sheet) -> str:
    """Return what the symbols mean that stand without their word."""
    if not sheet.symbols:
        return ""
    at = [i for i, name in enumerate(sheet.columns) if name in STATUS_COLUMNS]
    held = {line for row in sheet.rows for i in at for line in row[i].split("\n")}
    words = [s for s in LOOKS if s in held and len(look(s).word) > SHORT_WORD]
    return ", ".join(look(s).label for s in words)


def _lines(
    sheet: Sheet, row: Sequence[str], widths: Sequence[int], *, head: bool = False
) -> list[Text]:
    """Return the lines of a row; a name without room gets one of its own."""
    from textwrap import wrap

    from rich.text import Text

    cells = [cell.split("\n") for cell in row]
    if sheet.columns[-1] == WHY:
        cells[-1] = [part for line in cells[-1] for part in wrap(visible(line), widths[-1])]
    found = []
    for number in range(max(map(len, cells))):
        line = [cell[number] if number < len(cell) else "" for cell in cells]
        if len(visible(line[0])) > widths[0]:
            found.append(Text(visible(line[0])))
            line[0] = ""
        if any(line):
            shown = [Text(text) if head else _cell(sheet, at, text) for at, text in enumerate(line)]
            found.append(_joined(sheet, shown, widths))
    return found


def _cell(sheet: Sheet, at: int, line: str) -> Text:
    """Return one line of a cell; what names and hints hold is text, never markup."""
    from rich.text import Text

    is_status = sheet.columns[at] in STATUS_COLUMNS and line not in ("", NOTHING)
    return Text(sheet.label(at, line), style=look(line).terminal if is_status else "")


def _joined(sheet: Sheet, cells: Sequence[Text], widths: Sequence[int]) -> Text:
    from rich.text import Text

    padded = []
    for name, cell, wide in zip(sheet.columns, cells, widths, strict=True):
        space = " " * (wide - len(cell))
        padded.append(
            Text.assemble(space, cell) if name in NUMBER_COLUMNS else Text.assemble(cell, space)
        )
    line = Text(" " * sheet.gap).join(padded)
    line.rstrip()
    return line


def _say(console: Console, line: Text) -> None:
    # What has no room even so is left to the terminal to wrap: nothing is cut.
    console.print(line, no_wrap=True, overflow="ignore", crop=False)
