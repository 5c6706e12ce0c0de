"""Measurements and verdicts as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skyassay.metrics.contract import Measurement
from skyassay.verify.records import COMPARISON_RECIPES, Verdict
from skyassay.verify.report.digits import NOTHING, limit_text, plain, with_interval
from skyassay.verify.report.rows import margin
from skyassay.verify.report.style import look

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

#: Rows named for one reason below a table.
NAMED = 3
#: Columns of a terminal that shows everything in one table.
WIDE = 160
#: What is said below a table that shows what a value says without its interval.
ALONE = (
    "Alone, or point verdict: what the bare value would say. "
    "Only a whole interval inside the limit passes, only one outside it fails."
)
#: Why a value has no verdict beside it.
UNASKED = "no verdict: no criterion asks for it at its binding level (assay verify --level all)."
#: Columns of a terminal that has room for the usual tables.
ROOMY = 115
#: Columns that are statuses: shown with symbol, word and colour.
STATUS_COLUMNS = ("Status", "Verdict", "Point verdict", "Alone")


@dataclass(frozen=True)
class Grid:
    """A table of text: column names, rows of cells, a note below.

    A tight one has no column to spare, and cells of several lines (`leading` lines apart);
    `below` keeps the reasons out of the table on any terminal.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    tight: bool = False
    leading: int = 0
    below: bool = False


def measurement_grid(
    measurements: Sequence[Measurement],
    verdicts: Mapping[str, Sequence[Verdict]],
    width: int = WIDE,
) -> Grid:
    """Return one row per measurement, with the verdict at the binding level beside it."""
    rows = [_measurement_row(m, _verdict_on(m, verdicts.get(m.recipe, ()))) for m in measurements]
    names = ("Metric", "Band", "At", "Value", "n", "Verdict", "Point verdict", "Recipe", "Why")
    grid = Grid(names, tuple(rows))
    return grid if width >= ROOMY else _folded(grid)


def _measurement_row(m: Measurement, judged: Verdict | None) -> tuple[str, ...]:
    return (
        m.metric,
        " ".join(x for x in (m.band, m.component) if x) or NOTHING,
        _at(m),
        _value(m),
        str(m.n),
        judged.status if judged else (NOTHING if m.value is not None else m.status),
        (judged.point_status or NOTHING) if judged else NOTHING,
        m.recipe,
        ": ".join(x for x in (m.reason, m.hint) if x) or (why_of(judged) if judged else UNASKED),
    )


def _folded(grid: Grid) -> Grid:
    """Return the measurements for a narrow terminal: band and parameters below the metric."""
    compared = any(row[7] in COMPARISON_RECIPES for row in grid.rows)
    rows = []
    for metric, band, at, value, _, verdict, alone, recipe, why in grid.rows:
        below = " at ".join(x for x in (band.replace(NOTHING, ""), at) if x)
        what = f"{metric}\n  {below}" if below else metric
        rows.append((what, value, verdict, *((alone,) if compared else ()), recipe, why))
    names = ("Metric", "Value", "Verdict", *(("Alone",) if compared else ()), "Recipe", "Why")
    return Grid(names, tuple(rows), tight=True, below=True)


def verdict_grid(verdicts: Sequence[Verdict], *, short: bool = False, width: int = WIDE) -> Grid:
    """Return one row per verdict, and one per band where there are several.

    With `short`, the bands without a value share a row.
    """
    rows = []
    for v in verdicts:
        if not short:
            rows.append(_verdict_row([v], v.criterion))
            rows += [_verdict_row([p], "", "· ") for p in v.parts if len(v.parts) > 1]
            continue
        groups = _groups(v)
        rows.append(_verdict_row(groups[0], v.criterion, short=True))
        rows += [_verdict_row(g, "", "· ", short=True) for g in groups[1:]]
    names = ("Requirement", "Level", "Band", "Value", "Limit", "Status")
    grid = Grid((*names, "Point verdict", "Margin", "Recipe", "Why"), tuple(rows))
    return grid if width >= ROOMY else _folded_verdicts(grid)


def _folded_verdicts(grid: Grid) -> Grid:
    """Return the verdicts for a narrow terminal: band and limit below the requirement."""
    compared = any(row[8] in COMPARISON_RECIPES for row in grid.rows)
    named = [row for row in grid.rows if row[0]]
    levels = len({row[:2] for row in named}) > len({row[0] for row in named})
    rows = []
    for criterion, level, band, value, limit, status, alone, margined, recipe, why in grid.rows:
        head = f"{criterion} {level}" if levels else criterion
        what = f"  {band.removeprefix('· ').replace(NOTHING, '')} {limit}".replace("   ", "  ")
        first = f"{head}\n{what}" if criterion else what
        # the numbers stand beside the band, below the name
        drop = "\n" if criterion else ""
        cells = (value, status, *((alone,) if compared else ()), margined)
        rows.append((first, *(drop + cell for cell in cells), recipe, why))
    names = ("Requirement", "Value", "Status", *(("Alone",) if compared else ()), "Margin")
    return Grid((*names, "Recipe", "Why"), tuple(rows), tight=True, below=True)


