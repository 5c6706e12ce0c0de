"""The parts of one verdict, one row for each band, with the measurement behind each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from skyassay.dashboards.status import Standing, standing
from skyassay.dashboards.text import number
from skyassay.verify.records import Verdict

#: Bands by wavelength; others follow by name.
BAND_ORDER: Final = "ugrizy"


@dataclass(frozen=True)
class BandRow:
    """One part of a verdict.

    Attributes
    ----------
    verdict : Verdict
        Of this band; its numbers are in the unit of the criterion.
    at : str
        Bound parameters with their units.
    certified : bool or None
        Whether the coverage of the interval is certified; None without an interval.
    n, n_rejected : int or None
        Units that entered, and that cuts removed; None when nothing was measured.
    decides : bool
        Whether the verdict of the criterion is this one.
    """

    verdict: Verdict
    at: str
    certified: bool | None
    n: int | None
    n_rejected: int | None
    diagnostics: tuple[tuple[str, str], ...]
    decides: bool

    @property
    def standing(self) -> Standing:
        """Its status, with what nobody tried told apart."""
        return standing(self.verdict)

    @property
    def label(self) -> str:
        """Name of the row in a plot."""
        parts = (self.verdict.band or "all", self.verdict.component or "", self.at)
        return " · ".join(part for part in parts if part)


def band_rows(verdict: Verdict | None, measurements: Sequence[Any]) -> tuple[BandRow, ...]:
    """Return the parts of a verdict by wavelength; a verdict without parts is its own."""
    if verdict is None:
        return ()
    parts = verdict.parts or (verdict,)
    decider = _decider(verdict, parts)
    rows = [_row(part, _behind(part, measurements), part is decider) for part in parts]
    return tuple(sorted(rows, key=_order))


def _decider(verdict: Verdict, parts: Sequence[Verdict]) -> Verdict | None:
    """Return the part the verdict was taken from."""
    key = (verdict.band, verdict.component, verdict.value, verdict.status)
    return next((p for p in parts if (p.band, p.component, p.value, p.status) == key), None)


def _behind(part: Verdict, measurements: Sequence[Any]) -> Any | None:
    """Return the measurement a part was judged by."""
    for m in measurements:
        same = (m.metric, m.recipe, m.band) == (part.metric, part.recipe, part.band)
        if same and part.component in (None, m.component) and dict(m.at) == dict(part.at):
            return m
    return None


def _row(part: Verdict, measurement: Any | None, decides: bool) -> BandRow:
    """Return one row."""
    m = measurement
    interval = m.interval if m is not None else None
    units = m.at_units if m is not None else {}
    at = (f"{k} = {number(v)} {units.get(k, '')}".strip() for k, v in sorted(part.at.items()))
    return BandRow(
        verdict=part,
        at=", ".join(at),
        certified=interval.certified if interval is not None else None,
        n=m.n if m is not None else part.n,
        n_rejected=m.n_rejected if m is not None else None,
        diagnostics=tuple(_diagnostics(m)) if m is not None else (),
        decides=decides,
    )


def _diagnostics(measurement: Any) -> list[tuple[str, str]]:
    """Return the scalars that explain a value, rounded for reading."""
    return [(key, _word(value)) for key, value in sorted(measurement.diagnostics.items())]


def _word(value: object) -> str:
    """Return one scalar for reading."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, float) else str(value)


def _order(row: BandRow) -> tuple[int, str, str, str]:
    band = row.verdict.band or ""
    place = BAND_ORDER.find(band) if band else -1
    return (place if place >= 0 else len(BAND_ORDER), band, row.verdict.component or "", row.at)
