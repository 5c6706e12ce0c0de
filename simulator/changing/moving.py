"""Objects of the Solar System that cross the detectors in the night."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.changing.hashed import uniforms
from skyassay.simulator.changing.points import Points, points
from skyassay.simulator.changing.spectra import flux_of

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
MOVER_ID = 8_000_000_000


@dataclass(frozen=True)
class Movers:
    """Parameters."""

    density: float = 250.0
    bright: float = 18.0
    faint: float = 25.0
    slope: float = 0.3
    margin: float = 90.0


def movers(terms: Movers, places: Table, start: float, seed: int) -> Table:
    """Return straight movers."""
    ids = places["objectId"]
    u = uniforms(seed, "changing.movers", ids, 3)
    low, high = 10.0 ** (terms.slope * np.array([terms.bright, terms.faint]))
    return {
        "ssObjectId": ids + MOVER_ID,
        "ra": places["coord_ra"],
        "dec": places["coord_dec"],
        "rate_ra": 0.2 * (u[0] - 0.5),
        "rate_dec": 0.2 * (u[1] - 0.5),
        "V": np.log10(low + u[2] * (high - low)) / terms.slope,
        "start": np.full(ids.size, start),
    }


def mover_points(terms: Movers, table: Table, mjd: float, band: str) -> Points:
    """Return where they are."""
    t = mjd - table["start"]
    dec = table["dec"] + t * table["rate_dec"]
    ra = (table["ra"] + t * table["rate_ra"] / np.cos(np.radians(dec))) % 360.0
    return points(
        "solar_system",
        table["ssObjectId"],
        ra,
        dec,
        flux_of(table["V"]),
        object_id=table["ssObjectId"],
        rate_ra=table["rate_ra"],
        rate_dec=table["rate_dec"],
    )
