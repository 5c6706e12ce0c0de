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
#: Columns that are statuses: shown with symbol, word and colour.
STATUS_COLUMNS = ("Status", "Verdict", "Point verdict")


@dataclass(frozen=True)
class Grid:
    """A table of text: column names, rows of cells."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def measurement_grid(
    measurements: Sequence[Measurement], verdicts: Mapping[str, Sequence[Verdict]]
) -> Grid:
    """Return one row per measurement, with the verdict at the binding level beside it."""
    rows = []
    for m in measurements:
        judged = _verdict_on(m, verdicts.get(m.recipe, ()))
        rows.append(
            (
                m.metric,
                " ".join(x for x in (m.band, m.component) if x) or NOTHING,
                _at(m),
                _value(m),
                str(m.n),
                judged.status if judged else (NOTHING if m.value is not None else m.status),
                (judged.point_status or NOTHING) if judged else NOTHING,
                m.recipe,
                ": ".join(x for x in (m.reason, m.hint) if x) or (_why(judged) if judged else ""),
            )
        )
    names = ("Metric", "Band", "At", "Value", "n", "Verdict", "Point verdict", "Recipe", "Why")
    return Grid(names, tuple(rows))


def verdict_grid(verdicts: Sequence[Verdict], *, short: bool = False) -> Grid:
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
    return Grid((*names, "Point verdict", "Margin", "Recipe", "Why"), tuple(rows))


def recipe_grid(by_recipe: Mapping[str, Sequence[Verdict]]) -> Grid:
    """Return one row per criterion, level and band, and a column per recipe.

    Bands that no recipe measured share a row.
    """
    cells: dict[tuple[str, str], dict[str, dict[str, Verdict]]] = {}
    for recipe, verdicts in by_recipe.items():
        for v in verdicts:
            places = cells.setdefault((v.criterion, v.level), {})
            for p in v.parts or (v,):
                places.setdefault(_place(p), {})[recipe] = p
    rows = []
    for (criterion, level), places in cells.items():
        lines: dict[tuple[str, ...], list[str]] = {}
        for place, found in places.items():
            one = next(iter(found.values()))
            limit = limit_text(one.op, one.limit, one.unit)
            key = (limit, *(_cell(found.get(recipe)) for recipe in by_recipe))
            lines.setdefault(key, []).append(place)
        rows += [(criterion, level, " ".join(names), *key) for key, names in lines.items()]
    return Grid(("Requirement", "Level", "Band", "Limit", *by_recipe), tuple(rows))


def show(grid: Grid, console: Console) -> None:
    """Print a grid on a terminal: a status is a symbol and a word, and a colour besides.

    A terminal of less than 160 columns gets the reasons below the table.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    narrow = console.width < WIDE
    kept = [i for i in range(len(grid.columns)) if not _spare(grid, i, narrow)]
    for name in (grid.columns[i] for i in kept):
        right = name in ("Value", "Limit", "Margin", "n")
        fold = name == "Why"
        table.add_column(
            name, justify="right" if right else "left", no_wrap=not fold, overflow="fold"
        )
    for row in grid.rows:
        table.add_row(*(_text(grid.columns[i], row[i]) for i in kept))
    console.print(table)
    if narrow and "Why" in grid.columns:
        for line in _reasons(grid):
            console.print(Text(visible(line)))


def _text(column: str, cell: str) -> Text:
    """Return one cell; what names and hints hold is text, never markup."""
    from rich.text import Text

    if column in STATUS_COLUMNS and cell != NOTHING:
        return Text(look(cell).label, style=look(cell).terminal)
    return Text(visible(cell))


def _reasons(grid: Grid) -> list[str]:
    """Return each reason once, with the first rows it holds for."""
    where: dict[str, list[str]] = {}
    name = ""
    for row in grid.rows:
        name = row[0] or name
        if row[-1]:
            where.setdefault(row[-1], []).append(name)
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
    return name == "Recipe" and len(held - {NOTHING}) <= 1


def _groups(v: Verdict) -> list[list[Verdict]]:
    """Return the parts of a verdict, those without a value together, the deciding ones first."""
    groups: dict[object, list[Verdict]] = {}
    for p in v.parts or (v,):
        groups.setdefault(p.status if p.value is None else _place(p), []).append(p)
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
        mark + " ".join(_place(p) for p in group),
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
    missing = [_place(p) for p in group if p.reason == "band_missing"]
    others = dict.fromkeys(_why(p) for p in group if p.reason != "band_missing")
    first = [f"band_missing: Nothing was measured in band {', '.join(missing)}."] if missing else []
    return " ".join([*first, *others])


def _why(v: Verdict) -> str:
    return ": ".join(x for x in (v.reason, v.hint) if x)


def _cell(v: Verdict | None) -> str:
    """Return value, verdict and what the bare value would say, each on its line."""
    if v is None:
        return NOTHING
    if v.value is None:
        return look(v.status).label
    lines = [with_interval(v.value, v.low, v.high), look(v.status).label]
    if v.point_status is not None:
        lines.append(f"alone: {look(v.point_status).label}")
    return "\n".join(lines)


def _place(v: Verdict) -> str:
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
