"""Verdicts of several recipes beside each other: a column each, or a line on a narrow terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from skyassay.verify.records import Verdict
from skyassay.verify.report.columns import natural
from skyassay.verify.report.digits import NOTHING, limit_text, with_interval
from skyassay.verify.report.style import look
from skyassay.verify.tabular import Grid, place_of, why_of


@dataclass(frozen=True)
class _Place:
    """One criterion at one level in one band, as each recipe found it."""

    criterion: str
    level: str
    bands: tuple[str, ...]
    found: Mapping[str, Verdict]

    @property
    def limit(self) -> str:
        """The limit, as text."""
        one = next(iter(self.found.values()))
        return limit_text(one.op, one.limit, one.unit)

    @property
    def has_value(self) -> bool:
        """Whether any recipe found a value."""
        return any(v.value is not None for v in self.found.values())


def recipe_grid(
    by_recipe: Mapping[str, Sequence[Verdict]], width: int, *, measured: bool = False
) -> Grid:
    """Return the verdicts of each recipe on each criterion, level and band.

    Bands of which every recipe says the same share a row.

    Parameters
    ----------
    by_recipe : mapping of str to sequence of Verdict
    width : int
        Columns of the terminal.
    measured : bool
        Leave out what no recipe has a value of; the grid says how many rows that were.
    """
    places = list(_joined(_places(by_recipe), tuple(by_recipe)))
    kept = [p for p in places if p.has_value] if measured else places
    left = len(places) - len(kept)
    note = ""
    if left:
        note = f"{left} rows that no recipe has a value of are left out (assay verify has them)."
    heads = ("Requirement", "Level", "Band", "Limit", *by_recipe, "Why")
    beside = tuple(_wide(p, tuple(by_recipe)) for p in kept)
    if natural(heads, beside) <= width:
        return Grid(heads, beside, note, below=True)
    names = ("Requirement", "Recipe", "Value", "Verdict", "Alone", "Why")
    rows = tuple(_stacked(p, tuple(by_recipe)) for p in kept)
    return Grid(names, rows, note, leading=1, below=True)


def _places(by_recipe: Mapping[str, Sequence[Verdict]]) -> Iterator[_Place]:
    cells: dict[tuple[str, str, str], dict[str, Verdict]] = {}
    for recipe, verdicts in by_recipe.items():
        for v in verdicts:
            for p in v.parts or (v,):
                cells.setdefault((v.criterion, v.level, place_of(p)), {})[recipe] = p
    for (criterion, level, band), mine in cells.items():
        yield _Place(criterion, level, (band,), mine)


def _joined(places: Iterator[_Place], recipes: tuple[str, ...]) -> Iterator[_Place]:
    """Yield the places with those that look alike as one."""
    groups: dict[tuple[str, ...], list[_Place]] = {}
    for p in places:
        cells = (_cell(p.found.get(r)) for r in recipes)
        groups.setdefault((p.criterion, p.level, p.limit, *cells), []).append(p)
    for group in groups.values():
        first = group[0]
        bands = tuple(band for p in group for band in p.bands)
        yield _Place(first.criterion, first.level, bands, first.found)


def _wide(p: _Place, recipes: tuple[str, ...]) -> tuple[str, ...]:
    cells = (_cell(p.found.get(recipe)) for recipe in recipes)
    return p.criterion, p.level, " ".join(p.bands), p.limit, *cells, _why(p)


def _stacked(p: _Place, recipes: tuple[str, ...]) -> tuple[str, ...]:
    """Return one row with a line per recipe."""
    there = [(name, p.found[name]) for name in recipes if name in p.found]
    what: tuple[str, ...] = (p.criterion, " ".join(p.bands), p.limit)
    if not p.has_value and len({v.status for _, v in there}) == 1:
        there, what = [("every recipe", there[0][1])], what[:2]
    return (
        "\n".join(what),
        "\n".join(name for name, _ in there),
        "\n".join(with_interval(v.value, v.low, v.high) for _, v in there),
        "\n".join(v.status for _, v in there),
        "\n".join(v.point_status or NOTHING for _, v in there),
        _why(p),
    )


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


def _why(p: _Place) -> str:
    """Return why a recipe decides nothing, for those that have a value; each reason once."""
    reasons = [
        f"{name}: {why_of(v)}" for name, v in p.found.items() if v.value is not None and v.reason
    ]
    return "\n".join(reasons)
