"""One criterion at all its levels: limits beside verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from skyassay.dashboards.collect import RequirementData
from skyassay.dashboards.compute.standing import worst_verdict
from skyassay.dashboards.status import Standing, standing
from skyassay.dashboards.text import ABSENT, comparison, quantity
from skyassay.requirements_map import Criterion
from skyassay.verify.records import Verdict

#: Levels as a reader expects them, loosest first.
LEVEL_ORDER: Final = ("minimum", "design", "stretch", "given")


@dataclass(frozen=True)
class LevelCell:
    """One criterion at one level: the limit, and the verdict if there is one."""

    level: str
    binding: bool
    limit: str
    at: str
    verdict: Verdict | None

    @property
    def standing(self) -> Standing | None:
        """Its status; None where nothing is judged (no verdict, or not a limit)."""
        if self.verdict is None or (self.verdict.reason or "").startswith("role_"):
            return None
        return standing(self.verdict)


@dataclass(frozen=True)
class CriterionRow:
    """One criterion at all its levels.

    Attributes
    ----------
    deciding : bool
        False for conditions, thresholds and illustrations: they are never judged.
    chosen : bool
        Whether the rest of the page is about this one.
    """

    id: str
    name: str
    text: str
    kind: str
    role: str
    deciding: bool
    metric: str | None
    bands: str
    unit: str
    op: str
    cells: tuple[LevelCell, ...]
    chosen: bool
    note: str

    @property
    def by_level(self) -> Mapping[str, LevelCell]:
        """Its cells by level."""
        return {cell.level: cell for cell in self.cells}

    @property
    def binding(self) -> Verdict | None:
        """The verdict at the binding level."""
        return next((cell.verdict for cell in self.cells if cell.binding), None)


def _criterion(data: RequirementData, name: str | None) -> Criterion | None:
    """Return the criterion of the map with this id."""
    criteria = data.requirement.criteria if data.requirement else ()
    return next((c for c in criteria if c.id == name), None)


def criterion_row(
    data: RequirementData, name: str, verdicts: Sequence[Verdict], chosen: bool
) -> CriterionRow:
    """Return one criterion at all its levels.

    Parameters
    ----------
    data : RequirementData
    name : str
        Criterion id, of the map or of the verdicts.
    verdicts : sequence of Verdict
        The decisive verdicts of the requirement.
    chosen : bool
        Whether the rest of the page is about it.
    """
    entry = _criterion(data, name)
    mine = [v for v in verdicts if v.criterion == name]
    first = mine[0] if mine else None
    levels = {v.level for v in mine} | (set(entry.levels) if entry else set())
    cells = [_cell(level, entry, mine) for level in sorted(levels, key=level_rank)]
    return CriterionRow(
        id=name,
        name=name.removeprefix(f"{data.id}/"),
        text=entry.text if entry else "",
        kind=entry.kind if entry else "value",
        role=entry.role if entry else "limit",
        deciding=entry is None or entry.role == "limit",
        metric=entry.metric if entry else (first.metric if first else None),
        bands=" ".join(entry.bands) if entry else "",
        unit=entry.unit if entry else (first.unit if first else ""),
        op=entry.op if entry else (first.op if first else ""),
        cells=tuple(cells),
        chosen=chosen,
        note=entry.note if entry else "",
    )


def _cell(level: str, entry: Criterion | None, verdicts: Sequence[Verdict]) -> LevelCell:
    """Return one level of a criterion."""
    verdict = worst_verdict(v for v in verdicts if v.level == level)
    limit = entry.levels.get(level) if entry else (verdict.limit if verdict else None)
    unit = entry.unit if entry else (verdict.unit if verdict else "")
    op = entry.op if entry else (verdict.op if verdict else "")
    return LevelCell(
        level=level,
        binding=verdict.binding if verdict else bool(entry and entry.binding_level == level),
        limit=f"{comparison(op)} {quantity(limit, unit)}" if limit is not None else ABSENT,
        at=_at(entry, level) if entry else "",
        verdict=verdict,
    )


def _at(entry: Criterion, level: str) -> str:
    """Say which parameters are bound at a level, e.g. ``at PA2 = 15 mmag``."""
    parts = []
    for parameter, by_band in entry.at.items():
        values = {quantity(*by_level[level]) for by_level in by_band.values() if level in by_level}
        if values:
            parts.append(f"{parameter} = {' or '.join(sorted(values))}")
    return f"at {', '.join(parts)}" if parts else ""


def level_rank(level: str) -> tuple[int, str]:
    """Return the place of a level, loosest first."""
    return (LEVEL_ORDER.index(level) if level in LEVEL_ORDER else len(LEVEL_ORDER), level)
