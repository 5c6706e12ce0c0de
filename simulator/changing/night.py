"""Which visits a night has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from skyassay.simulator.cadence import Cadence, Order
from skyassay.simulator.errors import SimulatorError


@dataclass(frozen=True)
class NightSize:
    """Size of a night.

    Attributes
    ----------
    visits_per_band : int
        Of each field.
    block : int
        Visits in one band before the next one's turn.
    preset : str
        Whose layout, static sky and earlier nights it has.
    """

    visits_per_band: int
    block: int
    preset: str


NIGHTS: Mapping[str, NightSize] = {
    "tiny": NightSize(1, 1, "tiny"),
    "small": NightSize(4, 2, "small"),
    # Decides completeness and purity; the earlier nights are those of `small`.
    "medium": NightSize(20, 5, "small"),
}


def night_size(name: str, visits_per_band: int | None = None) -> NightSize:
    """Return the size of a night.

    Raises
    ------
    SimulatorError
        ``unknown_night``, ``no_visits`` (exit code 4).
    """
    if name not in NIGHTS:
        raise SimulatorError(
            f"There is no night named {name!r}.",
            code="unknown_night",
            hint=f"Nights: {', '.join(NIGHTS)}.",
            exit_code=4,
        )
    size = NIGHTS[name]
    visits = size.visits_per_band if visits_per_band is None else visits_per_band
    if visits < 1:
        raise SimulatorError(
            f"A night of {visits} visits per band has nothing to show.",
            code="no_visits",
            hint="Ask for at least one visit per band.",
            exit_code=4,
        )
    return NightSize(visits, size.block, size.preset)


def night_order(cadence: Cadence, size: NightSize) -> Order:
    """Return the visits of the night after the last one of a cadence.

    Bands take turns in blocks; in a block every field is visited.
    """
    rows = [
        (band, field)
        for first in range(0, size.visits_per_band, size.block)
        for band in range(len(cadence.bands))
        for _ in range(first, min(first + size.block, size.visits_per_band))
        for field in range(len(cadence.fields))
    ]
    band, field = (np.array(c, dtype=np.int64) for c in zip(*rows, strict=True))
    return Order(np.full(band.size, cadence.nights, dtype=np.int64), band, field)
