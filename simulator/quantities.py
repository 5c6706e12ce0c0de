"""The quantities whose population value the twin knows, and the metric that measures each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from skyassay.simulator.errors import SimulatorError

Kind = Literal["photometry", "separation", "offset", "separation_offset"]
Statistic = Literal["width", "fraction", "percentile"]


@dataclass(frozen=True)
class Quantity:
    """One quantity of LPM-17 tables 14, 18 and 19.

    Attributes
    ----------
    name : str
    metric : str
        Id of the metric that measures it.
    kind : str
        What deviates: a magnitude, a separation, a position against r, a separation against r.
    statistic : str
        ``width`` of the deviations, ``fraction`` (percent) beyond `at`, or the percentile
        that `at` percent exceed.
    distance : float
        Separation in arcmin; 0 where none is meant.
    at : mapping
        Band -> design value of the companion parameter: mmag, mas or percent.
    """

    name: str
    metric: str
    kind: Kind
    statistic: Statistic
    distance: float = 0.0
    at: Mapping[str, float] | None = None


def _same(value: float) -> Mapping[str, float]:
    return dict.fromkeys("ugrizy", value)


def _table() -> tuple[Quantity, ...]:
    """Return every quantity; companion values are the design column of LPM-17."""
    phot, ast, bb = (
        "photometry.repeatability.",
        "astrometry.relative.",
        "astrometry.band_to_band.",
    )
    pa2 = {**_same(15.0), "u": 22.5, "z": 22.5, "y": 22.5}
    rows = [
        Quantity("PA1", phot + "pa1", "photometry", "width"),
        Quantity("PF1", phot + "pf1", "photometry", "fraction", at=pa2),
        Quantity("PA2", phot + "pa2", "photometry", "percentile", at=_same(10.0)),
    ]
    for x, distance, limit in (("1", 5.0, 20.0), ("2", 20.0, 20.0), ("3", 200.0, 30.0)):
        rows += [
            Quantity(f"AM{x}", f"{ast}am{x}", "separation", "width", distance),
            Quantity(f"AF{x}", f"{ast}af{x}", "separation", "fraction", distance, _same(limit)),
            Quantity(f"AD{x}", f"{ast}ad{x}", "separation", "percentile", distance, _same(10.0)),
        ]
    readings: tuple[tuple[str, Kind, float], ...] = (
        ("", "offset", 0.0),
        ("_separations", "separation_offset", 5.0),
    )
    for suffix, kind, distance in readings:
        rows += [
            Quantity(f"AB1{suffix}", f"{bb}ab1{suffix}", kind, "width", distance),
            Quantity(f"ABF1{suffix}", f"{bb}abf1{suffix}", kind, "fraction", distance, _same(20.0)),
            Quantity(f"AB2{suffix}", f"{bb}ab2{suffix}", kind, "percentile", distance, _same(10.0)),
        ]
    return tuple(rows)


QUANTITIES: tuple[Quantity, ...] = _table()


def quantity(name: str) -> Quantity:
    """Return a quantity by its name (``PA1``) or its metric id.

    Raises
    ------
    SimulatorError
        ``unknown_quantity``.
    """
    for item in QUANTITIES:
        if name in (item.name, item.metric):
            return item
    raise SimulatorError(
        f"The simulator has no expected value for {name!r}.",
        code="unknown_quantity",
        hint=f"Known: {', '.join(q.name for q in QUANTITIES)}.",
        exit_code=4,
    )
