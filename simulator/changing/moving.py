"""Objects of the Solar System, on orbits that cross the detectors in the night."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.changing.points import Points, points
from skyassay.simulator.changing.spectra import flux_of
from skyassay.simulator.errors import SimulatorError

Table = dict[str, NDArray[Any]]
#: Identifiers begin here.
MOVER_ID = 8_000_000_000
#: Columns of `truth_ss_object`.
_COLUMNS = (
    "ssObjectId", "q", "e", "incl", "node", "argPeri", "tPeriMjdTai", "epochMjdTai", "H", "isKnown",
)  # fmt: skip
#: Orbits pass so near the places that they are drawn for, degrees.
_NEAR = 1.0e-4


@dataclass(frozen=True)
class Movers:
    """Parameters of the Solar System objects.

    Attributes
    ----------
    density : float
        Per square degree in the middle of the night, from `bright` to `faint`. It is what a
        field near the ecliptic has; the detectors are too few for what a high latitude has.
    bright, faint, slope : float
        Range of V; counts per magnitude grow as 10^(slope V).
    known : float
        Share in the catalogue of orbits that the pipeline is given.
    margin : float
        Objects are drawn to this distance from the detectors, arcsec: what moves in a night.
    """

    density: float = 400.0
    bright: float = 18.0
    faint: float = 25.0
    slope: float = 0.3
    known: float = 0.8
    margin: float = 90.0


def movers(terms: Movers, places: Table, middle: float, seed: int) -> Table:
    """Return the orbits of a night's objects: columns of `truth_ss_object`.

    Each is drawn to pass by one place in the middle of the night, from the families of orbits
    that come there; so another detector adds objects and changes no orbit.

    Parameters
    ----------
    terms : Movers
    places : dict
        objectId, coord_ra, coord_dec, degrees.
    middle : float
        MJD (TAI) of the middle of the night; also the epoch of the orbits.
    seed : int

    Raises
    ------
    SimulatorError
        ``no_orbit_there`` where hardly any orbit comes.
    """
    from skyassay.simulator.solar_system.near import near

    found = [
        near(
            (float(ra), float(dec)), _NEAR, middle, 1, seed,
            mag=(terms.bright, terms.faint), slope=terms.slope,
            first_id=MOVER_ID + int(number), known=terms.known,
        )
        for number, ra, dec in zip(
            places["objectId"], places["coord_ra"], places["coord_dec"], strict=True
        )
    ]  # fmt: skip
    if not found:
        types = {"ssObjectId": np.int64, "isKnown": np.bool_}
        return {n: np.empty(0, dtype=types.get(n, np.float64)) for n in _COLUMNS}
    return {n: np.concatenate([o[n] for o in found]) for n in _COLUMNS}


def tracks(orbits: Table, times: Iterable[float]) -> dict[float, Table]:
    """Return where the objects are seen at some times, MJD (TAI): ra, dec, rates, V."""
    from skyassay.simulator.solar_system.trajectories import Trajectories

    asked = [float(t) for t in times]
    whole = Trajectories(orbits, min(asked), max(asked))
    kept = ("ssObjectId", "ra", "dec", "rate_ra", "rate_dec", "vMag")
    found = {}
    for mjd in asked:
        seen = whole.seen(mjd)
        found[mjd] = {n: seen[n] for n in kept}
    return found


def mover_points(where: Mapping[float, Table], mjd: float, band: str) -> Points:
    """Return the objects at one of the times that `tracks` was asked for.

    Raises
    ------
    SimulatorError
        ``unknown_time``.
    """
    from skyassay.simulator.solar_system.brightness import band_magnitude

    if mjd not in where:
        raise SimulatorError(
            f"It is not known where objects are at MJD {mjd}.",
            code="unknown_time",
            hint="Ask for the times of the night's visits.",
        )
    table = where[mjd]
    return points(
        "solar_system",
        table["ssObjectId"],
        table["ra"],
        table["dec"],
        flux_of(band_magnitude(table["vMag"], band)),
        object_id=table["ssObjectId"],
        rate_ra=table["rate_ra"],
        rate_dec=table["rate_dec"],
    )
