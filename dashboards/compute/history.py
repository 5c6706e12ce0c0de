"""One criterion over the runs: value, interval and status against its limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from skyassay.dashboards.compute.bands import band_rows
from skyassay.dashboards.status import Standing, standing
from skyassay.dashboards.text import plural, quantity
from skyassay.verify.records import Verdict
from skyassay.verify.store import History

#: Points drawn; older runs are in the store, and the page says how many.
MOST_POINTS: Final = 200


@dataclass(frozen=True)
class Point:
    """One run.

    Attributes
    ----------
    place : int
        Order of the runs, 1 the oldest drawn.
    value, low, high : float or None
        In the unit of the criterion; None when not measured, and then not drawn.
    """

    place: int
    run: str
    subject: str
    created: str
    band: str | None
    value: float | None
    low: float | None
    high: float | None
    status: Standing
    reason: str | None


@dataclass(frozen=True)
class HistoryView:
    """The points of one criterion, and what was left out."""

    points: tuple[Point, ...]
    limit: float | None
    level: str
    op: str
    unit: str
    older: int
    elsewhere: int
    summary: str


def history(found: Sequence[History], verdict: Verdict, band: str | None) -> HistoryView:
    """Return the history of a criterion in one band.

    Parameters
    ----------
    found : sequence of History
        Oldest first, all at the level of `verdict`.
    verdict : Verdict
        The one the page is about: only evidence of its level is comparable.
    band : str or None
        Its part to follow; None follows the verdict itself.
    """
    comparable = [h for h in found if h.run.evidence_level == verdict.evidence_level]
    recent = comparable[-MOST_POINTS:]
    points = tuple(_point(place, h, band) for place, h in enumerate(recent, start=1))
    return HistoryView(
        points=points,
        limit=float(verdict.limit) if isinstance(verdict.limit, int | float) else None,
        level=verdict.level,
        op=verdict.op,
        unit=verdict.unit,
        older=len(comparable) - len(recent),
        elsewhere=len(found) - len(comparable),
        summary=_summary(
            points, len(comparable) - len(recent), len(found) - len(comparable), verdict
        ),
    )


def _point(place: int, found: History, band: str | None) -> Point:
    """Return one run as a point, of the part that is followed."""
    part = found.verdict
    if band is not None:
        mine = [row for row in band_rows(part, ()) if row.verdict.band == band]
        chosen = next((row for row in mine if row.decides), mine[0] if mine else None)
        part = chosen.verdict if chosen else part
    return Point(
        place=place,
        run=found.run.id,
        subject=found.run.subject,
        created=found.run.created,
        band=part.band,
        value=part.value,
        low=part.low,
        high=part.high,
        status=standing(part),
        reason=part.reason,
    )


def _summary(points: Sequence[Point], older: int, elsewhere: int, verdict: Verdict) -> str:
    """Say in words what the picture shows."""
    measured = [p for p in points if p.value is not None]
    words = [f"{plural(len(points), 'run')} with {verdict.evidence_level} evidence"]
    if measured:
        values = [p.value for p in measured if p.value is not None]
        words.append(f"the newest value is {quantity(values[-1], verdict.unit)}")
        if len(values) > 1:
            low, high = (quantity(x, verdict.unit) for x in (min(values), max(values)))
            words.append(f"values run from {low} to {high}")
    gone = len(points) - len(measured)
    if gone:
        words.append(f"{plural(gone, 'run')} without a value")
    if older:
        words.append(f"{plural(older, 'older run')} not drawn")
    if elsewhere:
        words.append(f"{plural(elsewhere, 'run')} with another kind of evidence not drawn")
    return "; ".join(words) + "."