def show(grid: Grid, console: Console) -> None:
    """Print a grid on a terminal: a status is a symbol and a word, and a colour besides.

    A terminal of less than 160 columns gets the reasons below the table.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    padding = (0, 1, 0, 0) if grid.tight else (0, 1)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=padding, leading=grid.leading)
    narrow = console.width < WIDE or grid.below
    kept = [i for i in range(len(grid.columns)) if not _spare(grid, i, narrow)]
    for name in (grid.columns[i] for i in kept):
        right = name in ("Value", "Limit", "Margin", "n")
        fold = name == "Why" or (grid.tight and name == grid.columns[0])
        table.add_column(
            name, justify="right" if right else "left", no_wrap=not fold, overflow="fold"
        )
    for row in grid.rows:
        table.add_row(*(_text(grid.columns[i], row[i]) for i in kept))
    console.print(table)
    below = [grid.note] if grid.note else []
    if _says_alone(grid, kept):
        below.append(ALONE)
    if narrow and "Why" in grid.columns:
        below += _reasons(grid)
    for line in below:
        console.print(Text(visible(line)))


def _says_alone(grid: Grid, kept: Sequence[int]) -> bool:
    """Whether a table shows what a value says without its interval."""
    heads = {"Alone", "Point verdict"} & {grid.columns[i] for i in kept}
    return bool(heads) or any("\nalone: " in cell for row in grid.rows for cell in row)


def _text(column: str, cell: str) -> Text:
    """Return one cell; what names and hints hold is text, never markup."""
    from rich.text import Text

    if column not in STATUS_COLUMNS:
        return Text(visible(cell))
    return Text("\n").join(
        Text(line) if line in ("", NOTHING) else Text(look(line).label, style=look(line).terminal)
        for line in cell.split("\n")
    )


def _reasons(grid: Grid) -> list[str]:
    """Return each reason once, with the first rows it holds for."""
    where: dict[str, list[str]] = {}
    name = ""
    for row in grid.rows:
        name = row[0].partition("\n")[0] or name
        for reason in filter(None, row[-1].split("\n")):
            where.setdefault(reason, []).append(name)
    lines = []
    for why, names in where.items():
        known = list(dict.fromkeys(names))
        more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
        lines.append(f"{why} ({', '.join(known[:NAMED])}{more})")
    return lines


def visible(text: str) -> str:
    """Return text without control characters: a name cannot steer the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def _spare(grid: Grid, index: int, narrow: bool) -> bool:
    """Whether a terminal can do without a column: it is too narrow, or nothing is in it."""
    name = grid.columns[index]
    held = {row[index] for row in grid.rows}
    if name == "Point verdict":
        recipe = grid.columns.index("Recipe")
        return narrow and not any(row[recipe] in COMPARISON_RECIPES for row in grid.rows)
    if name in ("Why", "n"):
        return narrow
    if name == "Level":
        return narrow and len({row[0] for row in grid.rows}) == len({row[:2] for row in grid.rows})
    return name == "Recipe" and not grid.leading and len(held - {NOTHING}) <= 1


def _groups(v: Verdict) -> list[list[Verdict]]:
    """Return the parts of a verdict, those without a value together, the deciding ones first."""
    groups: dict[object, list[Verdict]] = {}
    for p in v.parts or (v,):
        groups.setdefault(p.status if p.value is None else place_of(p), []).append(p)
    decisive = (v.status, v.band, v.component)
    return sorted(
        groups.values(), key=lambda g: decisive not in [(p.status, p.band, p.component) for p in g]
    )


def _verdict_row(
    group: Sequence[Verdict], criterion: str, mark: str = "", *, short: bool = False
) -> tuple[str, ...]:
    """Return one row for verdicts that look alike."""
    v = group[0]
    unit = f" {v.unit}" if v.unit and v.value is not None else ""
    return (
        criterion,
        v.level if criterion else "",
        mark + " ".join(place_of(p) for p in group),
        with_interval(v.value, v.low, v.high) + unit,
        limit_text(v.op, v.limit, v.unit),
        v.status,
        v.point_status or NOTHING,
        margin(v).partition(" (")[0] if short else margin(v),
        v.recipe or NOTHING,
        _why_all(group),
    )


def _why_all(group: Sequence[Verdict]) -> str:
    """Return the reasons of several bands, those that are missing in one breath."""
    missing = [place_of(p) for p in group if p.reason == "band_missing"]
    others = dict.fromkeys(why_of(p) for p in group if p.reason != "band_missing")
    first = [f"band_missing: Nothing was measured in band {', '.join(missing)}."] if missing else []
    return " ".join([*first, *others])


def why_of(v: Verdict) -> str:
    """Return reason and hint of a verdict."""
    return ": ".join(x for x in (v.reason, v.hint) if x)


def place_of(v: Verdict) -> str:
    """Return band and component of a verdict."""
    return " ".join(x for x in (v.band, v.component) if x) or NOTHING


def _value(m: Measurement) -> str:
    low, high = (m.interval.low, m.interval.high) if m.interval else (None, None)
    return with_interval(m.value, low, high) + (f" {m.unit}" if m.value is not None else "")


def _at(m: Measurement) -> str:
    return ", ".join(
        f"{name} = {plain(value)} {m.at_units.get(name, '')}".strip()
        for name, value in sorted(m.at.items())
    )


def _verdict_on(m: Measurement, verdicts: Sequence[Verdict]) -> Verdict | None:
    """Return the worst verdict that was reached on one measurement at a binding level."""
    from skyassay.verify.status import worst

    place = (m.metric, m.band, m.component)
    parts = [
        p
        for v in verdicts
        if v.binding
        for p in v.parts or (v,)
        if (p.metric, p.band, p.component) == place and dict(p.at) == dict(m.at)
    ]
    return worst(parts) if parts else None
