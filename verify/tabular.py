"""Measurements and verdicts as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skyassay.metrics.contract import Measurement
from skyassay.verify.records import COMPARISON_RECIPES, STATUS_ORDER, Verdict
from skyassay.verify.report.columns import WHY, Sheet, draw, natural
from skyassay.verify.report.digits import NOTHING, limit_text, plain, with_interval
from skyassay.verify.report.escape import visible
from skyassay.verify.report.rows import margin

if TYPE_CHECKING:
    from rich.console import Console

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


@dataclass(frozen=True)
class Grid:
    """A table of text: column names, rows of cells, a note below.

    Cells may have several lines (`leading` lines apart); `below` keeps the reasons out of the
    table on any terminal.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
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
    return grid if natural(names, rows) <= width else _folded(grid)


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
        # the numbers stand beside the band, below the name
        drop = "\n" if below else ""
        cells = (value, verdict, *((alone,) if compared else ()))
        rows.append((what, *(drop + cell for cell in cells), recipe, why))
    names = ("Metric", "Value", "Verdict", *(("Alone",) if compared else ()), "Recipe", "Why")
    return Grid(names, tuple(rows), below=True)


def verdict_grid(verdicts: Sequence[Verdict], *, short: bool = False) -> Grid:
    """Return one row per verdict, worst first, and one per band where there are several.

    With `short`, the bands without a value share a row.
    """
    rows = []
    for v in sorted(verdicts, key=lambda v: STATUS_ORDER.index(v.status)):
        if not short:
            rows.append(_verdict_row([v], v.criterion))
            rows += [_verdict_row([p], "", "· ") for p in v.parts if len(v.parts) > 1]
            continue
        groups = _groups(v)
        rows.append(_verdict_row(groups[0], v.criterion, short=True))
        rows += [_verdict_row(g, "", "· ", short=True) for g in groups[1:]]
    names = ("Requirement", "Level", "Band", "Value", "Limit", "Status")
    return Grid((*names, "Point verdict", "Margin", "Recipe", "Why"), tuple(rows))


def show(grid: Grid, console: Console) -> None:
    """Print a grid on a terminal: a status is a symbol and a word, and a colour besides.

    A terminal of less than 160 columns gets the reasons below the table.
    """
    from rich.text import Text

    narrow = console.width < WIDE or grid.below
    kept = [i for i in range(len(grid.columns)) if not _spare(grid, i, narrow)]
    names = tuple(grid.columns[i] for i in kept)
    rows = tuple(tuple(row[i] for i in kept) for row in grid.rows)
    drawn = draw(Sheet(names, rows, grid.leading), console)
    below = [grid.note] if grid.note else []
    if _says_alone(grid, kept):
        below.append(ALONE)
    if WHY in grid.columns and WHY not in drawn.columns:
        below += _reasons(grid)
    for line in below:
        console.print(Text(visible(line)))


def _says_alone(grid: Grid, kept: Sequence[int]) -> bool:
    """Whether a table shows what a value says without its interval."""
    heads = {"Alone", "Point verdict"} & {grid.columns[i] for i in kept}
    return bool(heads) or any("\nalone: " in cell for row in grid.rows for cell in row)


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


def _spare(grid: Grid, index: int, narrow: bool) -> bool:
    """Whether a terminal can do without a column: it is too narrow, or nothing is in it."""
    name = grid.columns[index]
    held = {row[index] for row in grid.rows}
    if name == "Point verdict":
        recipe = grid.columns.index("Recipe")
        return narrow and not any(row[recipe] in COMPARISON_RECIPES for row in grid.rows)
    if name in ("Why", "n"):
        return narrow
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
